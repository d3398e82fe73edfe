"""What is to be graded: the newest attempt of each student that nobody has graded yet, the oldest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.grading.mark import Mark, held_mark
from core.identity.permissions import require_teacher


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How much of an assignment waits in a section, and how many have handed in there."""

    assignment_id: UUID
    assignment: str
    section: str
    waiting: int
    handed_in: int


@dataclass(frozen=True, slots=True)
class ToGrade:
    """An attempt to grade, with the draft as it stands. `left` counts what waits, this one included."""

    submission_id: UUID
    assignment_id: UUID
    assignment: str
    points: Decimal
    student_user_id: UUID
    student: str
    section: str
    attempt: int
    submitted_at: datetime
    late: bool
    body: str
    files: tuple[dict[str, Any], ...]
    version: int
    mark: Mark
    feedback: str
    left: int


# An attempt waits until it, or a later one, is graded; a grade that names no attempt covers those made before it.
_WORK = """
WITH newest AS (
    SELECT DISTINCT ON (w.assignment_id, w.student_user_id) w.*
    FROM assignment_submissions w
    JOIN assignments a ON a.id = w.assignment_id AND a.class_id = :class_id AND a.deleted_at IS NULL
    WHERE w.deleted_at IS NULL AND (CAST(:assignment_id AS uuid) IS NULL OR w.assignment_id = :assignment_id)
    ORDER BY w.assignment_id, w.student_user_id, w.attempt DESC
), work AS (
    SELECT w.*, r.title, r.points, u.name, s.section, coalesce(g.version, 0) AS version, g.draft_status, g.draft_score,
        coalesce(g.draft_feedback, '') AS feedback,
        (g.id IS NULL OR g.draft_status = 'UNGRADED' OR g.draft_status <> 'EXCUSED' AND coalesce(
            (SELECT seen.attempt < w.attempt FROM assignment_submissions seen WHERE seen.id = g.graded_submission_id),
            g.draft_updated_at < w.submitted_at)) AS waits
    FROM newest w
    JOIN assignments a ON a.id = w.assignment_id
    JOIN assignment_revisions r ON r.id = coalesce(a.published_revision_id, w.assignment_revision_id)
    JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = w.student_user_id
        AND s.role = 'STUDENT' AND s.deleted_at IS NULL
        AND (CAST(:section AS text) IS NULL OR lower(s.section) = lower(:section))
    JOIN app_users u ON u.id = w.student_user_id AND u.deleted_at IS NULL
    LEFT JOIN assignment_grade_rows g ON g.assignment_id = w.assignment_id
        AND g.student_user_id = w.student_user_id AND g.deleted_at IS NULL
)"""
_IDS = (bindparam("class_id", type_=Uuid()), bindparam("assignment_id", type_=Uuid()))
_COUNTS = text(
    _WORK
    + """
SELECT assignment_id, title, section, count(*) FILTER (WHERE waits) AS waiting, count(*) AS handed_in
FROM work GROUP BY assignment_id, title, section ORDER BY waiting DESC, title, assignment_id, section
"""
).bindparams(*_IDS)
_NEXT = text(
    _WORK
    + """
SELECT work.*, count(*) OVER () AS left_over FROM work
WHERE waits
ORDER BY id = ANY (:skip), (submitted_at, id) <= (
    SELECT seen.submitted_at, seen.id FROM assignment_submissions seen WHERE seen.id = :after
) IS TRUE, submitted_at, id
LIMIT 1
"""
).bindparams(*_IDS, bindparam("skip", type_=ARRAY(Uuid())), bindparam("after", type_=Uuid()))


async def queue_counts(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    *,
    assignment_id: UUID | None = None,
    section: str | None = None,
) -> list[QueueCount]:
    """Return what waits by assignment and section, the most first. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    await session.flush()
    rows = await session.execute(_COUNTS, {"class_id": class_id, "assignment_id": assignment_id, "section": section})
    return [QueueCount(row.assignment_id, row.title, row.section, row.waiting, row.handed_in) for row in rows]


async def next_to_grade(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    *,
    assignment_id: UUID | None = None,
    section: str | None = None,
    skip: Collection[UUID] = (),
    after: UUID | None = None,
) -> ToGrade | None:
    """Return the attempt that has waited longest, or None. Raises `NotPermitted`.

    Those in `skip` come last; with `after`, an attempt, so do those handed in before it, and itself: a walk goes on
    from there, and comes round.
    """
    await require_teacher(session, actor, class_id)
    await session.flush()
    values: dict[str, Any] = {"class_id": class_id, "assignment_id": assignment_id, "section": section}
    values |= {"skip": list(skip), "after": after}
    row = (await session.execute(_NEXT, values)).one_or_none()
    if row is None:
        return None
    return ToGrade(
        submission_id=row.id,
        assignment_id=row.assignment_id,
        assignment=row.title,
        points=row.points,
        student_user_id=row.student_user_id,
        student=row.name,
        section=row.section,
        attempt=row.attempt,
        submitted_at=row.submitted_at,
        late=row.late,
        body=row.body,
        files=tuple(row.files),
        version=row.version,
        mark=held_mark(row.draft_status, row.draft_score),
        feedback=row.feedback,
        left=row.left_over,
    )
