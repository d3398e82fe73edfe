"""The class that a person with several of them works in, in one workspace."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.models import Class, ClassMembership, ClassWorkspace
from core.errors import NotLinked, NotPermitted
from core.identity.models import WorkspaceIdentity
from core.inbox.store import release_waiting


async def choose_class(
    session: AsyncSession, actor: Actor, workspace_id: UUID, platform_user_id: str, class_id: UUID
) -> None:
    """Let a person's own account work in one of their classes that live here, until they choose another.

    A question that waited for the choice is answered now. Raises `NotLinked`, `NotPermitted` (somebody else's account,
    or not a class of theirs here).
    """
    identity = await session.scalar(
        select(WorkspaceIdentity)
        .where(
            WorkspaceIdentity.workspace_id == workspace_id,
            WorkspaceIdentity.platform_user_id == platform_user_id,
            WorkspaceIdentity.deleted_at.is_(None),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if identity is None:
        raise NotLinked
    if identity.app_user_id != actor.user_id:
        raise NotPermitted("A class is chosen by the person who works in it.")
    theirs = (
        select(Class.id)
        .join(ClassMembership, ClassMembership.class_id == Class.id)
        .join(ClassWorkspace, ClassWorkspace.class_id == Class.id)
        .where(
            Class.id == class_id,
            Class.deleted_at.is_(None),
            ClassMembership.app_user_id == actor.user_id,
            ClassMembership.deleted_at.is_(None),
            ClassWorkspace.workspace_id == workspace_id,
            ClassWorkspace.deleted_at.is_(None),
        )
    )
    if await session.scalar(theirs) is None:
        raise NotPermitted("You are not in such a class here.")
    await release_waiting(session, workspace_id, platform_user_id)
    if identity.class_id == class_id:
        return
    identity.class_id = class_id
    record(
        session,
        actor,
        "class.choose",
        "workspace_identity",
        identity.id,
        class_id=class_id,
        workspace_id=workspace_id,
    )
