"""Tells a class of what was published: which lessons and assignments are news, and what there is to say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import ChannelBinding, Class
from core.classes.settings import CLASS_SETTINGS
from core.content.diff import count_words, words_changed
from core.content.kinds import ASSIGNMENT, LESSON, Kind
from core.content.revisions import Revision, Root
from core.enums import ChannelPurpose, NotificationState, Platform, VisibilityState
from core.identity.models import Workspace
from core.inbox.models import Notification
from core.inbox.notify import PUBLISHED, ToTell, notify_each
from core.published import published_assignments, published_lesson_units, published_modules

SOON = timedelta(hours=1)
SMALL = 0.2  # share of the words
_TEXTS = ("title", "body", "instructions")


async def announce(session: AsyncSession, actor: Actor, shown: Sequence[tuple[Kind, Root, Revision]]) -> None:
    """Have a class's channels told of the lessons and assignments among what was published, once per revision.

    Unless the class has no channel, or does not want it (its setting `announce`). A second publication within an hour
    of the one before is no news when it is small: no more than a fifth of the words, and no points, weight, date or AI
    policy. News that nobody has been told yet gives way to what is newer.
    """
    news = [(kind, root, revision) for kind, root, revision in shown if kind in (LESSON, ASSIGNMENT)]
    class_id = news[0][1].class_id if news else None
    if class_id is None or not await _wanted(session, class_id):
        return
    revisions = {root.id: revision.id for _, root, revision in news}
    earlier = {
        root_id: before
        for kind in {kind for kind, _, _ in news}
        for root_id, before in (await _published_before(session, kind, revisions)).items()
    }
    untold = await _withdraw_untold(session, revisions)
    to_tell: dict[str, dict[str, Any]] = {}
    for kind, root, revision in news:
        before = earlier.get(root.id)
        told_later = untold.get(root.id, [])
        if before is not None and not told_later and before.recent and is_small(before.revision, revision):
            continue
        first = before is None or any(not details.get("updated") for details in told_later)
        to_tell[f"{PUBLISHED}:{class_id}:{revision.id}"] = {
            "thing": kind.name,
            "root": str(root.id),
            "revision": str(revision.id),
            "updated": not first,
            "request": str(actor.request_id),
        }
    await notify_each(session, PUBLISHED, to_tell, class_id=class_id)


def is_small(before: Revision, after: Revision) -> bool:
    """Say whether little enough changed between two revisions to go without saying."""
    changed = words = 0
    for name in after.content_columns:
        old, new = getattr(before, name), getattr(after, name)
        if name in _TEXTS:
            changed += words_changed(old, new)
            words += max(count_words(old), count_words(new))
        elif old != new:
            return False
    return changed <= SMALL * words


def announces(settings: Mapping[str, Any]) -> bool:
    """Say whether a class with these settings wants to be told of what is published."""
    return bool(settings.get("announce", CLASS_SETTINGS["announce"].default))


async def _wanted(session: AsyncSession, class_id: UUID) -> bool:
    settings = await session.scalar(
        select(Class.settings)
        .join(ChannelBinding, ChannelBinding.class_id == Class.id)
        .where(
            Class.id == class_id,
            ChannelBinding.purpose == ChannelPurpose.CLASS,
            ChannelBinding.deleted_at.is_(None),
        )
        .limit(1)
    )
    return settings is not None and announces(settings)


@dataclass(frozen=True, slots=True)
class _Before:
    """What was published of a thing the last time, and whether that was within `SOON`."""

    revision: Revision
    recent: bool


async def _published_before(session: AsyncSession, kind: Kind, now: Mapping[UUID, UUID]) -> dict[UUID, _Before]:
    """Return what was published before the revisions that are now, by root."""
    root_id, revision = kind.root_column(), kind.revision
    rows = await session.execute(
        select(revision, revision.published_at > func.now() - SOON)
        .where(
            root_id.in_(now),
            revision.id.not_in(now.values()),
            revision.visibility_state == VisibilityState.PUBLISHED,
        )
        .ext(distinct_on(root_id))
        .order_by(root_id, revision.published_at.desc().nulls_last(), revision.revision_number.desc())
    )
    return {getattr(each, revision.root_key): _Before(each, bool(recent)) for each, recent in rows}


async def _withdraw_untold(session: AsyncSession, now: Mapping[UUID, UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Withdraw the news of older revisions that nobody has been told yet, and return its details by root."""
    rows = await session.scalars(
        update(Notification)
        .where(
            Notification.kind == PUBLISHED,
            Notification.state == NotificationState.PENDING,
            Notification.deleted_at.is_(None),
            Notification.details["root"].astext.in_([str(each) for each in now]),
            Notification.details["revision"].astext.not_in([str(each) for each in now.values()]),
        )
        .values(deleted_at=func.now())
        .returning(Notification.details)
        .execution_options(synchronize_session=False)
    )
    untold: dict[UUID, list[dict[str, Any]]] = {}
    for details in rows:
        untold.setdefault(UUID(details["root"]), []).append(details)
    return untold


@dataclass(frozen=True, slots=True)
class News:
    """Something that students see and have not been told of. `number` is a lesson's (an assignment's lesson's)."""

    notification_id: UUID
    thing: str
    root_id: UUID
    lesson_id: UUID | None
    number: str
    title: str
    module_title: str
    updated: bool
    points: Decimal | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a class; one that stands for a lesson is told of that lesson alone."""

    binding_id: UUID
    platform: Platform
    workspace_id: UUID
    workspace: str  # the platform's id
    channel_id: str
    lesson_id: UUID | None

    def wants(self, news: News) -> bool:
        """Say whether this is news there."""
        return self.lesson_id is None or self.lesson_id == news.lesson_id


async def read_news(session: AsyncSession, told: Sequence[ToTell]) -> list[News]:
    """Return what there is to say, in outline order, from what students see: what they don't is left out."""
    lessons, work, modules = published_lesson_units.c, published_assignments.c, published_modules.c
    by_root = {UUID(each.details["root"]): each for each in told if each.kind == PUBLISHED}
    found: list[tuple[tuple[int, int, int], News]] = []
    rows = await session.execute(
        select(published_lesson_units, modules.title.label("module"))
        .join(published_modules, modules.id == lessons.module_id)
        .where(lessons.id.in_(by_root))
    )
    for row in rows:
        told_of = by_root[row.id]
        news = News(
            told_of.id, LESSON.name, row.id, row.id, f"{row.module_position}.{row.position}", row.title, row.module,
            bool(told_of.details["updated"]),
        )  # fmt: skip
        found.append(((row.module_position, row.position, 0), news))
    rows = await session.execute(
        select(published_assignments, lessons.module_position, lessons.position.label("lesson"))
        .outerjoin(published_lesson_units, lessons.id == work.lesson_unit_id)
        .where(work.id.in_(by_root))
    )
    for row in rows:
        told_of = by_root[row.id]
        number = f"{row.module_position}.{row.lesson}" if row.lesson is not None else ""
        news = News(
            told_of.id, ASSIGNMENT.name, row.id, row.lesson_unit_id, number, row.title, "",
            bool(told_of.details["updated"]), row.points, row.due_at,
        )  # fmt: skip
        found.append(((row.module_position or 0, row.lesson or 0, row.position + 1), news))
    return [news for _, news in sorted(found, key=lambda pair: pair[0])]


async def channels_of(session: AsyncSession, class_id: UUID) -> list[Channel]:
    """Return the channels of a living class where Homeroom is installed."""
    rows = await session.execute(
        select(ChannelBinding, Workspace.platform, Workspace.external_id)
        .join(Workspace, Workspace.id == ChannelBinding.workspace_id)
        .join(Class, Class.id == ChannelBinding.class_id)
        .where(
            ChannelBinding.class_id == class_id,
            ChannelBinding.purpose == ChannelPurpose.CLASS,
            ChannelBinding.deleted_at.is_(None),
            Workspace.deleted_at.is_(None),
            Workspace.revoked_at.is_(None),
            Class.deleted_at.is_(None),
        )
        .order_by(ChannelBinding.created_at, ChannelBinding.id)
    )
    return [
        Channel(binding.id, platform, binding.workspace_id, external_id, binding.channel_id, binding.lesson_unit_id)
        for binding, platform, external_id in rows
    ]
