"""What to look through after a platform's connection was gone: where people ask, and since when.

A gap that is being read back is kept among the stored events, where nobody takes it up, as it has no sender to wait
for: a process that ends over it leaves it to the next one, although what came in meanwhile was stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import Platform

LOOK_BACK = timedelta(hours=6)  # nobody waits longer for an answer
_RECENT = timedelta(days=7)
# Every channel that stands for a class; of all other places those where we answered last.
_PLACES = text(
    """
    SELECT DISTINCT w.external_id AS workspace, b.channel_id, NULL AS thread_id, true AS bound
    FROM channel_bindings b JOIN workspaces w ON w.id = b.workspace_id
    WHERE w.platform = CAST(:platform AS platform) AND b.purpose = 'CLASS'
        AND b.deleted_at IS NULL AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    UNION ALL
    (
        SELECT w.external_id, d.channel_id, d.thread_id, false
        FROM message_deliveries d JOIN workspaces w ON w.id = d.workspace_id
        WHERE d.platform = CAST(:platform AS platform) AND d.created_at > now() - CAST(:recent AS interval)
            AND w.deleted_at IS NULL AND w.revoked_at IS NULL
        GROUP BY w.external_id, d.channel_id, d.thread_id
        ORDER BY max(d.created_at) DESC
        LIMIT :most
    )
    """
)
_HEARD = text(
    """
    SELECT greatest(
        least(
            max(created_at) FILTER (WHERE dedupe_key <> 'gap'),
            min((event ->> 'since')::timestamptz) FILTER (WHERE dedupe_key = 'gap' AND waits_until > now())
        ),
        now() - CAST(:look_back AS interval)
    )
    FROM inbox_events WHERE platform = CAST(:platform AS platform)
    """
)
_NOTE = text(
    """
    INSERT INTO inbox_events AS known (platform, dedupe_key, event, waits_until)
    VALUES (
        CAST(:platform AS platform), 'gap', jsonb_build_object('since', CAST(:since AS timestamptz)),
        now() + CAST(:look_back AS interval)
    )
    ON CONFLICT (platform, dedupe_key) DO UPDATE
    SET waits_until = excluded.waits_until,
        event = jsonb_build_object('since', least(
            CASE WHEN known.waits_until > now() THEN (known.event ->> 'since')::timestamptz END,
            (excluded.event ->> 'since')::timestamptz
        ))
    """
)
_CLOSE = text("DELETE FROM inbox_events WHERE platform = CAST(:platform AS platform) AND dedupe_key = 'gap'")


@dataclass(frozen=True, slots=True)
class Spot:
    """A channel, or a thread in one. One that is `bound` stands for a class."""

    workspace: str
    channel_id: str
    thread_id: str | None
    bound: bool = False


async def places_to_read(session: AsyncSession, platform: Platform, *, most: int = 500) -> list[Spot]:
    """Return where questions may have been missed.

    These are all channels that stand for a class, and then, where we answered lately, the latest `most` places.
    """
    rows = await session.execute(_PLACES, {"platform": platform.value, "recent": _RECENT, "most": most})
    return [Spot(row.workspace, row.channel_id, row.thread_id, row.bound) for row in rows]


async def last_heard(session: AsyncSession, platform: Platform) -> datetime:
    """Return since when something of a platform's may be missing, as far as that is worth looking back to.

    It is when its last event was stored, or when a gap began that was not read back to its end.
    """
    values = {"platform": platform.value, "look_back": LOOK_BACK}
    heard: datetime = (await session.execute(_HEARD, values)).scalar_one()
    return heard


async def note_gap(session: AsyncSession, platform: Platform, since: datetime) -> None:
    """Keep in mind that what was said since an aware moment is not read back yet, until `close_gap`."""
    await session.execute(_NOTE, {"platform": platform.value, "since": since, "look_back": LOOK_BACK})


async def close_gap(session: AsyncSession, platform: Platform) -> None:
    """Note that everything was read back."""
    await session.execute(_CLOSE, {"platform": platform.value})
