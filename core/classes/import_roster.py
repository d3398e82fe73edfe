"""A roster into a class: first what would happen, then the same for real.

A roster adds people and lets them in; it takes nobody out, renames nobody, takes teaching from nobody, and makes
teachers only in the operator's hands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, any_, literal, select
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.enrol import NO_IDS, Enrolment, LmsIds, enrol_all, lock_class
from core.classes.models import ClassMembership
from core.classes.roster_plan import RosterPlan, RosterRow, UnusableRow
from core.enums import GlobalRole, MembershipRole
from core.identity.models import AppUser
from core.identity.people import Newcomer, admit_all
from core.identity.permissions import require_teacher


class RosterFate(StrEnum):
    """What a roster does to a person."""

    ADDED = "added"  # nobody here had the address
    ENROLLED = "enrolled"  # known here, but not in the class, or not any more
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A row's fate. `user_id` is None while the person is only to be added; `changes` are “section A → B”."""

    fate: RosterFate
    row: RosterRow
    email: str
    name: str
    role: MembershipRole
    user_id: UUID | None = None
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A person who is or was in the class, or whose address a roster names. Without a `role` they are not in it."""

    user_id: UUID
    email: str
    name: str
    role: MembershipRole | None = None
    section: str = ""
    ids: LmsIds = NO_IDS


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What a roster does, in its own order. `absent` are members of the class whom it does not name."""

    entries: tuple[RosterEntry, ...] = ()
    unusable: tuple[UnusableRow, ...] = ()
    absent: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, fate: RosterFate) -> list[RosterEntry]:
        """Return the entries of one fate."""
        return [entry for entry in self.entries if entry.fate is fate]


async def preview_roster(session: AsyncSession, actor: Actor, class_id: UUID, plan: RosterPlan) -> RosterReport:
    """Return what `import_roster` would do now; nothing is changed. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    members = await _members(session, class_id)
    known = _Known(members, await _people(session, plan.rows), makes_teachers=actor.operates)
    outcomes = [known.meet(row) for row in plan.rows]
    absent = [member for member in members if member.role is not None and member.user_id not in known.named]
    return RosterReport(
        entries=tuple(each for each in outcomes if isinstance(each, RosterEntry)),
        unusable=(*plan.unusable, *(each for each in outcomes if isinstance(each, UnusableRow))),
        absent=tuple(sorted(absent, key=lambda member: member.email.lower())) if plan.whole else (),
        notes=plan.notes,
    )


async def import_roster(session: AsyncSession, actor: Actor, class_id: UUID, plan: RosterPlan) -> RosterReport:
    """Add and enrol whom a roster names, and bring section, role and ids up to date; one audit row for each change.

    Rows match people by address, then by SIS id, login and LMS id in this class. Raises `NotPermitted`, `NotFound`.
    """
    await require_teacher(session, actor, class_id)
    await lock_class(session, class_id)  # so that what is previewed here is what happens
    report = await preview_roster(session, actor, class_id, plan)
    admitted = await admit_all(
        session,
        actor,
        class_id,
        [Newcomer(entry.email, entry.name, GlobalRole(entry.role.value)) for entry in report.of(RosterFate.ADDED)],
    )
    entries = [
        entry if entry.user_id else replace(entry, user_id=admitted[entry.email.lower()]) for entry in report.entries
    ]
    await enrol_all(
        session,
        actor,
        class_id,
        [
            Enrolment(entry.user_id, entry.role, entry.row.section, entry.row.ids)
            for entry in entries
            if entry.user_id and entry.fate is not RosterFate.UNCHANGED
        ],
    )
    return replace(report, entries=tuple(entries))


async def _members(session: AsyncSession, class_id: UUID) -> list[Member]:
    """Return everybody who is or was in the class."""
    of = ClassMembership
    rows = await session.execute(
        select(
            AppUser.id, AppUser.email, AppUser.name, of.role, of.section, of.deleted_at,
            of.lms_user_id, of.sis_user_id, of.login_id,
        )
        .join(AppUser, AppUser.id == of.app_user_id)
        .where(of.class_id == class_id, AppUser.deleted_at.is_(None))
        .order_by(of.deleted_at.asc().nulls_last())  # of several memberships the living one counts, or the latest
    )  # fmt: skip
    return list(
        {
            user_id: Member(user_id, email, name, None if left else role, section, LmsIds(lms, sis, login))
            for user_id, email, name, role, section, left, lms, sis, login in rows
        }.values()
    )


async def _people(session: AsyncSession, rows: Iterable[RosterRow]) -> list[Member]:
    addresses = [row.email for row in rows if row.email]
    found = await session.execute(
        select(AppUser.id, AppUser.email, AppUser.name).where(
            AppUser.email == any_(literal(addresses, ARRAY(CITEXT))), AppUser.deleted_at.is_(None)
        )
    )
    return [Member(*row) for row in found]


_IDS = {"sis_user_id": "SIS id", "login_id": "login", "lms_user_id": "LMS id"}  # in the order they are asked


class _Known:
    """Who is known, and whom the rows so far have named."""

    def __init__(self, members: list[Member], people: list[Member], *, makes_teachers: bool) -> None:
        everybody = {member.user_id: member for member in (*people, *members)}
        self.by_address = {member.email.lower(): member for member in everybody.values()}
        # Who is in the class comes after who left it, and so before them where both had an id.
        ordered = sorted(members, key=lambda member: member.role is not None)
        self.by_id = {
            kind: {value: member for member in ordered if (value := getattr(member.ids, kind))} for kind in _IDS
        }
        self.makes_teachers = makes_teachers
        self.named: dict[UUID | str, str] = {}  # a person's id or new address → where the row is
        self.ids_seen: dict[tuple[str, str], str] = {}

    def meet(self, row: RosterRow) -> RosterEntry | UnusableRow:
        """Return what a row does to whom, after all rows before it."""
        owners = {
            kind: owner
            for kind in _IDS
            if (value := getattr(row.ids, kind)) and (owner := self.by_id[kind].get(value)) is not None
        }
        member = self.by_address.get((row.email or "").lower()) or next(iter(owners.values()), None)
        key: UUID | str | None = member.user_id if member else row.email and row.email.lower()
        if key is None:
            return _unusable(row, "it has no address, and nobody in this class has its ids")
        if key in self.named:
            return _unusable(row, f"it names the same person as {self.named[key]}")
        problem = self._id_of_another(row, member, owners)
        if problem is not None:
            if member:
                self.named[key] = row.where  # the roster does name them
            return _unusable(row, problem)
        self.named[key] = row.where
        teaches = member is not None and member.role is MembershipRole.TEACHER
        if row.role is MembershipRole.TEACHER and not teaches and not self.makes_teachers:
            return _unusable(row, "a roster makes no teachers; let them in as a teacher by name")
        self.ids_seen |= {(kind, value): row.where for kind in _IDS if (value := getattr(row.ids, kind))}
        if member is None:
            return RosterEntry(RosterFate.ADDED, row, row.email or "", row.name, row.role)
        return _of_known(row, member)

    def _id_of_another(self, row: RosterRow, member: Member | None, owners: Mapping[str, Member]) -> str | None:
        for kind, called in _IDS.items():
            owner, value = owners.get(kind), getattr(row.ids, kind)
            if owner is not None and owner.role is not None and (member is None or owner.user_id != member.user_id):
                return f"its {called} {value} is {owner.email}'s here"
            if value and (kind, value) in self.ids_seen:
                return f"its {called} {value} is on {self.ids_seen[kind, value]} too"
        return None


def _of_known(row: RosterRow, member: Member) -> RosterEntry:
    role, notes = row.role, []
    if member.role is MembershipRole.TEACHER and row.role is not MembershipRole.TEACHER:
        role = MembershipRole.TEACHER
        notes.append("teaches here, and goes on teaching")
    if row.email and row.email.lower() != member.email.lower():
        notes.append(f"is known by this address, not by {row.email}")
    changes = tuple(_changes(row, member, role))
    fate = RosterFate.ENROLLED if member.role is None else RosterFate.CHANGED if changes else RosterFate.UNCHANGED
    return RosterEntry(
        fate=fate,
        row=row,
        email=member.email,
        name=member.name,
        role=role,
        user_id=member.user_id,
        changes=changes if fate is RosterFate.CHANGED else (),
        notes=tuple(notes),
    )


def _changes(row: RosterRow, member: Member, role: MembershipRole) -> Iterable[str]:
    if member.role not in (None, role):
        yield f"role {member.role} → {role}"
    if row.section and row.section != member.section:
        yield f"section {member.section or 'none'} → {row.section}"
    for kind, called in _IDS.items():
        before, after = getattr(member.ids, kind), getattr(row.ids, kind)
        if after and after != before:
            yield f"{called} {before or 'none'} → {after}"


def _unusable(row: RosterRow, reason: str) -> UnusableRow:
    return UnusableRow(row.where, row.email or row.name or row.ids.login_id or "", reason)
