"""A class at a glance: all of it for its teachers, what concerns them for its students."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import ChannelBinding, Class, ClassMembership
from core.classes.settings import Value, settings_of
from core.content.browse import list_lessons
from core.enums import ChannelPurpose, MembershipRole
from core.errors import NotFound
from core.identity.models import AppUser, WorkspaceIdentity
from core.identity.permissions import require_member


@dataclass(frozen=True, slots=True)
class BoundChannel:
    """A channel of the workspace, and its purpose. `lesson` is “2.3 Title”, of a published one only."""

    channel_id: str
    purpose: ChannelPurpose
    lesson: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """What only the teachers of a class see of it: how many are in it, how many of them have an account here."""

    students: int
    linked: int
    settings: dict[str, Value]


@dataclass(frozen=True, slots=True)
class ClassCard:
    """A class as a member sees it. `behind` is None for its students, who see no teachers' channel either."""

    code: str
    title: str
    description: str
    language: str
    time_zone: str
    teachers: tuple[str, ...]
    channels: tuple[BoundChannel, ...]
    behind: Behind | None = None


async def show_class(
    session: AsyncSession, actor: Actor, class_id: UUID, workspace_id: UUID | None = None
) -> ClassCard:
    """Return a class as the actor may see it, with its channels and accounts in a workspace.

    Without a `workspace_id` there are no channels, and accounts in any workspace count. Raises `NotPermitted`,
    `NotFound`.
    """
    role = await require_member(session, actor, class_id)
    class_ = await session.scalar(
        select(Class).where(Class.id == class_id, Class.deleted_at.is_(None)).execution_options(populate_existing=True)
    )
    if class_ is None:
        raise NotFound("There is no such class.")
    full = role is not MembershipRole.STUDENT
    return ClassCard(
        code=class_.code,
        title=class_.title,
        description=class_.description,
        language=class_.language,
        time_zone=class_.time_zone,
        teachers=await _teachers(session, class_id),
        channels=await _channels(session, class_id, workspace_id, full=full),
        behind=await _behind(session, class_, workspace_id) if full else None,
    )


async def _teachers(session: AsyncSession, class_id: UUID) -> tuple[str, ...]:
    names = await session.scalars(
        select(AppUser.name)
        .join(ClassMembership, ClassMembership.app_user_id == AppUser.id)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.role == MembershipRole.TEACHER,
            ClassMembership.deleted_at.is_(None),
            AppUser.deleted_at.is_(None),
        )
        .order_by(AppUser.name)
    )
    return tuple(names)


async def _channels(
    session: AsyncSession, class_id: UUID, workspace_id: UUID | None, *, full: bool
) -> tuple[BoundChannel, ...]:
    bindings = list(
        await session.scalars(
            select(ChannelBinding)
            .where(
                ChannelBinding.class_id == class_id,
                ChannelBinding.workspace_id == workspace_id,
                ChannelBinding.deleted_at.is_(None),
                *(() if full else (ChannelBinding.purpose == ChannelPurpose.CLASS,)),
            )
            .order_by(ChannelBinding.created_at, ChannelBinding.id)
        )
    )
    lessons = {}
    if any(binding.lesson_unit_id for binding in bindings):
        lessons = {item.id: f"{item.number} {item.title}" for item in await list_lessons(session, class_id)}
    return tuple(
        BoundChannel(
            binding.channel_id,
            binding.purpose,
            lessons.get(binding.lesson_unit_id, "") if binding.lesson_unit_id else "",
        )
        for binding in bindings
    )


async def _behind(session: AsyncSession, class_: Class, workspace_id: UUID | None) -> Behind:
    linked = (
        select(WorkspaceIdentity.id)
        .where(
            WorkspaceIdentity.app_user_id == AppUser.id,
            WorkspaceIdentity.deleted_at.is_(None),
            *(() if workspace_id is None else (WorkspaceIdentity.workspace_id == workspace_id,)),
        )
        .exists()
    )
    students, accounts = (
        await session.execute(
            select(func.count().filter(ClassMembership.role == MembershipRole.STUDENT), func.count().filter(linked))
            .join(AppUser, AppUser.id == ClassMembership.app_user_id)
            .where(
                ClassMembership.class_id == class_.id,
                ClassMembership.deleted_at.is_(None),
                AppUser.deleted_at.is_(None),
            )
        )
    ).one()
    return Behind(students, accounts, settings_of(class_))
