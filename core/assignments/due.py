"""Until when a student may hand in, and what they have to do: from what is published, and their own extension."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import AssignmentSubmission
from core.audit.record import Actor, record
from core.enums import GradeStatus, MembershipRole
from core.errors import InvalidInput, NotPermitted
from core.grading.rows import lock_rows, make_rows, require_assignment, require_students
from core.identity.permissions import membership_role, require_teacher
from core.published import published_assignments


class WorkState(StrEnum):
    """How far a student is with an assignment."""

    NOT_OPEN = "not open yet"
    TO_DO = "to do"
    OVERDUE = "overdue"  # what is handed in now is late
    CLOSED = "closed"  # nothing was handed in, and nothing is taken any more
    HANDED_IN = "handed in"
    HANDED_IN_LATE = "handed in late"
    GRADED = "graded"
    MISSING = "missing"  # so it was released
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class MyAssignment:
    """An assignment as one student has it: times are aware, in UTC, their extension included."""

    id: UUID
    title: str
    points: Decimal
    opens_at: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    extended: bool
    attempts: int
    state: WorkState


_MINE = text(
    """
SELECT a.id, a.title, a.points, a.opens_at,
    CASE WHEN a.due_at IS NOT NULL THEN greatest(a.due_at, e.due_at) END AS due_at,
    CASE WHEN a.closes_at IS NOT NULL THEN greatest(a.closes_at, e.due_at) END AS closes_at,
    e.due_at > a.due_at IS TRUE AS extended,
    w.attempts, w.late, CASE WHEN w.newest > g.released_at THEN NULL ELSE g.status END AS status,
    clock_timestamp() AS now
FROM published_assignments a
LEFT JOIN published_extensions e ON e.assignment_id = a.id AND e.student_user_id = :student
LEFT JOIN published_grades g ON g.assignment_id = a.id AND g.student_user_id = :student
LEFT JOIN LATERAL (
    SELECT count(*) AS attempts, max(s.submitted_at) AS newest, (array_agg(s.late ORDER BY s.attempt DESC))[1] AS late
    FROM assignment_submissions s
    WHERE s.assignment_id = a.id AND s.student_user_id = :student AND s.deleted_at IS NULL
) w ON true
WHERE a.class_id = :class_id AND (CAST(:only AS uuid) IS NULL OR a.id = :only)
ORDER BY due_at NULLS LAST, a.position, a.id
"""
).bindparams(bindparam("student", type_=Uuid()), bindparam("class_id", type_=Uuid()), bindparam("only", type_=Uuid()))


async def my_assignments(
    session: AsyncSession, user_id: UUID, class_id: UUID, *, only: UUID | None = None
) -> list[MyAssignment]:
    """Return a student's assignments, the next due first, those without a date last. Raises `NotPermitted`."""
    if await membership_role(session, user_id, class_id) is not MembershipRole.STUDENT:
        raise NotPermitted("You are not a student of this class.", class_id=class_id)
    await session.flush()
    rows = await session.execute(_MINE, {"student": user_id, "class_id": class_id, "only": only})
    return [
        MyAssignment(
            id=row.id,
            title=row.title,
            points=row.points,
            opens_at=row.opens_at,
            due_at=row.due_at,
            closes_at=row.closes_at,
            extended=row.extended,
            attempts=row.attempts,
            state=_state(row.status, row.attempts, row.now, (row.opens_at, row.due_at, row.closes_at), late=row.late),
        )
        for row in rows
    ]


async def extend(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    assignment_id: UUID,
    student_user_ids: Collection[UUID],
    due_at: datetime | None,
) -> int:
    """Give students until `due_at` for an assignment, or take that back (None); say for how many that is new.

    It counts at once, also for what they handed in already, and while it lasts the assignment is not closed for them.
    One audit row each. Raises `NotPermitted`, `NotFound`, `InvalidInput` (a moment without a time zone, or before the
    date that everybody has).
    """
    await require_teacher(session, actor, class_id)
    if due_at is not None and due_at.tzinfo is None:
        raise InvalidInput("A date needs a time zone.")
    await require_assignment(session, class_id, assignment_id)
    everybodys = await session.scalar(
        select(published_assignments.c.due_at).where(published_assignments.c.id == assignment_id)
    )
    if due_at is not None and everybodys is not None and due_at <= everybodys:
        raise InvalidInput("Everybody has at least as long as that; say a later moment.")
    await require_students(session, class_id, set(student_user_ids))
    pairs = [(assignment_id, each) for each in dict.fromkeys(student_user_ids)]
    if due_at is not None:
        await make_rows(session, pairs)
    rows = await lock_rows(session, pairs)
    changed = [row for row in rows.values() if row.extension_due_at != due_at]
    for row in changed:
        record(
            session, actor, "grade.extend", "grade", row.id, class_id=class_id,
            assignment_id=assignment_id, student_user_id=row.student_user_id,
            before=row.extension_due_at and row.extension_due_at.isoformat(), after=due_at and due_at.isoformat(),
        )  # fmt: skip
        row.extension_due_at = due_at
    await session.flush()
    if changed:
        await session.execute(_MARK_LATE, {"grades": [row.id for row in changed]})
    return len(changed)


# A work handed in before an extension was given is not late any more; one whose extension was taken back may be.
_MARK_LATE = text(
    """
UPDATE assignment_submissions s SET late = coalesce(s.submitted_at > greatest(r.due_at, g.extension_due_at), false)
FROM assignment_grade_rows g
JOIN assignments a ON a.id = g.assignment_id
JOIN assignment_revisions r ON r.id = a.published_revision_id
WHERE g.id = ANY (CAST(:grades AS uuid[])) AND s.assignment_id = g.assignment_id
    AND s.student_user_id = g.student_user_id AND s.deleted_at IS NULL AND r.due_at IS NOT NULL
"""
)


async def attempts_of(session: AsyncSession, user_id: UUID, assignment_id: UUID) -> list[AssignmentSubmission]:
    """Return what a person themselves handed in for an assignment, the newest first."""
    work = AssignmentSubmission
    rows = await session.scalars(
        select(work)
        .where(work.assignment_id == assignment_id, work.student_user_id == user_id, work.deleted_at.is_(None))
        .order_by(work.attempt.desc())
    )
    return list(rows)


async def clock(session: AsyncSession) -> datetime:
    """Return the database's time, which all processes share."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


_RELEASED = {
    GradeStatus.GRADED: WorkState.GRADED,
    GradeStatus.MISSING: WorkState.MISSING,
    GradeStatus.EXCUSED: WorkState.EXCUSED,
}


def _state(
    released: str | None,  # None also where something was handed in since
    attempts: int,
    now: datetime,
    times: tuple[datetime | None, datetime | None, datetime | None],
    *,
    late: bool | None,
) -> WorkState:
    opens_at, due_at, closes_at = times
    if released in _RELEASED:
        return _RELEASED[GradeStatus(released)]
    if attempts:
        return WorkState.HANDED_IN_LATE if late else WorkState.HANDED_IN
    if opens_at is not None and now < opens_at:
        return WorkState.NOT_OPEN
    if closes_at is not None and now > closes_at:
        return WorkState.CLOSED
    return WorkState.OVERDUE if due_at is not None and now > due_at else WorkState.TO_DO
