"""What a roster file says, whatever its format: who is to be in a class, and which rows can't be used."""

from __future__ import annotations

from dataclasses import dataclass

from core.classes.enrol import NO_IDS, LmsIds
from core.enums import MembershipRole


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A person as a roster describes them. `where` names the row for people: “line 3”.

    An empty name, section or id, or no address, means that the roster does not say.
    """

    where: str
    email: str | None = None
    name: str = ""
    section: str = ""
    role: MembershipRole = MembershipRole.STUDENT
    ids: LmsIds = NO_IDS


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that can't be used: where it is, whom it seems to be about, and why as a sentence without its full stop."""

    where: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """A roster as it would be imported, in its own order.

    `whole`: it lists everybody, so that who is missing from it can be told. `notes` say what was left out on purpose.
    """

    rows: tuple[RosterRow, ...] = ()
    unusable: tuple[UnusableRow, ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = True
