"""Release grades at a moment: whatever the drafts are then, for nobody waits with grading until it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.enums import ActionKind, ActionState
from core.errors import Conflict, HomeroomError, InvalidInput, NotFound
from core.grading.plan_release import Selection, plan_release
from core.grading.release import Release, release
from core.identity.permissions import require_teacher
from core.inbox.models import ScheduledAction

_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DueRelease:
    """A scheduled release whose moment came: what it released, or why it could not and is tried again."""

    action_id: UUID
    release: Release | None = None
    error: str = ""


async def schedule_release(session: AsyncSession, actor: Actor, selection: Selection, at: datetime) -> UUID:
    """Let a selection be released at a moment; return the scheduled action's id.

    An assignment has one such moment, and so have all other selections of a class. Raises `NotPermitted`,
    `InvalidInput` (a moment that has passed), `Conflict` (one is scheduled already), `NotReady`, `NotFound`.
    """
    await plan_release(session, actor, selection)  # that it can be done at all
    if at.tzinfo is None or at <= await _now(session):
        raise InvalidInput("That moment has passed already.")
    entity_type, entity_id = _entity(selection)
    action = ScheduledAction(
        kind=ActionKind.RELEASE,
        entity_type=entity_type,
        entity_id=entity_id,
        class_id=selection.class_id,
        due_at=at.astimezone(UTC),
        details=_to_json(selection),
        created_by_user_id=actor.user_id,
    )
    try:
        async with session.begin_nested():
            session.add(action)
    except IntegrityError as error:
        raise Conflict("A release of this is scheduled already; cancel that first.") from error
    record(
        session, actor, "release.schedule", "scheduled_action", action.id, class_id=selection.class_id,
        due_at=action.due_at.isoformat(), **action.details,
    )  # fmt: skip
    return action.id


async def cancel_release(session: AsyncSession, actor: Actor, action_id: UUID) -> None:
    """Call a scheduled release off. Raises `NotFound`, `NotPermitted`."""
    action = await session.get(ScheduledAction, action_id, with_for_update=True, populate_existing=True)
    if action is None or action.kind is not ActionKind.RELEASE or action.deleted_at is not None:
        raise NotFound("No such release is scheduled.")
    await require_teacher(session, actor, action.class_id)
    if action.state is not ActionState.PENDING:
        raise NotFound("No such release is scheduled.")
    action.state, action.done_at = ActionState.CANCELLED, func.now()
    record(session, actor, "release.cancel", "scheduled_action", action.id, class_id=action.class_id)


async def scheduled_releases(
    session: AsyncSession, actor: Actor, class_id: UUID
) -> list[tuple[UUID, datetime, Selection]]:
    """Return what is to be released when, the soonest first: id, moment, selection. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    actions = await session.scalars(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == ActionKind.RELEASE,
            ScheduledAction.class_id == class_id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
        .order_by(ScheduledAction.due_at, ScheduledAction.id)
    )
    return [(action.id, action.due_at, _selection(action)) for action in actions]


async def run_due_release(session: AsyncSession) -> DueRelease | None:
    """Do one scheduled release whose moment has come, in the caller's transaction; None when there is none.

    Any number of clocks may call it at once: each takes another. One that can't be done (the assignment is hidden)
    stays, and is tried again later.
    """
    now = await _now(session)
    action = await session.scalar(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == ActionKind.RELEASE,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
            ScheduledAction.due_at <= now,
            or_(ScheduledAction.retry_at.is_(None), ScheduledAction.retry_at <= now),
        )
        .order_by(ScheduledAction.due_at, ScheduledAction.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if action is None:
        return None
    try:
        async with session.begin_nested():
            done = await release(session, Actor.system("clock"), _selection(action), by=action.created_by_user_id)
    except HomeroomError as error:
        wait = min(_FIRST_WAIT * 2 ** min(action.attempts, 10), _LONGEST_WAIT)
        action.attempts += 1
        action.error, action.retry_at = error.sentence, now + wait
        return DueRelease(action.id, error=error.sentence)
    action.state, action.done_at, action.error = ActionState.DONE, now, None
    return DueRelease(action.id, done)


async def _now(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


def _entity(selection: Selection) -> tuple[str, UUID]:
    if len(selection.assignment_ids) == 1 and selection.section is None and selection.student_user_id is None:
        return "assignment", selection.assignment_ids[0]
    return "class", selection.class_id


def _to_json(selection: Selection) -> dict[str, Any]:
    return {
        "assignment_ids": [str(each) for each in selection.assignment_ids],
        "section": selection.section,
        "student_user_id": str(selection.student_user_id) if selection.student_user_id else None,
    }


def _selection(action: ScheduledAction) -> Selection:
    said = action.details
    return Selection(
        action.class_id,
        tuple(UUID(each) for each in said["assignment_ids"]),
        said["section"],
        UUID(said["student_user_id"]) if said["student_user_id"] else None,
    )
