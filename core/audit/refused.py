"""What somebody tried to change and may not is on the record: once a minute, so that nobody fills it by trying."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.audit.models import AuditLog
from core.audit.record import Actor, record
from core.classes.models import Class
from core.db import Sessions

REFUSED = "refused"
OFTEN = timedelta(minutes=1)


async def record_refusal(sessions: Sessions, actor: Actor, tried: str, class_id: UUID | None) -> None:
    """Record, in a transaction of its own, that a person may not do what they tried.

    `tried` is the name of the command or the action. The row is about the class, where there is such a one, else about
    the person. Of the same person and name, one within a minute is enough.
    """
    if actor.user_id is None:
        return
    async with sessions.begin() as session:
        # One after the other, so that a hundred at once are not a hundred.
        turn = func.hashtextextended(f"{REFUSED} {actor.user_id} {tried}", 0)
        await session.execute(select(func.pg_advisory_xact_lock(turn)))
        known = await session.scalar(
            select(AuditLog.id)
            .where(
                AuditLog.actor_user_id == actor.user_id,
                AuditLog.created_at > func.now() - OFTEN,
                AuditLog.action == REFUSED,
                AuditLog.details["tried"].astext == tried,
            )
            .limit(1)
        )
        if known is not None:
            return
        class_ = await session.get(Class, class_id) if class_id is not None else None
        about = ("class", class_.id) if class_ is not None else ("app_user", actor.user_id)
        record(session, actor, REFUSED, *about, class_id=class_.id if class_ is not None else None, tried=tried)
