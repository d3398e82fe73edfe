"""From an event to a person and their class, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.classes.models import Class, ClassMembership
from core.enums import GlobalRole, MembershipRole
from core.errors import Ambiguous, NotFound, NotPermitted
from core.identity.models import AppUser
from core.identity.people import check_email
from core.text import clean, one_line


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person in a class, as far as an event needs to know them."""

    user_id: UUID
    name: str
    global_role: GlobalRole
    class_id: UUID
    class_code: str
    class_title: str
    language: str
    time_zone: str
    role: MembershipRole

    @property
    def teaches(self) -> bool:
        """Whether they teach this class."""
        return self.role is MembershipRole.TEACHER


async def resolve_by_email(session: AsyncSession, email: str, class_code: str | None) -> Visitor:
    """Return the person with that address in that class, or in their only one.

    Raises `NotFound` (no such person or class), `NotPermitted` (not in it), `Ambiguous` (in several, none named).
    """
    address = check_email(email)
    rows = (
        await session.execute(
            select(AppUser, ClassMembership.role, Class)
            .outerjoin(
                ClassMembership,
                and_(ClassMembership.app_user_id == AppUser.id, ClassMembership.deleted_at.is_(None)),
            )
            .outerjoin(Class, and_(Class.id == ClassMembership.class_id, Class.deleted_at.is_(None)))
            .where(AppUser.email == address, AppUser.deleted_at.is_(None))
            .order_by(Class.code)
        )
    ).all()
    if not rows:
        raise NotFound(f"Nobody here has the address {one_line(email, 60)}.")
    return await _in_class(session, rows, class_code)


async def _in_class(
    session: AsyncSession, rows: Sequence[Row[AppUser, MembershipRole, Class]], class_code: str | None
) -> Visitor:
    found: list[tuple[AppUser, MembershipRole | None, Class | None]] = [(row[0], row[1], row[2]) for row in rows]
    enrolled = [(person, role, class_) for person, role, class_ in found if role is not None and class_ is not None]
    if class_code is not None:
        wanted = clean(class_code).casefold()
        enrolled = [row for row in enrolled if row[2].code.casefold() == wanted]
        if not enrolled:
            known = await session.scalar(select(Class.id).where(Class.code == wanted, Class.deleted_at.is_(None)))
            if known is None:
                raise NotFound(f"There is no class “{one_line(class_code, 60)}”.")
            raise NotPermitted(f"You are not in the class “{one_line(class_code, 60)}”.")
    if not enrolled:
        raise NotPermitted("You are not in any class yet. Ask your teacher to enrol you.")
    if len(enrolled) > 1:
        raise Ambiguous(
            "You are in several classes; say which one you mean.",
            candidates=tuple(row[2].code for row in enrolled),
        )
    person, role, class_ = enrolled[0]
    return Visitor(
        user_id=person.id,
        name=person.name,
        global_role=person.global_role,
        class_id=class_.id,
        class_code=class_.code,
        class_title=class_.title,
        language=class_.language,
        time_zone=person.time_zone if person.time_zone != "UTC" else class_.time_zone,
        role=role,
    )
