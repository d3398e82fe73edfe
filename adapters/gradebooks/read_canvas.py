"""Canvas's gradebook CSV as people, columns and cells.

Source: “How do I import grades in the Gradebook?” (Instructure) and files that Canvas exports. The first columns say
who somebody is; a row whose first cell says “Points Possible” what each column is out of; totals are read-only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.gradebooks.formulas import rearm
from adapters.rosters.table import Record, Table, column_name, read_table
from core.classes.enrol import LmsIds
from core.classes.roster_plan import UnusableRow
from core.errors import InvalidInput, Oversized
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.mark import read_points
from core.text import clean, one_line

MOST_BYTES = 50 * 1024 * 1024

_NAMES = ("student", "lastname", "firstname", "name", "email", "emailaddress")
_IDS = ("id", "sisuserid", "sisloginid", "integrationid", "rootaccount")
_WHO = frozenset({*_NAMES, *_IDS, "section", "sections"})
# Totals have no id behind their title, so that an assignment “Final Score (77)” is none of them.
_TOTAL = re.compile(r"(Current|Final) (Score|Points|Grade)$|Override (Score|Grade|Status)( \(.*\))?$")
_TITLE_AND_ID = re.compile(r"(.*\S)\s*\(([0-9]+)\)")
_LONGEST_CELL = 300


def read_canvas(data: bytes, filename: str) -> GradebookSheet:
    """Return what a Canvas gradebook says: comma or semicolon, with or without a byte order mark.

    Raises `InvalidInput` (no gradebook), `Empty`, `Oversized`.
    """
    if len(data) > MOST_BYTES:
        raise Oversized(f"{filename} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
    table = read_table(data, filename)
    if not {"student", "lastname", "email", *_IDS[:3]} & set(table.columns):
        raise InvalidInput(
            f"{filename} is no gradebook: its first line must name Student, ID, and a column for each assignment."
        )
    points = next((record for record in table.records if _says_points(record)), None)
    work = {
        at: column for at, header in enumerate(table.headers) if (column := _column(header, points, at)) is not None
    }
    rows: list[SheetRow] = []
    unusable: list[UnusableRow] = []
    notes: set[str] = set()
    for record in table.records:
        if record is points or _is_heading(record):
            continue
        if _is_test_student(record):
            notes.add("Canvas's test student was left out.")
            continue
        row = _row(record, tuple(work))
        if isinstance(row, SheetRow):
            rows.append(row)
        else:
            unusable.append(row)
    return GradebookSheet(
        columns=tuple(work.values()),
        rows=tuple(rows),
        unusable=tuple(unusable),
        read_only=tuple(_read_only(table, set(work))),
        notes=tuple(sorted(notes)),
    )


def is_of_work(title: str) -> bool:
    """Say whether a column of this title is one of work, and not Canvas's own for a person or a total."""
    return bool(title) and column_name(title) not in _WHO and _TOTAL.search(title) is None


def _column(header: str, points: Record | None, at: int) -> SheetColumn | None:
    """Return a column of work, or None for one that is only there to be looked at."""
    said = _value(points, at) if points is not None else ""
    title = one_line(rearm(header.strip()), _LONGEST_CELL)
    if not is_of_work(title) or "read only" in said.casefold():
        return None
    found = _TITLE_AND_ID.fullmatch(title)
    try:
        worth = read_points(said) if said.strip() else None
    except InvalidInput:
        worth = None
    return SheetColumn(title, found[1] if found else title, found[2] if found else None, worth)


def _read_only(table: Table, work: set[int]) -> list[str]:
    return [
        one_line(header, 80)
        for at, header in enumerate(table.headers)
        if at not in work and header.strip() and column_name(header) not in _WHO
    ]


def _row(record: Record, work: tuple[int, ...]) -> SheetRow | UnusableRow:
    where = f"line {record.line}"
    cells = {column: clean(rearm(cell.strip(" \u00a0"))) for column, cell in record.cells.items() if column in _WHO}
    if record.fault:
        return UnusableRow(where, one_line(_name(cells), 60), record.fault)
    if any("\udc80" <= letter <= "\udcff" for cell in record.values for letter in cell):
        return UnusableRow(where, "", "it is not in UTF-8; save the file as “CSV UTF-8”")
    ids = LmsIds(cells.get("id") or None, cells.get("sisuserid") or None, cells.get("sisloginid") or None)
    return SheetRow(
        where=where,
        cells=tuple(_value(record, at)[:_LONGEST_CELL] for at in work),
        name=one_line(_name(cells), 200),
        email=cells.get("email") or cells.get("emailaddress") or None,
        ids=ids,
    )


def _value(record: Record, at: int) -> str:
    return record.values[at] if at < len(record.values) else ""


def _name(cells: Mapping[str, str]) -> str:
    whole = cells.get("student") or cells.get("name") or ""
    last, comma, first = whole.partition(",")
    if comma:
        return f"{first.strip()} {last.strip()}".strip()
    return whole or f"{cells.get('firstname', '')} {cells.get('lastname', '')}".strip()


def _says_points(record: Record) -> bool:
    return "points possible" in _value(record, 0).casefold()


def _is_heading(record: Record) -> bool:
    """Canvas's row about posting: nothing in it but “Manual Posting” or, in old files, “Muted”."""
    words = {value.strip().casefold() for value in record.values} - {""}
    return all(word.startswith(("manual posting", "muted")) for word in words)


def _is_test_student(record: Record) -> bool:
    called = {word.strip() for column in ("student", "lastname", "firstname")
              for word in record.cells.get(column, "").casefold().split(",")} - {""}  # fmt: skip
    return (
        called == {"student", "test"}
        and not (record.cells.get("sisuserid", "") + record.cells.get("sisloginid", "")).strip()
    )
