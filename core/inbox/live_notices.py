"""Notifications that are told live, in a reply that changes by itself: they wait as long as somebody sees to that.

Such a row stays PENDING, not to be taken before a moment that is moved on and on. If nobody does so any more, it is
told like any other.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Sessions

HOLD = timedelta(seconds=30)  # who tells it live and shows no life for so long is gone

_HOLD_BACK = text(
    """
    UPDATE notifications SET state_changed_at = now() + CAST(:wait AS interval)
    WHERE dedupe_key = ANY(:keys) AND state = 'PENDING' AND deleted_at IS NULL
    """
).bindparams(bindparam("keys", type_=ARRAY(Text())))
_TOLD = text(
    """
    UPDATE notifications SET state = 'SENT', state_changed_at = now()
    WHERE dedupe_key = :key AND state = 'PENDING' AND deleted_at IS NULL
    """
)


async def hold_back(session: AsyncSession, keys: Collection[str], wait: timedelta = HOLD) -> None:
    """Let nobody take notifications for a while, by their keys; those that are being told already stay so."""
    await session.execute(_HOLD_BACK, {"keys": list(keys), "wait": wait})


async def let_go(sessions: Sessions, keys: Collection[str]) -> None:
    """Let notifications be told like any others, from now on."""
    async with sessions.begin() as session:
        await hold_back(session, keys, timedelta())


async def note_told_live(sessions: Sessions, key: str) -> None:
    """Note that a notification needs no telling any more."""
    async with sessions.begin() as session:
        await session.execute(_TOLD, {"key": key})
