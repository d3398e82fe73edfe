"""Keys for reactions on a platform that gives them neither an id nor a time: each change of one is kept once.

Every process hears of it, and one that resumes its connection late hears of it again.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.db import Sessions, autocommit
from core.enums import Platform
from core.errors import DatabaseUnavailable

REPEATED = timedelta(minutes=10)  # so long a platform may tell it again; the same later is a deed of its own
_CHANGES = 50  # that are told apart, of one reaction in the time that events are kept

_KNOWN = text(
    """
    SELECT dedupe_key, created_at > now() - CAST(:repeated AS interval) AS recent FROM inbox_events
    WHERE platform = CAST(:platform AS platform) AND dedupe_key = ANY(:keys)
    """
)


async def key_of_change(sessions: Sessions, platform: Platform, reaction: str, *, added: bool) -> str | None:
    """Return the key for putting a reaction on or taking it off; None where that is how it stands already.

    `reaction` names whose, where and which it is. Of two processes that ask at once, both get the same key. Raises
    `DatabaseUnavailable`.
    """
    keys = {f"{reaction}:{number}{sign}": (number, sign) for number in range(1, _CHANGES + 1) for sign in "+-"}
    values = {"platform": platform.value, "keys": list(keys), "repeated": REPEATED}
    try:
        async with autocommit(sessions) as session:
            rows = (await session.execute(_KNOWN, values)).all()
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseUnavailable from error
    recent = {keys[row.dedupe_key]: row.recent for row in rows}
    number, stands = max(recent, default=(0, ""))
    wanted = "+" if added else "-"
    if stands == wanted and recent[number, stands]:
        return None
    return f"{reaction}:{min(number + 1, _CHANGES)}{wanted}"
