"""A roster file of any kind as a plan: the one way in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapters.rosters.oneroster import read_oneroster
from adapters.rosters.sheets import plan_of
from adapters.rosters.table import read_table
from core.classes.roster_plan import RosterPlan
from core.errors import InvalidInput, Oversized
from core.identity.people import check_email

MOST_BYTES = 50 * 1024 * 1024


def read_roster(
    data: bytes,
    filename: str,
    *,
    today: date,
    from_class: str | None = None,
    known_as: Sequence[str] = (),
    email_domain: str | None = None,
) -> RosterPlan:
    """Return what a plain CSV, a Canvas gradebook CSV or a OneRoster zip says; the content decides which it is.

    `from_class` and `known_as` (our class's code and title) pick a class out of a OneRoster file; `email_domain`
    completes logins to addresses where the file has none. Raises `InvalidInput`, `Unreadable`, `Ambiguous`, `NotFound`.
    """
    if email_domain is not None:
        email_domain = email_domain.strip().removeprefix("@")
        check_email(f"someone@{email_domain}")
    if len(data) > MOST_BYTES:
        raise Oversized(f"{filename} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
    if data.startswith(b"PK"):
        return read_oneroster(
            data, filename, today=today, from_class=from_class, known_as=known_as, email_domain=email_domain
        )
    if from_class is not None:
        raise InvalidInput(f"{filename} is no OneRoster file, so there are no classes in it to choose from.")
    return plan_of(read_table(data, filename), filename, email_domain=email_domain)
