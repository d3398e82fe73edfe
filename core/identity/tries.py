"""How often an account may try to be tied to somebody: every try is on the record, and counted there."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor, record
from core.errors import LimitReached


class Try(StrEnum):
    """What is counted, by the name it has in the audit log."""

    REFUSED = "identity.link_refused"  # a wrong code of ours
    CHECKED = "identity.otp_check"  # a code from a mail, right or wrong
    ASKED = "identity.otp_ask"  # for such a mail, whether or not it was sent


_WRONG = ((5, timedelta(minutes=15), "in a quarter of an hour"), (20, timedelta(days=1), "tomorrow"))
_MAILS_AN_HOUR = 5


async def take_turn(session: AsyncSession, workspace_id: UUID, platform_user_id: str) -> None:
    """Let an account's tries follow one another until the transaction ends, so that a hundred at once are not five."""
    turn = func.hashtextextended(f"{workspace_id} {platform_user_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))


async def require_tries_left(session: AsyncSession, workspace_id: UUID, platform_user_id: str) -> None:
    """Raise `LimitReached` after five wrong codes in a quarter of an hour, or twenty in a day."""
    for most, span, when in _WRONG:
        if await _count(session, workspace_id, platform_user_id, span, Try.REFUSED, Try.CHECKED) >= most:
            raise LimitReached(f"That were too many wrong codes. Please try again {when}.")


async def require_mails_left(session: AsyncSession, workspace_id: UUID, platform_user_id: str) -> None:
    """Raise `LimitReached` after five mails in an hour."""
    hour = timedelta(hours=1)
    if await _count(session, workspace_id, platform_user_id, hour, Try.ASKED) >= _MAILS_AN_HOUR:
        raise LimitReached("That were many mails. Please try again in an hour.")


def record_try(
    session: AsyncSession, kind: Try, workspace_id: UUID, platform_user_id: str, *, surface: str, reason: str = ""
) -> None:
    """Add a try to the session's transaction. It names no person: whose code or address it was is not the account's."""
    details = {"platform_user_id": platform_user_id} | ({"reason": reason} if reason else {})
    record(session, Actor.system(surface), kind, "workspace", workspace_id, class_id=None, **details)


async def _count(session: AsyncSession, workspace_id: UUID, platform_user_id: str, span: timedelta, *kinds: Try) -> int:
    counted = await session.scalar(
        select(func.count()).where(
            AuditLog.action.in_(kinds),
            AuditLog.entity_type == "workspace",
            AuditLog.entity_id == workspace_id,
            AuditLog.created_at > func.now() - span,
            AuditLog.details["platform_user_id"].astext == platform_user_id,
        )
    )
    return counted or 0
