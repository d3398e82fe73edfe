"""What a channel stands for: a class, one lesson of it, or the place where its teachers meet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.live import end_binding, live_in, lock_workspace
from core.classes.models import ChannelBinding, Class, ClassMembership
from core.content.models import LessonUnit
from core.enums import ChannelPurpose, MembershipRole
from core.errors import InvalidInput, NotFound, NotPermitted
from core.identity.models import AppUser, WorkspaceIdentity
from core.identity.permissions import require_teacher_or_admin


@dataclass(frozen=True, slots=True)
class Binding:
    """What came of binding a channel: `settled`, the class lives in the workspace only since now.

    `instead_of` is the channel where the class's teachers met before.
    """

    id: UUID
    settled: bool = False
    instead_of: str | None = None


class Strangers(NamedTuple):
    """How many of a channel's readers we don't know, and how many we know who do not belong there."""

    unknown: int
    outsiders: int


async def bind_channel(
    session: AsyncSession,
    actor: Actor,
    workspace_id: UUID,
    channel_id: str,
    class_id: UUID,
    lesson_unit_id: UUID | None = None,
    purpose: ChannelPurpose = ChannelPurpose.CLASS,
) -> Binding:
    """Let a channel stand for a class, or for one lesson of it; the class then lives in the workspace too.

    What the channel stood for before ends; so does, for TEACHERS, the channel where they met before: a class has one in
    a workspace. For teachers and admins, of the class that the channel stood for as well. Raises `NotPermitted`,
    `NotFound` (no such class or lesson, or Homeroom is not in the workspace), `InvalidInput`.
    """
    await require_teacher_or_admin(session, actor, class_id)
    if purpose is ChannelPurpose.TEACHERS and lesson_unit_id is not None:
        raise InvalidInput("A channel is for the teachers or for a lesson, not for both.")
    settled = await live_in(session, actor, class_id, workspace_id)  # which takes the workspace's lock
    await _require_lesson(session, class_id, lesson_unit_id)
    here = await _standing(session, workspace_id, ChannelBinding.channel_id == channel_id)
    if here is not None:
        if (here.class_id, here.lesson_unit_id, here.purpose) == (class_id, lesson_unit_id, purpose):
            return Binding(here.id, settled)
        await _require_free(session, actor, here)
        end_binding(session, actor, here)
        await session.flush()  # the unique index has to be free for the new row
    moved = None
    if purpose is ChannelPurpose.TEACHERS:
        same = (ChannelBinding.class_id == class_id, ChannelBinding.purpose == purpose)
        moved = await _standing(session, workspace_id, *same)
        if moved is not None:
            end_binding(session, actor, moved)
    binding = ChannelBinding(
        workspace_id=workspace_id,
        channel_id=channel_id,
        class_id=class_id,
        lesson_unit_id=lesson_unit_id,
        purpose=purpose,
    )
    session.add(binding)
    await session.flush()
    record(
        session,
        actor,
        "channel.bind",
        "channel_binding",
        binding.id,
        class_id=class_id,
        workspace_id=workspace_id,
        channel_id=channel_id,
        lesson_unit_id=lesson_unit_id,
        purpose=purpose.value,
    )
    return Binding(binding.id, settled, moved.channel_id if moved is not None else None)


async def unbind_channel(session: AsyncSession, actor: Actor, workspace_id: UUID, channel_id: str) -> UUID:
    """Let a channel stand for nothing; return the class it stood for. Raises `NotFound`, `NotPermitted`."""
    await lock_workspace(session, workspace_id)
    here = await _standing(session, workspace_id, ChannelBinding.channel_id == channel_id)
    if here is None:
        raise NotFound("This channel is not bound to a class.")
    await require_teacher_or_admin(session, actor, here.class_id)
    end_binding(session, actor, here)
    return here.class_id


async def not_in_class(
    session: AsyncSession,
    workspace_id: UUID,
    platform_user_ids: Collection[str],
    class_id: UUID,
    *,
    purpose: ChannelPurpose = ChannelPurpose.CLASS,
) -> Strangers:
    """Return how many of these users of a workspace we don't know, and how many we know are not in the class.

    Where its teachers meet, students of the class do not belong either.
    """
    member = ClassMembership
    roles = tuple(MembershipRole) if purpose is ChannelPurpose.CLASS else (MembershipRole.TEACHER,)
    readers = func.unnest(literal(sorted(set(platform_user_ids)), ARRAY(Text))).table_valued("user_id").render_derived()
    unknown, outsiders = (
        await session.execute(
            select(
                func.count().filter(AppUser.id.is_(None)),
                func.count().filter(AppUser.id.is_not(None), member.id.is_(None)),
            )
            .select_from(readers)
            .outerjoin(
                WorkspaceIdentity,
                and_(
                    WorkspaceIdentity.platform_user_id == readers.c.user_id,
                    WorkspaceIdentity.workspace_id == workspace_id,
                    WorkspaceIdentity.deleted_at.is_(None),
                ),
            )
            .outerjoin(AppUser, and_(AppUser.id == WorkspaceIdentity.app_user_id, AppUser.deleted_at.is_(None)))
            .outerjoin(
                member,
                and_(
                    member.app_user_id == AppUser.id,
                    member.class_id == class_id,
                    member.role.in_(roles),
                    member.deleted_at.is_(None),
                ),
            )
        )
    ).one()
    return Strangers(unknown, outsiders)


async def _standing(session: AsyncSession, workspace_id: UUID, *which: ColumnElement[bool]) -> ChannelBinding | None:
    return await session.scalar(
        select(ChannelBinding).where(
            ChannelBinding.workspace_id == workspace_id, ChannelBinding.deleted_at.is_(None), *which
        )
    )


async def _require_free(session: AsyncSession, actor: Actor, binding: ChannelBinding) -> None:
    """Raise `NotPermitted` unless the actor may take a channel away from what it stands for."""
    living = select(Class.title).where(Class.id == binding.class_id, Class.deleted_at.is_(None))
    title = await session.scalar(living)
    if title is None:  # of a class that is not here any more, so it stands for nothing
        return
    try:
        await require_teacher_or_admin(session, actor, binding.class_id)
    except NotPermitted as error:
        raise NotPermitted(f"This channel belongs to “{title}”; only a teacher of that class may change it.") from error


async def _require_lesson(session: AsyncSession, class_id: UUID, lesson_unit_id: UUID | None) -> None:
    if lesson_unit_id is None:
        return
    found = select(LessonUnit.id).where(
        LessonUnit.id == lesson_unit_id, LessonUnit.class_id == class_id, LessonUnit.deleted_at.is_(None)
    )
    if await session.scalar(found) is None:
        raise NotFound("There is no such lesson in this class.")
