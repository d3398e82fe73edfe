"""One-time codes by which a person proves on a platform who they are."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.audit.record import Actor, record
from core.classes.models import Class, ClassMembership
from core.db import Sessions
from core.enums import GlobalRole, LinkMethod, MembershipRole
from core.errors import Conflict, HomeroomError, InvalidInput, LimitReached, NotFound, NotPermitted
from core.identity.link import link
from core.identity.models import AppUser, LinkCode
from core.identity.tries import Try, record_try, require_tries_left, take_turn

ON_THE_SPOT = timedelta(minutes=15)
LONGEST = timedelta(days=60)

# Crockford's base 32: no I, L, O, U; whoever types them means 1, 1, 0 (and never U). Twelve letters are 60 bits: beyond
# guessing at a few tries a day, and a stolen plain SHA-256 of one takes longer to invert than the code lives.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")
_LENGTH, _GROUP = 12, 4

_MADE_AN_HOUR = 10  # for one person; the operator is not counted
_KEPT = timedelta(days=30)  # after its end, so that a code can still be called expired


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code as it is handed out; it can't be had again."""

    code: str
    expires_at: datetime


async def make_code(
    session: AsyncSession, actor: Actor, user_id: UUID, *, lifetime: timedelta = ON_THE_SPOT
) -> IssuedCode:
    """Make a person's code; their earlier ones stop working.

    For themselves anybody may, for a quarter of an hour; for the students of their classes (who teach nowhere) teachers
    may; for everybody admins and the operator. Raises `NotPermitted`, `NotFound`, `LimitReached`, `InvalidInput`.
    """
    return (await make_codes(session, actor, [user_id], lifetime=lifetime))[user_id]


async def make_codes(
    session: AsyncSession, actor: Actor, user_ids: Collection[UUID], *, lifetime: timedelta
) -> dict[UUID, IssuedCode]:
    """Do for many what `make_code` does for one: all or none."""
    wanted = set(user_ids)
    if not timedelta(0) < lifetime <= LONGEST:
        raise InvalidInput(f"A code lives at most {LONGEST.days} days.")
    await _require_hand(session, actor, wanted, lifetime)
    # Locked, so that two codes of one person follow one another.
    locked = select(AppUser.id).where(AppUser.id == _any(wanted), AppUser.deleted_at.is_(None)).order_by(AppUser.id)
    if set(await session.scalars(locked.with_for_update(key_share=True))) != wanted:
        raise NotFound("There is no such person.")
    if not actor.operates:
        await _require_few(session, wanted)
    now = (await session.scalars(select(func.now()))).one()
    await session.execute(
        delete(LinkCode).where(LinkCode.app_user_id == _any(wanted), LinkCode.expires_at < now - _KEPT)
    )
    await session.execute(
        update(LinkCode).where(LinkCode.app_user_id == _any(wanted), LinkCode.expires_at > now).values(expires_at=now)
    )
    made = {user_id: IssuedCode(_random_code(), now + lifetime) for user_id in wanted}
    if made:
        await session.execute(
            insert(LinkCode),
            [
                {
                    "app_user_id": user_id,
                    "code_hash": _digest(issued.code),
                    "expires_at": issued.expires_at,
                    "created_by_user_id": actor.user_id,
                }
                for user_id, issued in made.items()
            ],
        )
    minutes = int(lifetime.total_seconds() // 60)
    for user_id in made:
        record(session, actor, "link_code.make", "app_user", user_id, minutes=minutes)
    return made


async def redeem_code(
    sessions: Sessions, workspace_id: UUID, platform_user_id: str, code: str, *, surface: str
) -> UUID:
    """Tie a workspace's user to the person whose code they typed, and return that person's id.

    The transaction is its own, for a refused try is kept on the record, and counted: after five in a quarter of an
    hour, or twenty a day, no code is looked at. Raises `NotFound` (unknown or expired), `Conflict` (used before, or the
    account is somebody else's), `LimitReached`, `InvalidInput` (what can't be a code; not counted).
    """
    digest = _digest(code)
    async with sessions.begin() as session:
        await take_turn(session, workspace_id, platform_user_id)
        await require_tries_left(session, workspace_id, platform_user_id)
        try:
            return await _redeem(session, workspace_id, platform_user_id, digest, surface)
        except HomeroomError as error:
            refusal = error
            record_try(session, Try.REFUSED, workspace_id, platform_user_id, surface=surface, reason=error.code)
    raise refusal


async def _redeem(
    session: AsyncSession, workspace_id: UUID, platform_user_id: str, digest: bytes, surface: str
) -> UUID:
    # Found by its hash, so the time it takes tells nothing about any code. Locked: of two who type it, one is first.
    code = await session.scalar(
        select(LinkCode).where(LinkCode.code_hash == digest).with_for_update().execution_options(populate_existing=True)
    )
    if code is None:
        raise NotFound("There is no such code. Check it for a slip, or ask for a new one.")
    if code.used_at is not None:
        raise Conflict("That code was used before. Ask for a new one.")
    if await session.scalar(select(func.clock_timestamp() >= code.expires_at)):
        raise NotFound("That code is not valid any more. Ask for a new one.")
    actor = Actor.person(code.app_user_id, surface)
    await link(session, actor, workspace_id, platform_user_id, code.app_user_id, LinkMethod.CODE)
    code.used_at = func.now()
    return code.app_user_id


async def _require_hand(session: AsyncSession, actor: Actor, wanted: set[UUID], lifetime: timedelta) -> None:
    """Raise `NotPermitted` unless the actor may hand codes to all of them: a code is a way into an account."""
    if actor.operates or (wanted == {actor.user_id} and lifetime <= ON_THE_SPOT):
        return
    role = await session.scalar(
        select(AppUser.global_role).where(AppUser.id == actor.user_id, AppUser.deleted_at.is_(None))
    )
    if role is GlobalRole.ADMIN:
        return
    student, teacher, teaching = aliased(ClassMembership), aliased(ClassMembership), aliased(ClassMembership)
    teaches_anywhere = select(teaching.id).where(
        teaching.app_user_id == AppUser.id,
        teaching.role == MembershipRole.TEACHER,
        teaching.deleted_at.is_(None),
    )
    students = await session.scalars(
        select(AppUser.id)
        .join(student, student.app_user_id == AppUser.id)
        .join(Class, Class.id == student.class_id)
        .join(teacher, teacher.class_id == Class.id)
        .where(
            AppUser.id == _any(wanted),
            AppUser.global_role.not_in((GlobalRole.TEACHER, GlobalRole.ADMIN)),
            student.deleted_at.is_(None),
            Class.deleted_at.is_(None),
            teacher.app_user_id == actor.user_id,
            teacher.role == MembershipRole.TEACHER,
            teacher.deleted_at.is_(None),
            ~teaches_anywhere.exists(),
        )
    )
    if role is None or set(students) != wanted:
        raise NotPermitted("You may make codes for the students of your classes only.")


async def _require_few(session: AsyncSession, wanted: set[UUID]) -> None:
    hour = select(LinkCode.app_user_id).where(
        LinkCode.app_user_id == _any(wanted), LinkCode.created_at > func.now() - timedelta(hours=1)
    )
    often = hour.group_by(LinkCode.app_user_id).having(func.count() >= _MADE_AN_HOUR)
    if (await session.scalars(often)).first() is not None:
        raise LimitReached("That were many codes for one person. Please try again in an hour.")


def _random_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def _digest(code: str) -> bytes:
    """Return what is kept of a code, however it is typed. Raises `InvalidInput` for what can't be one."""
    typed = unicodedata.normalize("NFKC", code).upper()
    letters = "".join(filter(str.isalnum, typed)).translate(_MISREAD)
    if len(letters) != _LENGTH or not set(letters) <= set(_ALPHABET):
        raise InvalidInput("A code is twelve letters and digits, such as 7K3M-9QXC-2VDT.")
    return hashlib.sha256(letters.encode()).digest()


def _any(ids: Collection[UUID]) -> object:
    return any_(literal(list(ids), ARRAY(Uuid())))
