"""A gradebook file into drafts: first what would happen, then the same for real.

An empty cell, and `N/A`, leave what is there: a file that somebody filled in part takes nobody's grade away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.record import Actor, record
from core.classes.enrol import lock_class
from core.classes.roster_plan import UnusableRow
from core.errors import Conflict, InvalidInput
from core.grading.grade import GradeEdit, save_grades
from core.grading.gradebook import gradebook
from core.grading.gradebook_sheet import GradebookSheet
from core.grading.mark import Mark, check_score, read_mark
from core.grading.match_gradebook import Learnt, Unused, match_columns, match_rows

_MANY = 100  # so many new rows PostgreSQL should know of before it next plans how to add them up


@dataclass(frozen=True, slots=True)
class GradeChange:
    """A draft that a file changes: old → new. `version` is that of the draft it replaces."""

    student_user_id: UUID
    student: str
    assignment_id: UUID
    assignment: str
    old: Mark
    new: Mark
    version: int


@dataclass(frozen=True, slots=True)
class GradebookReport:
    """What a file does to the drafts, and which of the LMS's ids for assignments it tells."""

    changes: tuple[GradeChange, ...] = ()
    unchanged: int = 0
    empty: int = 0
    unknown_rows: tuple[UnusableRow, ...] = ()
    unknown_columns: tuple[Unused, ...] = ()
    unusable_cells: tuple[Unused, ...] = ()
    read_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    learnt: tuple[Learnt, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A short text that is another one for an import that would do something else."""
        deeds = [(str(each.student_user_id), str(each.assignment_id), str(each.old), str(each.new), each.version)
                 for each in self.changes]  # fmt: skip
        learnt = [(str(each.assignment_id), each.lms_id) for each in self.learnt]
        return hashlib.sha256(repr((deeds, learnt)).encode()).hexdigest()[:16]


async def preview_gradebook(
    session: AsyncSession, actor: Actor, class_id: UUID, sheet: GradebookSheet
) -> GradebookReport:
    """Return what `import_gradebook` would do now; nothing is changed. Raises `NotPermitted`."""
    book = await gradebook(session, actor, class_id)
    columns = match_columns(sheet, book)
    people, unknown_rows = match_rows(sheet, book)
    changes, unusable, unchanged, empty = [], [], 0, 0
    for row, pupil in people:
        for at, work in columns.works.items():
            cell = pupil.cell(work)
            try:
                mark = read_mark(row.cells[at])
                if mark is not None and mark != cell.draft:  # both are to two decimals
                    check_score(mark, work.points)
            except InvalidInput as error:
                unusable.append(Unused(row.where, f"{pupil.name}, {work.title}", error.sentence.rstrip(".")))
                continue
            if mark is None:
                empty += 1
            elif mark == cell.draft:
                unchanged += 1
            else:
                changes.append(
                    GradeChange(pupil.user_id, pupil.name, work.id, work.title, cell.draft, mark, cell.version)
                )
    return GradebookReport(
        changes=tuple(changes),
        unchanged=unchanged,
        empty=empty,
        unknown_rows=(*sheet.unusable, *unknown_rows),
        unknown_columns=columns.unknown,
        unusable_cells=tuple(unusable),
        read_only=sheet.read_only,
        notes=sheet.notes,
        learnt=columns.learnt,
    )


async def import_gradebook(
    session: AsyncSession, actor: Actor, class_id: UUID, sheet: GradebookSheet, *, fingerprint: str | None = None
) -> GradebookReport:
    """Save a file's grades as drafts, all or none, with one audit row each; students see nothing of it.

    With `fingerprint`, that of the preview that was agreed to, nothing is done if it would now do something else:
    `Conflict`, with the new preview as `report` in its data. Raises `NotPermitted`, `Conflict`.
    """
    report = await preview_gradebook(session, actor, class_id, sheet)
    if fingerprint is not None and fingerprint != report.fingerprint:
        raise Conflict("The grades have changed since you looked, so nothing was imported. Look again.", report=report)
    await lock_class(session, class_id)
    learnt = {each.assignment_id: each.lms_id for each in report.learnt}
    await _lock_assignments(session, {*learnt, *(each.assignment_id for each in report.changes)})
    await save_grades(
        session,
        actor,
        class_id,
        [
            GradeEdit(each.assignment_id, each.student_user_id, each.new, expected_version=each.version)
            for each in report.changes
        ],
    )
    for assignment_id, lms_id in learnt.items():
        work = await session.get_one(Assignment, assignment_id, populate_existing=True)
        work.lms_assignment_id = lms_id
        record(
            session,
            actor,
            "assignment.lms_id",
            "assignment",
            assignment_id,
            class_id=class_id,
            lms_assignment_id=lms_id,
        )
    if len(report.changes) >= _MANY:
        await session.flush()
        await session.execute(text("ANALYZE assignment_grade_rows"))
    return report


async def _lock_assignments(session: AsyncSession, ids: set[UUID]) -> None:
    """Lock what is graded before the grades, and in the order of ids, as a release does: neither waits in a circle."""
    await session.execute(select(Assignment.id).where(Assignment.id.in_(ids)).order_by(Assignment.id).with_for_update())
