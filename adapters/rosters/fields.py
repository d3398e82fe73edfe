"""From a row's cells to a person on a roster, or the reason why the row can't be used."""

from __future__ import annotations

from collections.abc import Mapping

from core.classes.enrol import NO_IDS, LmsIds
from core.classes.roster_plan import RosterRow, UnusableRow
from core.enums import MembershipRole
from core.errors import InvalidInput
from core.identity.people import check_email
from core.text import one_line

_LONGEST = 300  # characters of a cell
_NOTHING = frozenset({"-", "–", "—", "n/a", "none", "null"})
# Spreadsheets run such a cell (OWASP, “CSV injection”), and no name or id begins like that.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CALLED = {
    "email": "address",
    "name": "name",
    "first": "first name",
    "last": "last name",
    "section": "section",
    "role": "role",
    "sis": "SIS id",
    "login": "login",
    "lms": "LMS id",
}
_ROLES = {
    **dict.fromkeys(("student", "learner", "pupil", "studentenrollment"), MembershipRole.STUDENT),
    **dict.fromkeys(("teacher", "instructor", "lecturer", "professor", "teacherenrollment"), MembershipRole.TEACHER),
}


def to_row(where: str, cells: Mapping[str, str], *, email_domain: str | None = None) -> RosterRow | UnusableRow:
    """Return the person that cells named email, name, first, last, section, role, sis, login and lms describe.

    Without an address, a login that is one counts; with `email_domain` any other login is completed by it.
    """
    fields = {name: cell.strip(" \u00a0") for name, cell in cells.items()}
    fields = {name: "" if cell.casefold() in _NOTHING else cell for name, cell in fields.items()}
    who = one_line(fields.get("email") or _name(fields) or fields.get("login") or "", 60)
    try:
        for name, cell in fields.items():
            _check(_CALLED[name], cell)
        return _row(where, {name: one_line(cell, _LONGEST) for name, cell in fields.items()}, email_domain)
    except InvalidInput as error:
        return UnusableRow(where, who, error.sentence.rstrip("."))


def _row(where: str, fields: Mapping[str, str], email_domain: str | None) -> RosterRow:
    login = fields.get("login") or None
    email = fields.get("email") or _as_address(login, email_domain)
    ids = LmsIds(lms_user_id=fields.get("lms") or None, sis_user_id=fields.get("sis") or None, login_id=login)
    if email is None and ids == NO_IDS:
        raise InvalidInput("it has no address and no id")
    return RosterRow(
        where=where,
        email=email and check_email(email),
        name=one_line(_name(fields), 200),
        section=one_line(fields.get("section", ""), 200),
        role=_role(fields.get("role", "")),
        ids=ids,
    )


def _check(called: str, cell: str) -> None:
    if "\0" in cell:
        raise InvalidInput(f"its {called} holds a NUL, which no text does")
    if any("\udc80" <= letter <= "\udcff" for letter in cell):  # what could not be decoded
        raise InvalidInput(f"its {called} is not in UTF-8; save the file as “CSV UTF-8”")
    if cell.startswith(_FORMULA):
        raise InvalidInput(f"its {called} begins with “{cell[0].strip() or 'a tab'}”, like a formula")
    if len(cell) > _LONGEST:
        raise InvalidInput(f"its {called} is longer than {_LONGEST} characters")


def _name(fields: Mapping[str, str]) -> str:
    return fields.get("name") or f"{fields.get('first', '')} {fields.get('last', '')}".strip()


def _as_address(login: str | None, email_domain: str | None) -> str | None:
    if login is None:
        return None
    if "@" not in login:
        return f"{login}@{email_domain}" if email_domain else None
    return login if "." in login.rpartition("@")[2] else None


def _role(cell: str) -> MembershipRole:
    word = "".join(filter(str.isalnum, cell.casefold()))
    if not word:
        return MembershipRole.STUDENT
    try:
        return _ROLES[word]
    except KeyError as error:
        raise InvalidInput(f"the role “{one_line(cell, 30)}” is neither student nor teacher") from error
