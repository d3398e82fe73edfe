"""A OneRoster zip of CSV files (1EdTech OneRoster 1.1 and 1.2, CSV binding) as a class's roster."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import date

from adapters.rosters.fields import to_row
from adapters.rosters.table import Record, Table, column_name, read_table
from core.classes.roster_plan import RosterPlan, RosterRow, UnusableRow
from core.errors import Ambiguous, Corrupt, Encrypted, NotFound, WrongType, ZipBomb
from core.text import one_line

_UNPACKED = 100 * 1024 * 1024  # bytes of one file: a school of 10,000 has 2 MB of users
_ENTRIES = 10_000
_ENCRYPTED_FLAG = 0x1
_NEEDED = ("users.csv", "enrollments.csv", "classes.csv")
_FAULTS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


def read_oneroster(
    data: bytes,
    filename: str,
    *,
    today: date,
    from_class: str | None = None,
    known_as: Sequence[str] = (),
    email_domain: str | None = None,
) -> RosterPlan:
    """Return what the zip says about one class.

    That is `from_class` (a code, title or sourcedId), else its only class, else the one named like one of `known_as`.
    A person's sourcedId is their SIS id. Raises `Ambiguous` (with the candidates' sourcedIds as `ids` in its data),
    `NotFound`, `Unreadable`.
    """
    tables = _tables(data, filename)
    class_id = _class(tables["classes.csv"], from_class, known_as)
    users = {_cell(user, "sourcedid"): user for user in tables["users.csv"].records}
    rows, seen = [], set()
    for enrolment in tables["enrollments.csv"].records:
        if enrolment.fault or _cell(enrolment, "classsourcedid") == class_id:
            user = users.get(_cell(enrolment, "usersourcedid"))
            row = _row(enrolment, user, today, email_domain)
            # A person enrolled twice in one class, as co-teachers' exports have it, is one person.
            if isinstance(row, UnusableRow) or (row.ids, row.role) not in seen:
                rows.append(row)
            if isinstance(row, RosterRow):
                seen.add((row.ids, row.role))
    return RosterPlan(
        rows=tuple(row for row in rows if isinstance(row, RosterRow)),
        unusable=tuple(row for row in rows if isinstance(row, UnusableRow)),
        whole=not _is_delta(tables.get("manifest.csv")),
    )


def _row(enrolment: Record, user: Record | None, today: date, email_domain: str | None) -> RosterRow | UnusableRow:
    where = f"enrollments.csv, line {enrolment.line}"
    who = one_line(_cell(enrolment, "usersourcedid"), 60)
    if enrolment.fault:
        return UnusableRow(where, who, enrolment.fault)
    if user is None:
        return UnusableRow(where, who, "users.csv does not list this person")
    names = {
        "first": _cell(user, "preferredfirstname") or _cell(user, "givenname"),
        "last": _cell(user, "preferredlastname") or _cell(user, "familyname"),
    }
    who = one_line(" ".join(filter(None, names.values())), 60) or who
    if user.fault:
        return UnusableRow(f"users.csv, line {user.line}", who, user.fault)
    if (reason := _gone(enrolment, user, today)) is not None:
        return UnusableRow(where, who, reason)
    return to_row(
        where,
        names
        | {
            "email": _cell(user, "email"),
            "role": _cell(enrolment, "role"),
            "sis": _cell(user, "sourcedid"),
            "login": _cell(user, "username"),
        },
        email_domain=email_domain,
    )


def _gone(enrolment: Record, user: Record, today: date) -> str | None:
    if "tobedeleted" in (_cell(enrolment, "status").casefold(), _cell(user, "status").casefold()):
        return "it is marked “tobedeleted”; nobody leaves by a roster"
    if _cell(user, "enableduser").casefold() == "false":
        return "this person's account is not enabled"
    ended = _cell(enrolment, "enddate")
    # ISO 8601 days compare as text.
    return f"this enrolment ended on {one_line(ended, 20)}" if ended and ended[:10] < today.isoformat() else None


def _class(classes: Table, from_class: str | None, known_as: Sequence[str]) -> str:
    living = [each for each in classes.records if not each.fault and _cell(each, "status").casefold() != "tobedeleted"]
    if from_class is None and len(living) == 1:
        return _cell(living[0], "sourcedid")
    if from_class is not None and from_class in {_cell(each, "sourcedid") for each in living}:
        return from_class  # whatever else goes by it
    for name in (from_class,) if from_class is not None else known_as:
        wanted = column_name(name)
        named = [
            each
            for each in living
            if wanted and wanted in {column_name(_cell(each, key)) for key in ("classcode", "title", "sourcedid")}
        ]
        if len(named) == 1:
            return _cell(named[0], "sourcedid")
        if named:
            raise _ambiguous(f"Several classes in the file go by “{one_line(name, 60)}”.", named)
    if from_class is not None:
        raise NotFound(f"The file has no class “{one_line(from_class, 60)}”.")
    raise _ambiguous("The file holds several classes; say which one you mean.", living)


def _ambiguous(sentence: str, classes: Sequence[Record]) -> Ambiguous:
    ids = tuple(_cell(each, "sourcedid") for each in classes)
    titles = (one_line(_cell(each, "title"), 60) for each in classes)
    names = tuple(f"{title} ({one_line(id_, 60)})" for title, id_ in zip(titles, ids, strict=True))
    return Ambiguous(sentence, candidates=names, ids=ids)


def _tables(data: bytes, filename: str) -> dict[str, Table]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _members(archive, filename)
            return {name: read_table(archive.read(entry), name) for name, entry in found.items()}
    except _FAULTS as error:
        raise Corrupt(f"{filename} is damaged and can't be opened. Export it again.") from error


def _members(archive: zipfile.ZipFile, filename: str) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > _ENTRIES:
        raise ZipBomb
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename.rpartition("/")[2].casefold()
        if name in (*_NEEDED, "manifest.csv") and not entry.filename.startswith("__MACOSX"):
            found.setdefault(name, entry)
    if "xl/workbook.xml" in archive.namelist():
        raise WrongType(f"{filename} is a spreadsheet. Save the sheet as “CSV UTF-8” and import that.")
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise WrongType(f"{filename} is not a OneRoster file: there is no {' and no '.join(missing)} in it.")
    # A reader never gets more than an entry declares.
    if any(entry.file_size > _UNPACKED for entry in found.values()):
        raise ZipBomb
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in found.values()):
        raise Encrypted
    return found


def _is_delta(manifest: Table | None) -> bool:
    if manifest is None:
        return False
    values: Mapping[str, str] = {
        _cell(each, "propertyname").casefold(): _cell(each, "value").casefold() for each in manifest.records
    }
    return "delta" in (values.get("file.enrollments"), values.get("file.users"))


def _cell(record: Record, column: str) -> str:
    return record.cells.get(column, "").strip()
