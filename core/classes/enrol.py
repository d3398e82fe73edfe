"""Classes and enrolments: make a class, let people in, let them go."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Uuid, any_, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.classes.models import Class, ClassMembership
from core.classes.settings import check_language, check_time_zone
from core.enums import GlobalRole, MembershipRole
from core.errors import Conflict, InvalidInput, NotFound
from core.identity.models import AppUser
from core.identity.permissions import require_global_role, require_teacher
from core.identity.raising import raise_new_teachers
from core.text import clean, one_line

_CODE = re.compile(r"[\w][\w.\-]{0,62}")


@dataclass(frozen=True, slots=True)
class LmsIds:
    """What others call a member of a class: the LMS's own id, the school's (SIS) id, the login. None: not known."""

    lms_user_id: str | None = None
    sis_user_id: str | None = None
    login_id: str | None = None


NO_IDS = LmsIds()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person who is to be in a class. An empty section, and an id that is None, leave what stands."""

    user_id: UUID
    role: MembershipRole
    section: str = ""
    ids: LmsIds = NO_IDS


async def find_class(session: AsyncSession, code: str) -> Class | None:
    """Return the living class with that code, or None."""
    return await session.scalar(select(Class).where(Class.code == code.strip(), Class.deleted_at.is_(None)))


async def get_class(session: AsyncSession, code: str) -> Class:
    """Return the living class with that code. Raises `NotFound`."""
    found = await find_class(session, code) if _CODE.fullmatch(code.strip()) else None
    if found is None:
        raise NotFound(f"There is no class “{one_line(code, 60)}”.")
    return found


async def create_class(
    session: AsyncSession,
    actor: Actor,
    code: str,
    *,
    title: str,
    description: str = "",
    language: str = "english",
    time_zone: str = "UTC",
) -> Class:
    """Make a class; a person who makes one teaches it.

    `language` is a text-search configuration of PostgreSQL's, `time_zone` an IANA name. Raises `Conflict`,
    `InvalidInput`, `NotPermitted`.
    """
    await require_global_role(session, actor, GlobalRole.TEACHER, GlobalRole.ADMIN)
    code = code.strip()
    if not _CODE.fullmatch(code):
        sentence = "A class code is letters, digits, dots, dashes and underscores, at most 63 of them."
        raise InvalidInput(sentence, field="code")
    if await find_class(session, code) is not None:
        raise Conflict(f"There is a class “{code}” already.", field="code")
    made = Class(
        code=code,
        title=one_line(title, 300) or code,
        description=clean(description),
        language=await check_language(session, language),
        time_zone=check_time_zone(time_zone),
        created_by_user_id=actor.user_id,
    )
    try:
        async with session.begin_nested():
            session.add(made)
    except IntegrityError as error:  # made by somebody else in this very moment
        raise Conflict(f"There is a class “{code}” already.", field="code") from error
    record(session, actor, "class.create", "class", made.id, class_id=made.id)
    if actor.user_id is not None:
        await _enrol_all(session, actor, made.id, [Enrolment(actor.user_id, MembershipRole.TEACHER)])
    return made


async def enrol(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    user_id: UUID,
    role: MembershipRole,
    *,
    section: str = "",
    ids: LmsIds = NO_IDS,
) -> ClassMembership:
    """Let a person into a class, or change their role there; somebody who left comes back.

    Without a `section` the one they have stays, and so does each id that is not given. Raises `NotPermitted`,
    `NotFound` (no such class or person).
    """
    return (await enrol_all(session, actor, class_id, [Enrolment(user_id, role, section, ids)]))[0]


async def enrol_all(
    session: AsyncSession, actor: Actor, class_id: UUID, enrolments: Sequence[Enrolment]
) -> list[ClassMembership]:
    """Do for many what `enrol` does for one: all of them or none. Raises `NotPermitted`, `NotFound`."""
    await require_teacher(session, actor, class_id)
    await lock_class(session, class_id)
    wanted = {each.user_id for each in enrolments}
    known = select(func.count()).where(AppUser.id == any_(_uuids(wanted)), AppUser.deleted_at.is_(None))
    if await session.scalar(known) != len(wanted):
        raise NotFound("There is no such person.")
    return await _enrol_all(session, actor, class_id, enrolments)


async def lock_class(session: AsyncSession, class_id: UUID) -> None:
    """Let the enrolments of a class follow one another until the transaction ends. Raises `NotFound`."""
    found = select(Class.id).where(Class.id == class_id, Class.deleted_at.is_(None)).with_for_update(key_share=True)
    if await session.scalar(found) is None:
        raise NotFound("There is no such class.")


async def _enrol_all(
    session: AsyncSession, actor: Actor, class_id: UUID, enrolments: Sequence[Enrolment]
) -> list[ClassMembership]:
    await raise_new_teachers(
        session, actor, {each.user_id for each in enrolments if each.role is MembershipRole.TEACHER}
    )
    before = await session.scalars(
        select(ClassMembership)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.app_user_id == any_(_uuids({each.user_id for each in enrolments})),
        )
        .order_by(ClassMembership.deleted_at.asc().nulls_last())  # of several the living one counts, or the latest
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    memberships = {membership.app_user_id: membership for membership in before}
    changed: dict[UUID, ClassMembership] = {}
    for each in enrolments:
        membership = memberships.get(each.user_id)
        if membership is None:
            membership = ClassMembership(class_id=class_id, app_user_id=each.user_id, section="")
            session.add(membership)
        elif membership.deleted_at is None and _says(membership, each):
            continue
        membership.role = each.role
        membership.section = one_line(each.section, 200) or membership.section
        membership.lms_user_id = each.ids.lms_user_id or membership.lms_user_id
        membership.sis_user_id = each.ids.sis_user_id or membership.sis_user_id
        membership.login_id = each.ids.login_id or membership.login_id
        membership.deleted_at = membership.deleted_by_user_id = None
        memberships[each.user_id] = changed[each.user_id] = membership
    await session.flush()
    for membership in changed.values():
        role = membership.role.value
        record(session, actor, "class.enrol", "class_membership", membership.id, class_id=class_id, role=role)
    return [memberships[each.user_id] for each in enrolments]


def _says(membership: ClassMembership, wanted: Enrolment) -> bool:
    """Whether a membership says all that is wanted already."""
    ids = wanted.ids
    return membership.role is wanted.role and all(
        value is None or value == held
        for value, held in (
            (one_line(wanted.section, 200) or None, membership.section),
            (ids.lms_user_id, membership.lms_user_id),
            (ids.sis_user_id, membership.sis_user_id),
            (ids.login_id, membership.login_id),
        )
    )


def _uuids(ids: Collection[UUID]) -> BindParameter[Any]:
    """One parameter for any number of ids; a list of parameters has a limit."""
    return literal(list(ids), ARRAY(Uuid()))


async def leave(session: AsyncSession, actor: Actor, class_id: UUID, user_id: UUID) -> None:
    """Take a person out of a class. Raises `NotFound`, `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    membership = await session.scalar(
        select(ClassMembership)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.app_user_id == user_id,
            ClassMembership.deleted_at.is_(None),
        )
        .with_for_update()
    )
    if membership is None:
        raise NotFound("That person is not in this class.")
    membership.deleted_at, membership.deleted_by_user_id = func.now(), actor.user_id
    record(session, actor, "class.leave", "class_membership", membership.id, class_id=class_id)


async def classes_of(session: AsyncSession, user_id: UUID) -> list[tuple[Class, MembershipRole]]:
    """Return the living classes a person is in, by code, with their role in each."""
    rows = await session.execute(
        select(Class, ClassMembership.role)
        .join(ClassMembership, ClassMembership.class_id == Class.id)
        .where(ClassMembership.app_user_id == user_id, ClassMembership.deleted_at.is_(None), Class.deleted_at.is_(None))
        .order_by(Class.code)
    )
    return [(found, role) for found, role in rows]
