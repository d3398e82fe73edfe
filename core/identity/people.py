"""People: add, find, change role."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, any_, func, literal, select
from sqlalchemy.dialects.postgresql import CITEXT, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.enums import GlobalRole
from core.errors import Conflict, InvalidInput, NotFound
from core.identity.models import AppUser
from core.identity.permissions import require_global_role, require_teacher
from core.text import clean, one_line

# Deliberately loose (RFC 5321 allows far more than people expect): one @, something on both sides, no spaces.
_EMAIL = re.compile(r"[^\s@<>\"(),;:\\]+@[^\s@<>\"(),;:\\]+")

_ABOVE_STUDENT = (GlobalRole.TEACHER, GlobalRole.ADMIN)


def check_email(email: str) -> str:
    """Return the address without surrounding space. Raises `InvalidInput`."""
    email = email.strip()
    if len(email) > 254 or not _EMAIL.fullmatch(email) or email != clean(email):  # noqa: PLR2004  (RFC 5321, 4.5.3.1.3)
        raise InvalidInput(f"“{one_line(email, 60)}” is not an email address.")
    return email


async def find_person(session: AsyncSession, email: str) -> AppUser | None:
    """Return the living person with that address, or None."""
    return await session.scalar(
        select(AppUser).where(AppUser.email == check_email(email), AppUser.deleted_at.is_(None))
    )


async def get_person(session: AsyncSession, email: str) -> AppUser:
    """Return the living person with that address. Raises `NotFound`."""
    person = await find_person(session, email)
    if person is None:
        raise NotFound(f"Nobody here has the address {one_line(email, 60)}.")
    return person


async def add_person(
    session: AsyncSession, actor: Actor, email: str, *, name: str = "", role: GlobalRole = GlobalRole.UNASSIGNED
) -> AppUser:
    """Add a person. Raises `Conflict` if the address is taken, `InvalidInput`, `NotPermitted`."""
    await require_global_role(session, actor, GlobalRole.ADMIN)
    if await find_person(session, email) is not None:
        raise Conflict(f"{one_line(email, 60)} is here already.")
    address = check_email(email)
    person = AppUser(email=address, name=one_line(name, 200) or address.partition("@")[0], global_role=role)
    try:
        async with session.begin_nested():
            session.add(person)
    except IntegrityError as error:  # added by somebody else in this very moment
        raise Conflict(f"{one_line(email, 60)} is here already.") from error
    record(session, actor, "person.add", "app_user", person.id, role=role.value)
    return person


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A person to be added for a class. Without a name they are called by the first part of their address."""

    email: str
    name: str = ""
    role: GlobalRole = GlobalRole.STUDENT


async def admit_all(
    session: AsyncSession, actor: Actor, class_id: UUID, newcomers: Sequence[Newcomer]
) -> dict[str, UUID]:
    """Add the people of a class that are missing here; who is here already stays as they are.

    A teacher of the class may add students, only an admin others. Returns everybody's id by their address in lower
    case. Raises `InvalidInput`, `NotPermitted`.
    """
    await require_teacher(session, actor, class_id)
    if any(each.role is not GlobalRole.STUDENT for each in newcomers):
        await require_global_role(session, actor, GlobalRole.ADMIN)
    rows = {
        address.lower(): {
            "email": address,
            "name": one_line(each.name, 200) or address.partition("@")[0],
            "global_role": each.role,
        }
        for each in newcomers
        if (address := check_email(each.email))
    }
    if not rows:
        return {}
    added = await session.execute(
        insert(AppUser)
        .on_conflict_do_nothing(index_elements=[AppUser.email], index_where=AppUser.deleted_at.is_(None))
        .returning(AppUser.id, AppUser.email, AppUser.global_role),
        # In one order, so that two rosters at once wait for one another, and never in a circle.
        [row for _, row in sorted(rows.items())],
    )
    admitted = {}
    for user_id, email, role in added:
        admitted[email.lower()] = user_id
        record(session, actor, "person.add", "app_user", user_id, role=role.value)
    here = await session.execute(
        select(AppUser.email, AppUser.id).where(
            AppUser.email == any_(literal(list(rows.keys() - admitted.keys()), ARRAY(CITEXT))),
            AppUser.deleted_at.is_(None),
        )
    )
    return admitted | {email.lower(): user_id for email, user_id in here}


async def change_role(session: AsyncSession, actor: Actor, user_id: UUID, role: GlobalRole) -> AppUser:
    """Change what a person may do outside classes; who rises has to link their accounts again, by a code.

    Raises `NotFound`, `NotPermitted`.
    """
    await require_global_role(session, actor, GlobalRole.ADMIN)
    person = await session.get(AppUser, user_id, with_for_update=True, populate_existing=True)
    if person is None or person.deleted_at is not None:
        raise NotFound
    if person.global_role is role:
        return person
    before, person.global_role = person.global_role, role
    if role in _ABOVE_STUDENT and before is not GlobalRole.ADMIN:
        person.raised_at = func.now()
    record(session, actor, "person.role", "app_user", person.id, before=before.value, after=role.value)
    return person
