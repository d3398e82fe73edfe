"""Release grades at a moment: whatever the drafts are then, for nobody waits with grading until it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.models import ClassMembership
from core.enums import ActionKind, ActionState, MembershipRole
from core.errors import Conflict, HomeroomError, InvalidInput, NotFound, NotPermitted
from core.grading.plan_release import Selection, plan_release
from core.grading.release import Release, release
from core.identity.permissions import require_teacher
from core.inbox.models import ScheduledAction
from core.inbox.notify import notify

RELEASE_FAILED = "release_failed"  # the kind of notification
PATIENCE = timedelta(hours=1)  # so long after its moment it is tried; later it would come as a surprise
_FIRST_WAIT = timedelta(minutes=1)
_SHOWN_FOR = timedelta(days=7)  # so long teachers see what was given up


@dataclass(frozen=True, slots=True)
class ScheduledRelease:
    """What is to be released when. `error` says why it could not be; `given_up` that it is not tried any more."""

    id: UUID
    at: datetime
    selection: Selection
    error: str = ""
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class DueRelease:
    """A scheduled release whose moment came: what it released, or why it could not."""

    action_id: UUID
    release: Release | None = None
    error: str = ""


async def schedule_release(session: AsyncSession, actor: Actor, selection: Selection, at: datetime) -> UUID:
    """Let a selection be released at a moment; return the scheduled action's id.

    Each selection has one such moment at most. Raises `NotPermitted`, `InvalidInput` (a moment that has passed),
    `Conflict` (one is scheduled already), `NotReady`, `NotFound`.
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


async def scheduled_releases(session: AsyncSession, actor: Actor, class_id: UUID) -> list[ScheduledRelease]:
    """Return what is to be released when, the soonest first, with what was given up in the last week.

    Raises `NotPermitted`.
    """
    await require_teacher(session, actor, class_id)
    actions = await session.scalars(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == ActionKind.RELEASE,
            ScheduledAction.class_id == class_id,
            or_(
                ScheduledAction.state == ActionState.PENDING,
                and_(
                    ScheduledAction.state == ActionState.FAILED,
                    ScheduledAction.done_at > func.now() - _SHOWN_FOR,
                ),
            ),
            ScheduledAction.deleted_at.is_(None),
        )
        .order_by(ScheduledAction.due_at, ScheduledAction.id)
        .execution_options(populate_existing=True)
    )
    return [
        ScheduledRelease(
            action.id, action.due_at, _selection(action), action.error or "", action.state is ActionState.FAILED
        )
        for action in actions
    ]


async def run_due_release(session: AsyncSession) -> DueRelease | None:
    """Do one scheduled release whose moment has come, in the caller's transaction; None when there is none.

    Any number of clocks may call it at once: each takes another. One that can't be done (the assignment is hidden) is
    tried again for an hour after its moment and then given up, and so is, at once, one whose maker does not teach the
    class any more. The teachers are told, once.
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
    last = action.due_at + PATIENCE
    if action.attempts and now >= last:  # where no clock ran in time, it is caught up on
        return _give_up(session, action, action.error or "", now)
    try:
        await _require_maker(session, action)
    except NotPermitted:
        why = "Who scheduled it does not teach this class any more."
        await _tell_teachers(session, action, why, until=None)
        return _give_up(session, action, why, now)
    try:
        async with session.begin_nested():
            done = await release(session, Actor.system("clock"), _selection(action), by=action.created_by_user_id)
    except HomeroomError as error:
        wait = _FIRST_WAIT * 2 ** min(action.attempts, 10)
        action.attempts += 1
        action.error, action.retry_at = error.sentence, min(now + wait, max(last, now))
        await _tell_teachers(session, action, error.sentence, until=last if last > now else None)
        return DueRelease(action.id, error=error.sentence)
    action.state, action.done_at, action.error = ActionState.DONE, now, None
    return DueRelease(action.id, done)


def _give_up(session: AsyncSession, action: ScheduledAction, why: str, now: datetime) -> DueRelease:
    action.state, action.done_at, action.error, action.retry_at = ActionState.FAILED, now, why, None
    record(
        session, Actor.system("clock"), "release.give_up", "scheduled_action", action.id, class_id=action.class_id,
        why=why,
    )  # fmt: skip
    return DueRelease(action.id, error=why)


async def _require_maker(session: AsyncSession, action: ScheduledAction) -> None:
    if action.created_by_user_id is not None:
        await require_teacher(session, Actor.person(action.created_by_user_id, "clock"), action.class_id)


async def _tell_teachers(session: AsyncSession, action: ScheduledAction, why: str, *, until: datetime | None) -> None:
    """Have each teacher of the class told, once, that a release could not be done; `until` when it is tried."""
    teachers = await session.scalars(
        select(ClassMembership.app_user_id).where(
            ClassMembership.class_id == action.class_id,
            ClassMembership.role == MembershipRole.TEACHER,
            ClassMembership.deleted_at.is_(None),
        )
    )
    for teacher in teachers:
        await notify(
            session,
            f"{RELEASE_FAILED}:{action.id}:{teacher}",
            RELEASE_FAILED,
            class_id=action.class_id,
            app_user_id=teacher,
            details={"action": str(action.id), "why": why, "until": until.isoformat() if until else None},
        )


async def scheduled_release(session: AsyncSession, action_id: UUID) -> ScheduledRelease | None:
    """Return one release that was scheduled, whatever became of it."""
    action = await session.get(ScheduledAction, action_id)
    return ScheduledRelease(action.id, action.due_at, _selection(action), action.error or "") if action else None


async def _now(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


def _entity(selection: Selection) -> tuple[str, UUID]:
    if len(selection.assignment_ids) == 1 and selection.section is None and selection.student_user_id is None:
        return "assignment", selection.assignment_ids[0]
    if selection == Selection(selection.class_id):
        return "class", selection.class_id
    said = {**_to_json(selection), "section": selection.section.lower() if selection.section else None}
    return "selection", uuid5(selection.class_id, json.dumps(said, sort_keys=True))


def _to_json(selection: Selection) -> dict[str, Any]:
    return {
        "assignment_ids": sorted(str(each) for each in selection.assignment_ids),
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
