"""Who a platform's user is: tie them to a person, and take that back."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.enums import GlobalRole, LinkMethod
from core.errors import Conflict, NotFound
from core.identity.models import AppUser, Workspace, WorkspaceIdentity
from core.identity.permissions import require_global_role
from core.inbox.store import release_waiting

_TAKEN = "Your account here is tied to somebody else. Untie it with /unlink first."


async def link(
    session: AsyncSession, actor: Actor, workspace_id: UUID, platform_user_id: str, user_id: UUID, method: LinkMethod
) -> WorkspaceIdentity:
    """Tie a workspace's user to a person. That they are one is for the caller to have verified, by that method.

    Tying the same two again renews method and time. What they asked before is answered now. Raises `Conflict` (the
    account is somebody else's), `NotFound` (no such workspace, or the person was deleted).
    """
    here = select(Workspace.id).where(
        Workspace.id == workspace_id, Workspace.deleted_at.is_(None), Workspace.revoked_at.is_(None)
    )
    if await session.scalar(here) is None:
        raise NotFound("Homeroom is not at home in this workspace.")
    living = select(AppUser.id).where(AppUser.id == user_id, AppUser.deleted_at.is_(None))
    if await session.scalar(living.with_for_update(read=True, key_share=True)) is None:
        raise NotFound("There is no such person.")
    identity = await _identity(session, workspace_id, platform_user_id)
    if identity is not None and identity.app_user_id != user_id:
        if await session.scalar(select(AppUser.deleted_at).where(AppUser.id == identity.app_user_id)) is None:
            raise Conflict(_TAKEN)
        _take_back(session, actor, identity)  # of somebody who is not here any more
        await session.flush()
        identity = None
    if identity is None:
        identity = WorkspaceIdentity(
            workspace_id=workspace_id, platform_user_id=platform_user_id, app_user_id=user_id, method=method
        )
        try:
            async with session.begin_nested():
                session.add(identity)
        except IntegrityError as error:  # tied to somebody in this very moment
            raise Conflict(_TAKEN) from error
    else:
        identity.method, identity.linked_at = method, func.now()
    record(
        session,
        actor,
        "identity.link",
        "workspace_identity",
        identity.id,
        app_user_id=user_id,
        workspace_id=workspace_id,
        method=method.value,
    )
    await release_waiting(session, workspace_id, platform_user_id)
    return identity


async def unlink(session: AsyncSession, actor: Actor, workspace_id: UUID, platform_user_id: str) -> None:
    """Untie a workspace's user: their own to do, or an admin's. Raises `NotFound`, `NotPermitted`."""
    identity = await _identity(session, workspace_id, platform_user_id)
    if identity is None:
        raise NotFound("This account is not tied to anybody.")
    if actor.user_id != identity.app_user_id:
        await require_global_role(session, actor, GlobalRole.ADMIN)
    _take_back(session, actor, identity)


async def unlink_own(session: AsyncSession, workspace_id: UUID, platform_user_id: str, *, surface: str) -> None:
    """Untie a workspace's user at their own wish, also one whose link does not do any more. Raises `NotFound`."""
    identity = await _identity(session, workspace_id, platform_user_id)
    if identity is None:
        raise NotFound("This account is not tied to anybody.")
    _take_back(session, Actor.person(identity.app_user_id, surface), identity)


async def not_linked(session: AsyncSession, user_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these people have no account in any workspace yet."""
    linked = await session.scalars(
        select(WorkspaceIdentity.app_user_id).where(
            WorkspaceIdentity.app_user_id == any_(literal(list(user_ids), ARRAY(Uuid()))),
            WorkspaceIdentity.deleted_at.is_(None),
        )
    )
    return set(user_ids) - set(linked)


async def _identity(session: AsyncSession, workspace_id: UUID, platform_user_id: str) -> WorkspaceIdentity | None:
    return await session.scalar(
        select(WorkspaceIdentity)
        .where(
            WorkspaceIdentity.workspace_id == workspace_id,
            WorkspaceIdentity.platform_user_id == platform_user_id,
            WorkspaceIdentity.deleted_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _take_back(session: AsyncSession, actor: Actor, identity: WorkspaceIdentity) -> None:
    identity.deleted_at, identity.deleted_by_user_id = func.now(), actor.user_id
    record(
        session,
        actor,
        "identity.unlink",
        "workspace_identity",
        identity.id,
        app_user_id=identity.app_user_id,
        workspace_id=identity.workspace_id,
    )
