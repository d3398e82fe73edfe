"""A form on its way: among the stored events, where it waits for a day at most, from one page of it to the next.

Nobody takes up what is held, as it has no sender to wait for. It goes when the form is done with, or with the events
that have waited in vain.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import Platform
from core.events import Control
from core.inbox.data import as_data, from_data
from core.inbox.store import PATIENCE

_HOLD = text(
    """
    INSERT INTO inbox_events (platform, dedupe_key, event, waits_until)
    VALUES (CAST(:platform AS platform), :key, :event, now() + CAST(:patience AS interval))
    ON CONFLICT (platform, dedupe_key) DO UPDATE SET event = excluded.event, waits_until = excluded.waits_until
    RETURNING id
    """
).bindparams(bindparam("event", type_=JSONB))
_LOOK = text(
    """
    SELECT event FROM inbox_events
    WHERE id = :id AND platform = CAST(:platform AS platform) AND sender = '' AND waits_until > now()
    FOR UPDATE
    """
)
_LOOK_UP = text(
    """
    SELECT event FROM inbox_events
    WHERE platform = CAST(:platform AS platform) AND dedupe_key = :key AND sender = '' AND waits_until > now()
    """
)
_LET_GO = text("DELETE FROM inbox_events WHERE id = :id AND sender = '' AND waits_until IS NOT NULL")


async def hold_form(session: AsyncSession, form: Control) -> UUID:
    """Keep a form that is being filled in, under the id returned; one of the same key takes its place."""
    values = {
        "platform": form.sender.platform.value,
        "key": f"form:{form.key}",
        "event": as_data(form),
        "patience": PATIENCE,
    }
    return UUID(str(await session.scalar(_HOLD, values)))


async def held_form(session: AsyncSession, platform: Platform, user_id: str, form_id: UUID) -> Control | None:
    """Return a form to who fills it in, for this transaction alone; None where it is not held, or somebody else's."""
    found = await session.scalar(_LOOK, {"id": form_id, "platform": platform.value})
    form = from_data(found) if found is not None else None
    return form if isinstance(form, Control) and form.sender.user_id == user_id else None


async def form_held_as(session: AsyncSession, platform: Platform, key: str) -> Control | None:
    """Return the form that is held under a key; None where it is not held."""
    found = await session.scalar(_LOOK_UP, {"platform": platform.value, "key": f"form:{key}"})
    form = from_data(found) if found is not None else None
    return form if isinstance(form, Control) else None


async def let_go(session: AsyncSession, form_id: UUID) -> None:
    """Forget a form."""
    await session.execute(_LET_GO, {"id": form_id})
