"""A gradebook file into drafts: first what would happen, then the same for real.

An empty cell, and `N/A`, leave what is there: a file that somebody filled in part takes nobody's grade away.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.record import Actor, record
from core.classes.enrol import lock_class
from core.classes.roster_plan import UnusableRow
from core.errors import Conflict, InvalidInput
from core.grading.grade import GradeEdit, save_grades
from core.grading.gradebook import Cell, Gradebook, Pupil, Work, gradebook
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.mark import Mark, check_score, plain, read_mark
from core.text import one_line


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
class Unused:
    """A column or a cell that can't be used: its place, whom or what it is about, and why."""

    where: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class GradebookReport:
    """What a file does to the drafts. `learnt` are assignments with the ids that the LMS has for them."""

    changes: tuple[GradeChange, ...] = ()
    unchanged: int = 0
    empty: int = 0
    unknown_rows: tuple[UnusableRow, ...] = ()
    unknown_columns: tuple[Unused, ...] = ()
    unusable_cells: tuple[Unused, ...] = ()
    read_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    learnt: tuple[tuple[UUID, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """A short text that is another one for an import that would do something else."""
        deeds = [(str(each.student_user_id), str(each.assignment_id), str(each.old), str(each.new), each.version)
                 for each in self.changes]  # fmt: skip
        return hashlib.sha256(repr(deeds).encode()).hexdigest()[:16]


async def preview_gradebook(
    session: AsyncSession, actor: Actor, class_id: UUID, sheet: GradebookSheet
) -> GradebookReport:
    """Return what `import_gradebook` would do now; nothing is changed. Raises `NotPermitted`."""
    book = await gradebook(session, actor, class_id)
    columns, unknown_columns, learnt = _match_columns(sheet, book)
    people, unknown_rows = _match_rows(sheet, book)
    changes, unusable, unchanged, empty = [], [], 0, 0
    for row, pupil in people:
        for at, work in columns.items():
            cell = pupil.cell(work)
            try:
                mark = read_mark(row.cells[at])
                if mark is not None and not _same(mark, cell):
                    check_score(mark, work.points)
            except InvalidInput as error:
                unusable.append(Unused(row.where, f"{pupil.name}, {work.title}", error.sentence.rstrip(".")))
                continue
            if mark is None:
                empty += 1
            elif _same(mark, cell):
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
        unknown_columns=tuple(unknown_columns),
        unusable_cells=tuple(unusable),
        read_only=sheet.read_only,
        notes=sheet.notes,
        learnt=tuple(learnt),
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
    await save_grades(
        session,
        actor,
        class_id,
        [
            GradeEdit(each.assignment_id, each.student_user_id, each.new, expected_version=each.version)
            for each in report.changes
        ],
    )
    for assignment_id, lms_id in report.learnt:
        work = await session.get_one(Assignment, assignment_id, with_for_update=True, populate_existing=True)
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
    return report


def _same(mark: Mark, cell: Cell) -> bool:
    return mark == cell.draft  # both are to two decimals


# Columns


def _match_columns(
    sheet: GradebookSheet, book: Gradebook
) -> tuple[dict[int, Work], list[Unused], list[tuple[UUID, str]]]:
    matched: dict[int, Work] = {}
    unknown: list[Unused] = []
    learnt: list[tuple[UUID, str]] = []
    for at, column in enumerate(sheet.columns):
        work, reason = _work_of(column, book.works)
        if work is not None and work in matched.values():
            work, reason = None, "another column is the same assignment"
        if work is not None and column.points is not None and column.points != work.points:
            reason = f"it is out of {plain(column.points)} in the file and out of {plain(work.points)} here"
            work = None
        if work is None:
            unknown.append(Unused(f"column {at + 1} of the work", one_line(column.header, 80), reason))
            continue
        matched[at] = work
        if column.lms_id is not None and work.lms_id is None and _folded(column.header) != _folded(work.title):
            learnt.append((work.id, column.lms_id))
    return matched, unknown, learnt


def _work_of(column: SheetColumn, works: Iterable[Work]) -> tuple[Work | None, str]:
    """Return the assignment a column is, or why it is none: by the LMS's id, then by the title."""
    works = list(works)
    known = [work for work in works if column.lms_id is not None and work.lms_id == column.lms_id]
    marked = _OUR_MARK.search(column.header)
    ours = [work for work in works if marked and work.id.hex.startswith(marked[1])]
    whole = [work for work in works if _folded(work.title) == _folded(column.header)]
    # What the LMS calls by another id is another assignment, whatever its title.
    titled = [work for work in works if _folded(work.title) == _folded(column.title) and work.lms_id is None]
    for found in (known, ours, whole, titled):
        if len(found) == 1:
            return found[0], ""
        if found:
            return None, "several assignments go by that name"
    return None, "there is no such assignment in this class"


_OUR_MARK = re.compile(r"\[([0-9a-f]{8})\]$")


def mark_of_ours(work: Work) -> str:
    """Return what tells one of several assignments with one title in a file: a piece of its id."""
    return f"{work.title} [{work.id.hex[:8]}]"


def _folded(text: str) -> str:
    return one_line(unicodedata.normalize("NFKC", text), 400).casefold()


# Rows


def _match_rows(sheet: GradebookSheet, book: Gradebook) -> tuple[list[tuple[SheetRow, Pupil]], list[UnusableRow]]:
    matched: list[tuple[SheetRow, Pupil]] = []
    unknown: list[UnusableRow] = []
    named: dict[UUID, str] = {}
    finder = _People(book.pupils)
    for row in sheet.rows:
        pupil, reason = finder.find(row)
        if pupil is not None and (other := named.get(pupil.user_id)) is not None:
            pupil, reason = None, f"it is the same person as {other}"
        if pupil is None:
            who = one_line(row.name or row.email or row.ids.login_id or row.ids.lms_user_id or "", 60)
            unknown.append(UnusableRow(row.where, who, reason))
            continue
        named[pupil.user_id] = row.where
        matched.append((row, pupil))
    return matched, unknown


class _People:
    """Finds people by the LMS's id, the SIS id, the login, the address and at last the name, in this order."""

    def __init__(self, pupils: Iterable[Pupil]) -> None:
        self._names: Counter[str] = Counter()
        self._by: list[dict[str, Pupil]] = [{} for _ in range(5)]
        for pupil in pupils:
            self._names[_folded(pupil.name)] += 1
            for index, key in zip(self._by, _keys(pupil.ids.lms_user_id, pupil.ids.sis_user_id, pupil.ids.login_id,
                                                  pupil.email, pupil.name), strict=True):  # fmt: skip
                if key:
                    index[key] = pupil

    def find(self, row: SheetRow) -> tuple[Pupil | None, str]:
        login = row.ids.login_id
        email = row.email or (login if login and "@" in login else None)
        keys = _keys(row.ids.lms_user_id, row.ids.sis_user_id, login, email, row.name)
        for index, key in zip(self._by, keys, strict=True):
            pupil = index.get(key) if key else None
            if pupil is None:
                continue
            if index is self._by[-1] and self._names[key] > 1:
                return None, "several students have that name"
            if (other := _contradiction(row, pupil)) is not None:
                return None, f"it seems to be {pupil.name}, whose {other} is another"
            return pupil, ""
        return None, "there is no such student in this class"


def _keys(*values: str | None) -> tuple[str, ...]:
    return tuple(_folded(value) if value else "" for value in values)


def _contradiction(row: SheetRow, pupil: Pupil) -> str | None:
    """Return the id in which a row and the person it seems to be about differ, where both have one."""
    for called, said, held in (
        ("ID", row.ids.lms_user_id, pupil.ids.lms_user_id),
        ("SIS ID", row.ids.sis_user_id, pupil.ids.sis_user_id),
    ):
        if said and held and _folded(said) != _folded(held):
            return called
    return None
