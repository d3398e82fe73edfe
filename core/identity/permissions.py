"""Who may do what: decided here, denied by default."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import Class, ClassMembership
from core.enums import GlobalRole, MembershipRole
from core.errors import NotPermitted
from core.identity.models import AppUser


async def membership_role(session: AsyncSession, user_id: UUID, class_id: UUID) -> MembershipRole | None:
    """Return what a person is in a living class, or None."""
    return await session.scalar(
        select(ClassMembership.role)
        .join(Class, Class.id == ClassMembership.class_id)
        .join(AppUser, AppUser.id == ClassMembership.app_user_id)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.app_user_id == user_id,
            ClassMembership.deleted_at.is_(None),
            Class.deleted_at.is_(None),
            AppUser.deleted_at.is_(None),
        )
    )


async def require_teacher(session: AsyncSession, actor: Actor, class_id: UUID) -> None:
    """Raise `NotPermitted` unless the actor teaches the class (or operates the system)."""
    if actor.operates:
        return
    if actor.user_id is None or await membership_role(session, actor.user_id, class_id) is not MembershipRole.TEACHER:
        raise NotPermitted("Only a teacher of this class may do that.", class_id=class_id)


async def require_teacher_or_admin(session: AsyncSession, actor: Actor, class_id: UUID) -> None:
    """Raise `NotPermitted` unless the actor teaches the class or administers the school: for where a class meets."""
    if actor.operates:
        return
    if actor.user_id is not None and await membership_role(session, actor.user_id, class_id) is MembershipRole.TEACHER:
        return
    try:
        await require_global_role(session, actor, GlobalRole.ADMIN)
    except NotPermitted as error:
        raise NotPermitted("Only a teacher of this class may do that.", class_id=class_id) from error


async def require_member(session: AsyncSession, actor: Actor, class_id: UUID) -> MembershipRole | None:
    """Return the actor's role in the class (None for the system); raise `NotPermitted` if they have none."""
    if actor.operates:
        return None
    role = await membership_role(session, actor.user_id, class_id) if actor.user_id else None
    if role is None:
        raise NotPermitted("You are not in this class.", class_id=class_id)
    return role


async def require_global_role(session: AsyncSession, actor: Actor, *roles: GlobalRole) -> None:
    """Raise `NotPermitted` unless the actor holds one of the global roles (or operates the system)."""
    if actor.operates:
        return
    held = await session.scalar(
        select(AppUser.global_role).where(AppUser.id == actor.user_id, AppUser.deleted_at.is_(None))
    )
    if held not in roles:
        raise NotPermitted
