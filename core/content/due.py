"""Does what is due: publishes and unpublishes at its moment, each action once, however many clocks there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import Class
from core.content.kinds import KINDS, Kind
from core.content.parts import IN_ORDER
from core.content.publish import all_to_publish, is_ready, show_all, unpublish, why_unreadable
from core.content.revisions import Revision, Root
from core.content.waiting import end, tell_failure, waiting_action
from core.db import Sessions
from core.enums import ActionKind, ActionState
from core.errors import HomeroomError, NotReady
from core.inbox.models import ScheduledAction

FIRST_RETRY = timedelta(seconds=20)
LAST_RETRY = timedelta(hours=1)
_GROUP = func.coalesce(ScheduledAction.batch_id, ScheduledAction.id)
_ACTS = (ActionKind.PUBLISH, ActionKind.UNPUBLISH)
_BROKEN = "Something went wrong on our side."


class Outcome(StrEnum):
    """What became of something that was due."""

    DONE = "done"
    WAITING = "waiting"  # a text is still being processed
    FAILED = "failed"  # it keeps its schedule and is tried again later
    BUSY = "busy"  # somebody is at it; it is taken up at the next tick


@dataclass(frozen=True, slots=True)
class Ran:
    """What happened to an action, or to a batch of them; `error` is the sentence for the teacher."""

    group_id: UUID
    outcome: Outcome
    error: str | None = None


async def run_due(sessions: Sessions, now: datetime | None = None, *, most: int = 200) -> list[Ran]:
    """Do what is due by `now` (aware; the present by default), the oldest first, each in a transaction of its own.

    One that fails keeps its schedule with the reason and is tried again, after 20 seconds, then twice as long each
    time up to an hour, until it works or is called off. What a clock works on is locked, and the others pass it by.
    Raises errors of the connection.
    """
    async with sessions() as session:
        groups = await _due_groups(session, now or datetime.now(UTC), most)
    return [await run_group(sessions, group_id, now) for group_id in groups]


async def publish_batches_of(sessions: Sessions, kind: Kind, root_id: UUID) -> None:
    """Publish what waited for a thing's text to be ready together with others, if all of it is now."""
    async with sessions() as session:
        batch_id = await session.scalar(
            select(ScheduledAction.batch_id).where(
                ScheduledAction.entity_type == kind.name,
                ScheduledAction.entity_id == root_id,
                ScheduledAction.state == ActionState.PENDING,
                ScheduledAction.deleted_at.is_(None),
                ScheduledAction.batch_id.is_not(None),
                ScheduledAction.due_at <= func.clock_timestamp(),
            )
        )
    if batch_id is not None:
        await run_group(sessions, batch_id)


async def run_group(sessions: Sessions, group_id: UUID, now: datetime | None = None) -> Ran:
    """Do an action, or all actions of a batch, that are due by `now`, in one transaction."""
    moment = now or datetime.now(UTC)
    async with sessions.begin() as session:
        things = await _lock_things(session, group_id)
        if things is None:
            return Ran(group_id, Outcome.BUSY)
        actions = await _due_actions(session, group_id, moment)
        if not actions:  # another clock was faster, or it was called off
            return Ran(group_id, Outcome.DONE)
        try:
            # A savepoint: what fails half-way is undone, and the reason is kept.
            async with session.begin_nested():
                done = await _act(session, actions, things)
            return Ran(group_id, Outcome.DONE if done else Outcome.WAITING)
        except (HomeroomError, DBAPIError) as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            sentence = error.sentence if isinstance(error, HomeroomError) else _BROKEN
            await _note_failure(session, await _due_actions(session, group_id, moment), sentence, moment)
            return Ran(group_id, Outcome.FAILED, sentence)


def _of(group_id: UUID) -> ColumnElement[bool]:
    """Match the actions of a batch, or the one action that is in none."""
    return or_(
        ScheduledAction.batch_id == group_id,
        and_(ScheduledAction.id == group_id, ScheduledAction.batch_id.is_(None)),
    )


async def _due_groups(session: AsyncSession, now: datetime, most: int) -> Sequence[UUID]:
    when = func.coalesce(ScheduledAction.retry_at, ScheduledAction.due_at)
    groups = await session.scalars(
        select(_GROUP)
        .join(Class, Class.id == ScheduledAction.class_id)
        .where(
            ScheduledAction.kind.in_(_ACTS),
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
            Class.deleted_at.is_(None),
            when <= now,
        )
        .group_by(_GROUP)
        .order_by(func.min(when), _GROUP)
        .limit(most)
    )
    return groups.all()


async def _lock_things(session: AsyncSession, group_id: UUID) -> dict[tuple[str, UUID], Root] | None:
    """Lock everything that a group is about, or return None when somebody else holds any of it.

    Verbs lock a thing before its actions. To lock the actions first would turn that around, and the clock and a
    teacher could wait for each other; skipping what is locked never waits at all.
    """
    rows = (
        await session.execute(
            select(ScheduledAction.entity_type, ScheduledAction.entity_id).where(
                _of(group_id),
                ScheduledAction.state == ActionState.PENDING,
                ScheduledAction.deleted_at.is_(None),
            )
        )
    ).all()
    things: dict[tuple[str, UUID], Root] = {}
    for kind in IN_ORDER:
        ids = {row.entity_id for row in rows if row.entity_type == kind.name}
        roots = await session.scalars(
            select(kind.root)
            .where(kind.root.id.in_(ids))
            .order_by(kind.root.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        things |= {(kind.name, root.id): root for root in roots}
    return things if len(things) == len(rows) else None


async def _due_actions(session: AsyncSession, group_id: UUID, now: datetime) -> list[ScheduledAction]:
    """Return what is still to be done, in the order in which things are locked and shown."""
    actions = await session.scalars(
        select(ScheduledAction)
        .where(
            _of(group_id),
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
            func.coalesce(ScheduledAction.retry_at, ScheduledAction.due_at) <= now,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    names = [kind.name for kind in IN_ORDER]
    return sorted(actions, key=lambda action: (names.index(action.entity_type), action.entity_id))


async def _act(session: AsyncSession, actions: Sequence[ScheduledAction], things: dict[tuple[str, UUID], Root]) -> bool:
    """Do the actions; False, with nothing done, while a text is being processed. Raises `NotReady`."""
    clock = Actor.system("clock")
    showing: list[tuple[Kind, Root, Revision]] = []
    to_show: dict[UUID, Revision] = {}
    for kind in IN_ORDER:
        names = {(each.entity_type, each.entity_id) for each in actions if each.kind is ActionKind.PUBLISH}
        if roots := [things[kind.name, root_id] for name, root_id in names if name == kind.name]:
            to_show |= await all_to_publish(session, kind, roots)
    for action in actions:
        kind, root = KINDS[action.entity_type], things[action.entity_type, action.entity_id]
        if action.kind is ActionKind.UNPUBLISH:
            # What should have been shown before this moment, and could not be, must not appear after it.
            if (late := await waiting_action(session, kind, root.id)) is not None and late.due_at <= action.due_at:
                end(late, ActionState.CANCELLED)
            if root.published_revision_id is not None:
                await unpublish(session, clock, kind, root.id)
            end(action, ActionState.DONE)
            continue
        revision = to_show.get(root.id)
        if revision is None:  # it is live already
            end(action, ActionState.DONE)
            continue
        if (reason := why_unreadable(revision)) is not None:
            raise NotReady(f"The {kind.name} “{revision.title}” can't be published: {reason}")
        showing.append((kind, root, revision))
    if not all(is_ready(revision) for _, _, revision in showing):
        return False
    if showing:
        await show_all(session, clock, showing)
    return True


async def _note_failure(
    session: AsyncSession, actions: Sequence[ScheduledAction], sentence: str, now: datetime
) -> None:
    """Keep the reason: what has a moment is tried again, what waited for its text alone ends. Who asked is told."""
    for action in actions:
        action.attempts += 1
        if action.details.get("queued"):
            end(action, ActionState.FAILED, sentence)
        else:
            action.error = sentence
            action.retry_at = now + min(FIRST_RETRY * 2 ** min(action.attempts - 1, 20), LAST_RETRY)
    await tell_failure(session, actions[0], sentence)
