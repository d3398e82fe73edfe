"""Reminds students of what they have not handed in, some hours before it is due; each of them once per due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.settings import CLASS_SETTINGS
from core.errors import NotPermitted
from core.identity.models import AppUser
from core.inbox.notify import DUE_SOON

# Who is to be reminded of what at this moment, from what is published alone: that they are excused in a draft is not
# theirs to know yet. The first condition on grade rows only spares a look at every student of what is long past.
_DUE = """
SELECT a.id AS assignment_id, a.class_id, a.title, s.app_user_id AS student_user_id, own.due_at,
    own.due_at > a.due_at AS extended
FROM published_assignments a
JOIN classes c ON c.id = a.class_id
CROSS JOIN LATERAL (
    SELECT now() + make_interval(hours => coalesce(CAST(c.settings ->> 'reminder_hours' AS int), :hours)) AS until
) remind
JOIN class_memberships s ON s.class_id = a.class_id AND s.role = 'STUDENT' AND s.deleted_at IS NULL
JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL AND u.wants_reminders
LEFT JOIN published_extensions e ON e.assignment_id = a.id AND e.student_user_id = s.app_user_id
CROSS JOIN LATERAL (SELECT greatest(a.due_at, e.due_at) AS due_at) own
WHERE a.due_at <= remind.until
    AND (
        a.due_at > now()
        OR EXISTS (SELECT FROM assignment_grade_rows x WHERE x.assignment_id = a.id AND x.extension_due_at > now())
    )
    AND own.due_at > now() AND own.due_at <= remind.until
    AND (a.opens_at IS NULL OR a.opens_at <= now())
    AND (a.closes_at IS NULL OR greatest(a.closes_at, e.due_at) > now())
    AND NOT EXISTS (
        SELECT FROM assignment_submissions w
        WHERE w.assignment_id = a.id AND w.student_user_id = s.app_user_id AND w.deleted_at IS NULL
    )
    AND NOT EXISTS (
        SELECT FROM published_grades g
        WHERE g.assignment_id = a.id AND g.student_user_id = s.app_user_id AND g.status <> 'UNGRADED'
    )
"""
# In one order, so that two clocks wait for one another at most.
_REMIND = text(
    f"""
    INSERT INTO notifications (dedupe_key, app_user_id, class_id, kind, details)
    SELECT concat_ws(':', '{DUE_SOON}', assignment_id, student_user_id, extract(epoch FROM due_at)) AS key,
        student_user_id, class_id, '{DUE_SOON}', jsonb_build_object('assignment', assignment_id, 'due_at', due_at)
    FROM ({_DUE}) due ORDER BY key
    ON CONFLICT (dedupe_key) WHERE deleted_at IS NULL DO NOTHING
    """
)
_STILL_DUE = text(
    f"SELECT title, due_at, extended FROM ({_DUE}) due"
    " WHERE assignment_id = :assignment_id AND student_user_id = :student_user_id AND due_at = :due_at"
).bindparams(bindparam("assignment_id", type_=Uuid()), bindparam("student_user_id", type_=Uuid()))


@dataclass(frozen=True, slots=True)
class DueSoon:
    """What a student is reminded of; `due_at` is aware, and later than for the others where it is `extended`."""

    title: str
    due_at: datetime
    extended: bool


async def remind(session: AsyncSession) -> int:
    """Have everybody told, in the session's transaction, of what is due for them soon; say how many are new.

    How soon is the class's setting `reminder_hours`. One statement; who was told of this date is not told again.
    """
    done = await session.execute(_REMIND, _hours())
    assert isinstance(done, CursorResult)  # noqa: S101  (an INSERT's result is one)
    return done.rowcount


async def still_due(
    session: AsyncSession, student_user_id: UUID, assignment_id: UUID, due_at: datetime
) -> DueSoon | None:
    """Return what to remind a student of at this moment; None where they would not be reminded (any more)."""
    values = {"assignment_id": assignment_id, "student_user_id": student_user_id, "due_at": due_at}
    row = (await session.execute(_STILL_DUE, values | _hours())).one_or_none()
    return DueSoon(row.title, row.due_at, row.extended) if row is not None else None


async def wants_reminders(session: AsyncSession, user_id: UUID) -> bool:
    """Say whether a person is reminded at all."""
    return bool(await session.scalar(select(AppUser.wants_reminders).where(AppUser.id == user_id)))


async def set_reminders(session: AsyncSession, actor: Actor, *, wanted: bool) -> bool:
    """Let a person themselves be reminded, or not, in all their classes; say whether that is new.

    What is under way is not sent any more. Raises `NotPermitted` for who is nobody.
    """
    person = (
        await session.get(AppUser, actor.user_id, with_for_update=True, populate_existing=True)
        if actor.user_id is not None
        else None
    )
    if person is None or person.deleted_at is not None:
        raise NotPermitted
    if person.wants_reminders is wanted:
        return False
    person.wants_reminders = wanted
    record(session, actor, "person.reminders", "app_user", person.id, before=not wanted, after=wanted)
    await session.flush()
    return True


def _hours() -> dict[str, int]:
    return {"hours": int(CLASS_SETTINGS["reminder_hours"].default)}
