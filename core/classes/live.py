"""The workspaces that a class lives in: in any other, its people are nobody."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.models import ChannelBinding, Class, ClassWorkspace
from core.errors import NotFound
from core.identity.models import Workspace
from core.identity.permissions import require_teacher_or_admin


async def live_in(session: AsyncSession, actor: Actor, class_id: UUID, workspace_id: UUID) -> bool:
    """Let a class live in a workspace from now on; say whether that is new.

    For its teachers and admins. Raises `NotPermitted`, `NotFound` (no such class, or Homeroom is not in the workspace).
    """
    await require_teacher_or_admin(session, actor, class_id)
    await lock_workspace(session, workspace_id)
    living = select(Class.id).where(Class.id == class_id, Class.deleted_at.is_(None))
    if await session.scalar(living.with_for_update(read=True, key_share=True)) is None:
        raise NotFound("There is no such class.")
    if await _residence(session, class_id, workspace_id) is not None:
        return False
    residence = ClassWorkspace(class_id=class_id, workspace_id=workspace_id)
    session.add(residence)
    await session.flush()
    record(
        session,
        actor,
        "class.live_in",
        "class_workspace",
        residence.id,
        class_id=class_id,
        workspace_id=workspace_id,
    )
    return True


async def move_out(session: AsyncSession, actor: Actor, class_id: UUID, workspace_id: UUID) -> None:
    """Let a class live in a workspace no more; its channels there are bound to it no more.

    For its teachers and admins. Raises `NotPermitted`, `NotFound` (it does not live there).
    """
    await require_teacher_or_admin(session, actor, class_id)
    await lock_workspace(session, workspace_id)
    residence = await _residence(session, class_id, workspace_id)
    if residence is None:
        raise NotFound("The class does not live in this workspace.")
    bindings = await session.scalars(
        select(ChannelBinding).where(
            ChannelBinding.class_id == class_id,
            ChannelBinding.workspace_id == workspace_id,
            ChannelBinding.deleted_at.is_(None),
        )
    )
    for binding in bindings:
        end_binding(session, actor, binding)
    residence.deleted_at, residence.deleted_by_user_id = func.now(), actor.user_id
    record(
        session,
        actor,
        "class.move_out",
        "class_workspace",
        residence.id,
        class_id=class_id,
        workspace_id=workspace_id,
    )


async def lock_workspace(session: AsyncSession, workspace_id: UUID) -> None:
    """Let what is decided about a workspace's classes and channels follow one another until the transaction ends.

    Raises `NotFound` where Homeroom is not installed (any more).
    """
    here = select(Workspace.id).where(
        Workspace.id == workspace_id, Workspace.deleted_at.is_(None), Workspace.revoked_at.is_(None)
    )
    if await session.scalar(here.with_for_update(key_share=True)) is None:
        raise NotFound("Homeroom is not at home in this workspace.")


def end_binding(session: AsyncSession, actor: Actor, binding: ChannelBinding) -> None:
    """Take a channel's binding away. The workspace's lock is held, and that they may is decided."""
    binding.deleted_at, binding.deleted_by_user_id = func.now(), actor.user_id
    record(
        session,
        actor,
        "channel.unbind",
        "channel_binding",
        binding.id,
        class_id=binding.class_id,
        workspace_id=binding.workspace_id,
        channel_id=binding.channel_id,
    )


async def _residence(session: AsyncSession, class_id: UUID, workspace_id: UUID) -> ClassWorkspace | None:
    return await session.scalar(
        select(ClassWorkspace).where(
            ClassWorkspace.class_id == class_id,
            ClassWorkspace.workspace_id == workspace_id,
            ClassWorkspace.deleted_at.is_(None),
        )
    )
