"""The inbox: every event of a platform's is kept before it is acknowledged, and served once.

A process holds what it serves by a lease that it renews; what a dead process held is taken up by another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Sessions, autocommit
from core.enums import Platform
from core.events import Event, Message, Sender
from core.inbox.data import as_data, from_data

LEASE = timedelta(seconds=30)
ATTEMPTS = 3
PATIENCE = timedelta(hours=24)  # so long an event waits for its sender to say who they are
KEPT = timedelta(days=2)  # Slack sends an event again for some minutes, Discord replays for as long as a session lasts

# A reply in a thread is kept only where the bot takes part; that is looked up in the same round trip.
_STORE = text(
    """
    INSERT INTO inbox_events (platform, dedupe_key, event, route, sender, state, attempts, lease_until)
    SELECT CAST(:platform AS platform), :key, :event, :route, :sender, 'WORKING', 1, now() + CAST(:lease AS interval)
    WHERE CAST(:addressed AS boolean) OR EXISTS (
        SELECT FROM message_deliveries
        WHERE platform = CAST(:platform AS platform) AND channel_id = :channel_id AND thread_id = :thread_id
    )
    ON CONFLICT (platform, dedupe_key) DO NOTHING
    RETURNING id
    """
).bindparams(bindparam("event", type_=JSONB), bindparam("route", type_=JSONB))
_TAKE = text(
    """
    WITH lost AS (
        SELECT id FROM inbox_events
        WHERE platform = CAST(:platform AS platform) AND state IN ('RECEIVED', 'WORKING') AND waits_until IS NULL
            AND (lease_until IS NULL OR lease_until < now())
        ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE inbox_events e
        SET attempts = attempts + 1,
            lease_until = now() + CAST(:lease AS interval),
            state = CASE WHEN attempts >= :attempts THEN 'FAILED' ELSE 'WORKING' END::inbox_state,
            error = CASE WHEN attempts >= :attempts THEN 'given up' END
        FROM lost WHERE e.id = lost.id
        RETURNING e.id, e.event, e.route, e.attempts, e.state, e.created_at
    )
    SELECT id, event, route, attempts, state = 'FAILED' AS given_up FROM taken ORDER BY created_at
    """
)
_RENEW = text(
    "UPDATE inbox_events SET lease_until = now() + CAST(:lease AS interval) WHERE id = ANY(:ids) AND state = 'WORKING'"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_IS_HELD = text("SELECT state = 'WORKING' AND attempts = :attempts FROM inbox_events WHERE id = :id")
_FINISH = text(
    """
    UPDATE inbox_events
    SET state = CASE state WHEN 'FAILED' THEN state ELSE 'DONE' END, lease_until = NULL, event = '{}', route = '{}'
    WHERE id = :id
    """
)
_RELEASE = text(
    """
    UPDATE inbox_events e
    SET state = 'RECEIVED', waits_until = NULL, lease_until = NULL, attempts = 0
    FROM workspaces w
    WHERE w.id = :workspace_id AND e.platform = w.platform AND e.sender = w.external_id || ' ' || :user_id
        AND e.waits_until > now()
    """
)
_WAIT = text(
    """
    UPDATE inbox_events
    SET state = 'RECEIVED', lease_until = NULL, waits_until = now() + CAST(:patience AS interval)
    WHERE id = :id
    """
)
# Only the question asked last is answered after linking: the ones before it are old by then.
_FORGET_EARLIER = text(
    """
    UPDATE inbox_events SET state = 'DONE', waits_until = NULL, lease_until = NULL, event = '{}', route = '{}'
    WHERE platform = CAST(:platform AS platform) AND sender = :sender AND waits_until IS NOT NULL AND id <> :id
    """
)
_TAKE_BACK = text(
    """
    UPDATE inbox_events SET state = 'DONE', waits_until = NULL, lease_until = NULL, event = '{}', route = '{}'
    WHERE platform = CAST(:platform AS platform) AND state IN ('RECEIVED', 'WORKING') AND event ->> 'kind' = 'Message'
        AND event ->> 'message_id' = :message_id AND event -> 'place' ->> 'channel_id' = :channel_id
    """
)
_FORGET = text(
    """
    DELETE FROM inbox_events
    WHERE (state IN ('DONE', 'FAILED') AND created_at < now() - CAST(:kept AS interval)) OR waits_until < now()
    """
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it is kept; `attempts` counts from 1, so more means that a process died over it.

    One that is `given_up` has had all of its attempts: its sender is to be told.
    """

    id: UUID
    event: Event
    route: Mapping[str, str]
    attempts: int = 1
    given_up: bool = False


async def store_event(sessions: Sessions, event: Event, route: Mapping[str, str]) -> Stored | None:
    """Keep an event and hold it; None when it is here already, or is not meant for the bot."""
    spoken = isinstance(event, Message) and not event.addressed
    values = {
        "platform": event.sender.platform.value,
        "key": event.key,
        "event": as_data(event),
        "route": dict(route),
        "sender": sender_key(event.sender),
        "lease": LEASE,
        "addressed": not spoken,
        "channel_id": event.place.channel_id,
        "thread_id": event.place.thread_id,
    }
    async with autocommit(sessions) as session:
        stored = await session.scalar(_STORE, values)
    return Stored(stored, event, route) if stored is not None else None


async def take_events(sessions: Sessions, platform: Platform, *, most: int = 50) -> list[Stored]:
    """Take up events that nobody holds: those whose process died, and those that have waited long enough."""
    values = {"platform": platform.value, "most": most, "lease": LEASE, "attempts": ATTEMPTS}
    async with autocommit(sessions) as session:
        rows = (await session.execute(_TAKE, values)).all()
    return [Stored(row.id, from_data(row.event), row.route, row.attempts, row.given_up) for row in rows]


async def renew_leases(sessions: Sessions, ids: Collection[UUID]) -> None:
    """Go on holding events."""
    async with autocommit(sessions) as session:
        await session.execute(_RENEW, {"ids": list(ids), "lease": LEASE})


async def is_held(sessions: Sessions, stored: Stored) -> bool:
    """Say whether an event is still to be served by who took it up: nobody else has, and it was not dropped."""
    async with autocommit(sessions) as session:
        return bool(await session.scalar(_IS_HELD, {"id": stored.id, "attempts": stored.attempts}))


async def finish_event(sessions: Sessions, event_id: UUID) -> None:
    """Note that an event was served, or given up, and forget what was in it."""
    async with autocommit(sessions) as session:
        await session.execute(_FINISH, {"id": event_id})


async def let_wait(session: AsyncSession, stored_id: UUID, sender: Sender) -> None:
    """Put an event off until its sender has said who they are; of several only the last waits."""
    values: dict[str, Any] = {"platform": sender.platform.value, "sender": sender_key(sender), "id": stored_id}
    await session.execute(_FORGET_EARLIER, values)
    await session.execute(_WAIT, {"id": stored_id, "patience": PATIENCE})


async def release_waiting(session: AsyncSession, workspace_id: UUID, platform_user_id: str) -> None:
    """Have what waited for this user of a workspace served now, by whichever process looks next."""
    await session.execute(_RELEASE, {"workspace_id": workspace_id, "user_id": platform_user_id})


async def drop_waiting(session: AsyncSession, platform: Platform, channel_id: str, message_id: str) -> None:
    """Drop a message that waits, for its sender or for its turn: its author has taken it back."""
    values = {"platform": platform.value, "channel_id": channel_id, "message_id": message_id}
    await session.execute(_TAKE_BACK, values)


async def forget_events(session: AsyncSession) -> None:
    """Delete what was served long ago, and what has waited in vain."""
    await session.execute(_FORGET, {"kept": KEPT})


def sender_key(sender: Sender) -> str:
    """Return workspace and user as one string."""
    return f"{sender.workspace_id} {sender.user_id}"
