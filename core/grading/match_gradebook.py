"""Whose row and which assignment's column something in a gradebook file is: by the strongest sign, never by a guess."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.classes.roster_plan import UnusableRow
from core.grading.gradebook import Gradebook, Pupil, Work
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.mark import plain
from core.text import one_line


@dataclass(frozen=True, slots=True)
class Unused:
    """A column or a cell that can't be used: its place, whom or what it is about, and why."""

    where: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Learnt:
    """An assignment whose id in the LMS a file tells."""

    assignment_id: UUID
    assignment: str
    lms_id: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file that are assignments, by their place; those that are none; and what they tell."""

    works: dict[int, Work]
    unknown: tuple[Unused, ...]
    learnt: tuple[Learnt, ...]


# Columns


def match_columns(sheet: GradebookSheet, book: Gradebook) -> Columns:
    """Return which assignments a file's columns are. Where several claim one, the strongest sign has it, or none."""
    found = [_work_of(column, book.works) for column in sheet.columns]
    claims = Counter((work.id, sign) for work, sign, _ in found if work is not None)
    best = {id_: min(sign for other, sign in claims if other == id_) for id_, _ in claims}
    works: dict[int, Work] = {}
    unknown: list[Unused] = []
    learnt: list[Learnt] = []
    for at, (column, (work, sign, reason)) in enumerate(zip(sheet.columns, found, strict=True)):
        if work is None:
            why = reason
        elif sign > best[work.id] or claims[work.id, sign] > 1:
            why = "another column is the same assignment"
        elif column.points is not None and column.points != work.points:
            why = f"it is out of {plain(column.points)} in the file and out of {plain(work.points)} here"
        else:
            works[at] = work
            if column.lms_id is not None and work.lms_id is None and _folded(column.header) != _folded(work.title):
                learnt.append(Learnt(work.id, work.title, column.lms_id))
            continue
        unknown.append(Unused(f"column {at + 1} of the work", one_line(column.header, 80), why))
    return Columns(works, tuple(unknown), tuple(learnt))


def _work_of(column: SheetColumn, works: Sequence[Work]) -> tuple[Work | None, int, str]:
    """Return the assignment a column is and by which sign, the strongest being 0; or why it is none."""
    marked = _OUR_MARK.search(column.title)
    signs = (
        [work for work in works if column.lms_id is not None and work.lms_id == column.lms_id],
        [work for work in works if marked and work.id.hex.startswith(marked[1])],
        [work for work in works if _folded(work.title) == _folded(column.header)],
        # What the LMS calls by another id is another assignment, whatever its title.
        [work for work in works if _folded(work.title) == _folded(column.title) and work.lms_id is None],
    )
    for sign, found in enumerate(signs):
        if len(found) == 1:
            return found[0], sign, ""
        if found:
            return None, sign, "several assignments go by that name"
    return None, len(signs), "there is no such assignment in this class"


_OUR_MARK = re.compile(r"\[([0-9a-f]{8})\]$")


def mark_of_ours(work: Work) -> str:
    """Return what tells one of several assignments with one title in a file: a piece of its id."""
    return f"{work.title} [{work.id.hex[:8]}]"


def _folded(text: str) -> str:
    return one_line(unicodedata.normalize("NFKC", text), 400).casefold()


# Rows


def match_rows(sheet: GradebookSheet, book: Gradebook) -> tuple[list[tuple[SheetRow, Pupil]], list[UnusableRow]]:
    """Return whose a file's rows are, and those of nobody.

    Whoever has an id, a login or an address in the file is found by these first. A name counts only for what is left,
    and only where it stands once in the class and once in the file.
    """
    people = _People(book.pupils)
    signed = [people.by_sign(row) for row in sheet.rows]
    taken = {pupil.user_id for pupil, _ in signed if pupil is not None}
    names = Counter(_folded(row.name) for row in sheet.rows)
    first: dict[UUID, str] = {}
    matched: list[tuple[SheetRow, Pupil]] = []
    unknown: list[UnusableRow] = []
    for row, by_sign in zip(sheet.rows, signed, strict=True):
        found, why = by_sign
        if found is None and not why:
            named, why = people.by_name(row)
            if named is not None and named.user_id in taken:
                why = f"another row is {named.name}’s by an id or the address"
            elif named is not None and names[_folded(row.name)] > 1:
                why = "several rows have that name, and nothing else tells them apart"
            else:
                found = named
        if found is not None and found.user_id in first:
            why = f"it is the same person as {first[found.user_id]}"
            found = None
        if found is None:
            who = one_line(row.name or row.email or row.ids.login_id or row.ids.lms_user_id or "", 60)
            unknown.append(UnusableRow(row.where, who, why))
            continue
        first[found.user_id] = row.where
        matched.append((row, found))
    return matched, unknown


class _People:
    """Finds people by the LMS's id, the SIS id, the login and the address, in this order; and at last by the name."""

    def __init__(self, pupils: Iterable[Pupil]) -> None:
        self._names: dict[str, list[Pupil]] = {}
        self._by: list[dict[str, Pupil]] = [{} for _ in range(4)]
        for pupil in pupils:
            self._names.setdefault(_folded(pupil.name), []).append(pupil)
            keys = _keys(pupil.ids.lms_user_id, pupil.ids.sis_user_id, pupil.ids.login_id, pupil.email)
            for index, key in zip(self._by, keys, strict=True):
                if key:
                    index[key] = pupil

    def by_sign(self, row: SheetRow) -> tuple[Pupil | None, str]:
        """Return who a row is by what is one person's alone, or why it can't be them; neither where it says nothing."""
        keys = _keys(row.ids.lms_user_id, row.ids.sis_user_id, row.ids.login_id, _address(row))
        for index, key in zip(self._by, keys, strict=True):
            pupil = index.get(key) if key else None
            if pupil is not None:
                return _unless_another(pupil, _ids(row, pupil))
        return None, ""

    def by_name(self, row: SheetRow) -> tuple[Pupil | None, str]:
        """Return who a row is by its name, unless something else in it is another's."""
        found = self._names.get(_folded(row.name), [])
        if len(found) > 1:
            return None, "several students have that name"
        if not found:
            return None, "there is no such student in this class"
        (pupil,) = found
        more = (("login", row.ids.login_id, pupil.ids.login_id), ("address", _address(row), pupil.email))
        return _unless_another(pupil, (*_ids(row, pupil), *more))


def _address(row: SheetRow) -> str | None:
    login = row.ids.login_id
    return row.email or (login if login and "@" in login else None)


def _keys(*values: str | None) -> tuple[str, ...]:
    return tuple(_folded(value) if value else "" for value in values)


Sign = tuple[str, str | None, str | None]  # what it is called, what the row says, what the person has


def _ids(row: SheetRow, pupil: Pupil) -> tuple[Sign, ...]:
    return (
        ("ID", row.ids.lms_user_id, pupil.ids.lms_user_id),
        ("SIS ID", row.ids.sis_user_id, pupil.ids.sis_user_id),
    )


def _unless_another(pupil: Pupil, signs: Iterable[Sign]) -> tuple[Pupil | None, str]:
    """Return somebody, or the sign in which they and the row differ, where both have one."""
    for called, said, held in signs:
        if said and held and _folded(said) != _folded(held):
            return None, f"it seems to be {pupil.name}, whose {called} is another"
    return pupil, ""
