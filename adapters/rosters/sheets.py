"""One CSV file as a roster: a plain one with the usual headers, or Canvas's gradebook export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.rosters.fields import to_row
from adapters.rosters.table import Record, Table
from core.classes.roster_plan import RosterPlan, RosterRow, UnusableRow
from core.errors import InvalidInput
from core.text import one_line

# By `column_name`. Where two columns mean the same, the one listed first here counts.
_PLAIN = {
    "email": ("email", "emailaddress", "mail", "schoolemail", "studentemail", "primaryemail", "useremail", "courriel"),
    "name": ("name", "fullname", "studentname", "displayname", "student"),
    "first": ("firstname", "first", "givenname", "forename", "vorname", "prénom"),
    "last": ("lastname", "last", "familyname", "surname", "nachname"),
    "section": ("section", "sections", "sectionname", "group", "groupname", "period"),
    "role": ("role", "userrole", "courserole", "rolle", "rôle"),
    "sis": ("sisuserid", "sisid", "studentid", "studentnumber", "idnumber", "sourcedid"),
    "login": ("sisloginid", "loginid", "login", "username", "userlogin"),
    "lms": ("lmsuserid", "lmsid", "canvasuserid", "canvasid"),
}
_CANVAS = {**_PLAIN, "role": (), "lms": ("id",)}


def plan_of(table: Table, filename: str, *, email_domain: str | None = None) -> RosterPlan:
    """Return what a CSV file says. Raises `InvalidInput` when no column tells who somebody is."""
    canvas = _is_canvas(table.columns)
    fields = _fields(table.columns, _CANVAS if canvas else _PLAIN)
    if not fields.keys() & {"email", "sis", "login", "lms"}:
        raise InvalidInput(
            f"The first line of {filename} must name the columns: email, and name, section, role where there are any."
        )
    records: Iterable[Record] = table.records
    notes: tuple[str, ...] = ()
    if canvas:
        people = [record for record in records if record.fault or not _is_heading(record)]
        records = [record for record in people if record.fault or not _is_test_student(record)]
        notes = ("Canvas's test student was left out.",) if len(records) < len(people) else ()
    rows = [_row(record, fields, canvas=canvas, email_domain=email_domain) for record in records]
    return RosterPlan(
        rows=tuple(row for row in rows if isinstance(row, RosterRow)),
        unusable=tuple(row for row in rows if isinstance(row, UnusableRow)),
        notes=notes,
    )


def _row(
    record: Record, fields: Mapping[str, str], *, canvas: bool, email_domain: str | None
) -> RosterRow | UnusableRow:
    where = f"line {record.line}"
    if record.fault:
        return UnusableRow(where, one_line(next(filter(None, record.cells.values()), ""), 60), record.fault)
    cells = {field: record.cells.get(column, "") for field, column in fields.items()}
    if canvas and "name" in cells:
        cells["name"] = _first_name_first(cells["name"])
    return to_row(where, cells, email_domain=email_domain)


def _fields(columns: tuple[str, ...], names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    found = {field: next((name for name in known if name in columns), None) for field, known in names.items()}
    return {field: column for field, column in found.items() if column is not None}


def _is_canvas(columns: tuple[str, ...]) -> bool:
    named = {"student"} <= set(columns) or {"lastname", "firstname"} <= set(columns)
    return named and "id" in columns and bool({"section", "sisloginid", "sisuserid"} & set(columns))


def _is_heading(record: Record) -> bool:
    """Canvas puts one or two rows about the assignments above the people."""
    first = next(iter(record.cells.values()), "").strip().casefold()
    return first == "points possible" or (not record.cells.get("id", "").strip() and first == "")


def _is_test_student(record: Record) -> bool:
    """Canvas's “student view” has an id of Canvas's own, and neither SIS id nor login."""
    names = (record.cells.get("student", ""), record.cells.get("lastname", ""), record.cells.get("firstname", ""))
    called = {word.strip() for name in names for word in name.casefold().split(",")} - {""}
    ids = record.cells.get("sisuserid", "") + record.cells.get("sisloginid", "")
    return called == {"student", "test"} and not ids.strip()


def _first_name_first(name: str) -> str:
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}".strip() if comma else name
