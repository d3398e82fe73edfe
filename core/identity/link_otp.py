"""Linking by a code that goes to a person's address: who reads their mail is who they are."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.db import Sessions
from core.enums import LinkMethod
from core.errors import Conflict, InvalidInput, LimitReached, LinkingUnavailable, NotFound, Unavailable
from core.identity.link import link
from core.identity.models import AppUser
from core.identity.people import check_email, find_person
from core.identity.tries import Try, record_try, require_mails_left, require_tries_left, take_turn
from core.ports import OneTimePasswords

log = structlog.get_logger(__name__)

_CODE = re.compile(r"[0-9]{6,10}")  # as many digits as Supabase Auth can be set to send
_NO_SUCH_ROW = "23503"  # foreign_key_violation (PostgreSQL, appendix A)


async def begin_otp(
    sessions: Sessions, otp: OneTimePasswords, workspace_id: UUID, platform_user_id: str, email: str, *, surface: str
) -> bool:
    """Count the wish for a code by mail; return whether somebody here has the address and `send_otp` is to be called.

    What the person reads must not depend on it. Raises `InvalidInput`, `LimitReached` (five an hour, or too many wrong
    codes), `Unavailable`: for every address alike.
    """
    address = check_email(email)
    await otp.check()
    async with sessions.begin() as session:
        await take_turn(session, workspace_id, platform_user_id)
        await require_tries_left(session, workspace_id, platform_user_id)
        await require_mails_left(session, workspace_id, platform_user_id)
        record_try(session, Try.ASKED, workspace_id, platform_user_id, surface=surface)
        return await find_person(session, address) is not None


async def send_otp(otp: OneTimePasswords, email: str) -> None:
    """Send the code. A failure is logged and not raised: that there was one would tell that the address is known."""
    try:
        await otp.send(check_email(email))
    except (LimitReached, Unavailable) as error:
        log.error("otp_not_sent", code=error.code, **error.data)  # noqa: TRY400 - no fault of ours to trace


async def redeem_otp(
    sessions: Sessions,
    otp: OneTimePasswords,
    workspace_id: UUID,
    platform_user_id: str,
    email: str,
    code: str,
    *,
    surface: str,
) -> UUID:
    """Tie a workspace's user to the person who has that address, if the code is the one that was sent there.

    Returns that person's id. Every code that is checked counts as a try, before it is. Raises `InvalidInput` (wrong or
    expired), `NotFound` (nobody here has the address), `Conflict` (the account, or the Supabase one, is somebody
    else's), `LimitReached`, `LinkingUnavailable`, `Unavailable`.
    """
    address, digits = check_email(email), _digits(code)
    async with sessions.begin() as session:
        await take_turn(session, workspace_id, platform_user_id)
        await require_tries_left(session, workspace_id, platform_user_id)
        record_try(session, Try.CHECKED, workspace_id, platform_user_id, surface=surface)
    auth_user_id = await otp.verify(address, digits)  # no transaction waits for somebody else's server
    async with sessions.begin() as session:
        await take_turn(session, workspace_id, platform_user_id)
        person = await session.scalar(
            select(AppUser)
            .where(AppUser.email == address, AppUser.deleted_at.is_(None))
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        if person is None:
            raise NotFound("Nobody here has that address. Ask your teacher which one is on the class list.")
        actor = Actor.person(person.id, surface)
        await _authenticate(session, actor, person, auth_user_id)
        await link(session, actor, workspace_id, platform_user_id, person.id, LinkMethod.OTP)
        return person.id


async def _authenticate(session: AsyncSession, actor: Actor, person: AppUser, auth_user_id: UUID) -> None:
    """Note a person's Supabase Auth account. Raises `Conflict`, `LinkingUnavailable`."""
    if person.auth_user_id == auth_user_id:
        return
    if person.auth_user_id is not None:
        raise Conflict("Your address has been proven with another account before. Please ask your school's admin.")
    try:
        async with session.begin_nested():
            person.auth_user_id = auth_user_id
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == _NO_SUCH_ROW:  # the database is another project's than the address
            raise LinkingUnavailable from error
        raise Conflict("That account has proven another person's address before. Ask your school's admin.") from error
    record(session, actor, "person.authenticate", "app_user", person.id, auth_user_id=auth_user_id)


def _digits(code: str) -> str:
    """Return a code as it was sent, however it is typed. Raises `InvalidInput`."""
    typed = re.sub(r"[\s\-–]", "", unicodedata.normalize("NFKC", code))
    if not _CODE.fullmatch(typed):
        raise InvalidInput("The code is the number in the mail, six digits or more.")
    return typed
