"""Save grades as drafts: nothing that a student sees changes, and nobody's work is overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import AssignmentSubmission
from core.audit.models import AuditLog
from core.audit.record import Actor, audit_row
from core.errors import Conflict, InvalidInput, NotFound
from core.grading.mark import NO_MARK, Mark, check_score, held_mark
from core.grading.models import AssignmentGradeRow
from core.grading.rows import Pair, lock_rows, make_rows, points_of, require_students
from core.identity.models import AppUser
from core.identity.permissions import require_teacher
from core.text import clean

_LONGEST_FEEDBACK = 20_000


@dataclass(frozen=True, slots=True)
class GradeEdit:
    """What a teacher gives a student for an assignment; what is None stays as it is.

    `expected_version` is the version the teacher had before them (0: no grade yet); None overwrites whatever is there.
    `submission_id` is the attempt that was looked at.
    """

    assignment_id: UUID
    student_user_id: UUID
    mark: Mark | None = None
    feedback: str | None = None
    submission_id: UUID | None = None
    expected_version: int | None = None

    @property
    def pair(self) -> Pair:
        """The assignment and the student, which make a row."""
        return self.assignment_id, self.student_user_id


@dataclass(frozen=True, slots=True)
class DraftGrade:
    """A grade as a teacher sees it. Version 0: nothing was saved yet."""

    assignment_id: UUID
    student_user_id: UUID
    version: int = 0
    mark: Mark = NO_MARK
    feedback: str = ""
    submission_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class GradeConflict:
    """A grade that somebody else saved meanwhile: what you were about to save, what is there, who made it and when."""

    student: str
    mine: GradeEdit
    theirs: DraftGrade
    by: str
    at: datetime | None


async def save_grade(session: AsyncSession, actor: Actor, class_id: UUID, edit: GradeEdit) -> DraftGrade:
    """Save one grade as a draft; see `save_grades`."""
    return (await save_grades(session, actor, class_id, [edit]))[0]


async def save_grades(
    session: AsyncSession, actor: Actor, class_id: UUID, edits: Sequence[GradeEdit]
) -> list[DraftGrade]:
    """Save grades as drafts, all or none, with one audit row for each that is another than before.

    Raises `NotPermitted`, `NotFound` (assignment, student or submission), `InvalidInput`, and `Conflict` with
    `conflicts`, the `GradeConflict`s, in its data where a version moved on and the values differ.
    """
    await require_teacher(session, actor, class_id)
    pairs = [edit.pair for edit in edits]
    if len(set(pairs)) != len(pairs):
        raise InvalidInput("One grade is given twice.")
    points = await points_of(session, class_id, {edit.assignment_id for edit in edits})
    await require_students(session, class_id, {edit.student_user_id for edit in edits})
    await _require_submissions(session, edits)
    edits = [_checked(edit, points[edit.assignment_id]) for edit in edits]
    await make_rows(session, [edit.pair for edit in edits if _differs(edit, None)])
    rows = await lock_rows(session, pairs)
    moved = [
        (edit, row)
        for edit in edits
        if (row := rows.get(edit.pair)) and edit.expected_version not in (None, row.version) and _differs(edit, row)
    ]
    if moved:
        raise await _conflict(session, moved)
    now = await session.scalar(select(func.clock_timestamp()))
    logged = []
    for edit in edits:
        row = rows.get(edit.pair)
        if row is not None and _differs(edit, row):
            logged.append(audit_row(actor, "grade.save", "grade", row.id, class_id=class_id, **_details(edit, row)))
            _write(edit, row, actor, now)
    await session.flush()
    if logged:
        await session.execute(insert(AuditLog), logged)
    return [_draft(edit.pair, rows.get(edit.pair)) for edit in edits]


async def _require_submissions(session: AsyncSession, edits: Sequence[GradeEdit]) -> None:
    wanted = {edit.submission_id: edit.pair for edit in edits if edit.submission_id}
    if not wanted:
        return
    work = AssignmentSubmission
    rows = await session.execute(
        select(work.id, work.assignment_id, work.student_user_id).where(
            work.id == any_(literal(list(wanted), ARRAY(Uuid()))), work.deleted_at.is_(None)
        )
    )
    if {row.id: (row.assignment_id, row.student_user_id) for row in rows} != wanted:
        raise NotFound("There is no such submission.")


def _checked(edit: GradeEdit, points: Decimal) -> GradeEdit:
    if edit.mark is not None:
        check_score(edit.mark, points)
    if edit.feedback is None:
        return edit
    feedback = clean(edit.feedback)
    if len(feedback) > _LONGEST_FEEDBACK:
        raise InvalidInput(f"Feedback is at most {_LONGEST_FEEDBACK:,} characters.")
    return GradeEdit(
        edit.assignment_id, edit.student_user_id, edit.mark, feedback, edit.submission_id, edit.expected_version
    )


def mark_of(row: AssignmentGradeRow) -> Mark:
    """Return a row's draft mark."""
    return held_mark(row.draft_status, row.draft_score)


def _differs(edit: GradeEdit, row: AssignmentGradeRow | None) -> bool:
    held = _draft(edit.pair, row)
    return any(
        wanted is not None and wanted != there
        for wanted, there in (
            (edit.mark, held.mark),
            (edit.feedback, held.feedback),
            (edit.submission_id, held.submission_id),
        )
    )


def _draft(pair: Pair, row: AssignmentGradeRow | None) -> DraftGrade:
    if row is None:
        return DraftGrade(*pair)
    return DraftGrade(*pair, row.version, mark_of(row), row.draft_feedback, row.graded_submission_id)


def _details(edit: GradeEdit, row: AssignmentGradeRow) -> Mapping[str, object]:
    """Return what the audit row says: values, and of the feedback only whether it changed."""
    after = edit.mark or mark_of(row)
    return {
        "assignment_id": row.assignment_id,
        "student_user_id": row.student_user_id,
        "version": row.version + 1,
        "before": str(mark_of(row)),
        "after": str(after),
        "feedback_changed": edit.feedback not in (None, row.draft_feedback),
    }


def _write(edit: GradeEdit, row: AssignmentGradeRow, actor: Actor, now: datetime | None) -> None:
    if edit.mark is not None:
        row.draft_status, row.draft_score = edit.mark.status, edit.mark.score
    if edit.feedback is not None:
        row.draft_feedback = edit.feedback
    if edit.submission_id is not None:
        row.graded_submission_id = edit.submission_id
    row.version += 1
    row.draft_updated_at, row.draft_updated_by_user_id = now, actor.user_id


async def _conflict(session: AsyncSession, moved: Sequence[tuple[GradeEdit, AssignmentGradeRow]]) -> Conflict:
    people: Any = {row.student_user_id for _, row in moved} | {row.draft_updated_by_user_id for _, row in moved}
    found = await session.execute(
        select(AppUser.id, AppUser.name).where(AppUser.id == any_(literal(list(people - {None}), ARRAY(Uuid()))))
    )
    names: dict[UUID | None, str] = {row.id: row.name for row in found}
    conflicts = tuple(
        GradeConflict(
            student=names[row.student_user_id],
            mine=edit,
            theirs=_draft(edit.pair, row),
            by=names.get(row.draft_updated_by_user_id, "the system"),
            at=row.draft_updated_at,
        )
        for edit, row in moved
    )
    first = conflicts[0]
    mine = f"your {first.mine.mark}" if first.mine.mark is not None else "yours"
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    return Conflict(
        f"{first.by} saved {first.theirs.mark} for {first.student} meanwhile{more}, so {mine} was not saved.",
        conflicts=conflicts,
    )
