"""What to look through after a platform's connection was gone: where people ask, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import Platform
from core.inbox.models import InboxEvent

LOOK_BACK = timedelta(hours=6)  # nobody waits longer for an answer
_RECENT = timedelta(days=7)
_PLACES = text(
    """
    SELECT w.external_id AS workspace, b.channel_id, NULL AS thread_id
    FROM channel_bindings b JOIN workspaces w ON w.id = b.workspace_id
    WHERE w.platform = CAST(:platform AS platform) AND b.purpose = 'CLASS'
        AND b.deleted_at IS NULL AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    UNION
    SELECT w.external_id, d.channel_id, d.thread_id
    FROM message_deliveries d JOIN workspaces w ON w.id = d.workspace_id
    WHERE d.platform = CAST(:platform AS platform) AND d.created_at > now() - CAST(:recent AS interval)
        AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A channel, or a thread in one."""

    workspace: str
    channel_id: str
    thread_id: str | None


async def places_to_read(session: AsyncSession, platform: Platform, *, most: int = 500) -> list[Spot]:
    """Return where questions may have been missed: channels that stand for a class, and where we answered lately."""
    rows = await session.execute(_PLACES, {"platform": platform.value, "recent": _RECENT, "most": most})
    return [Spot(row.workspace, row.channel_id, row.thread_id) for row in rows]


async def last_heard(session: AsyncSession, platform: Platform) -> datetime | None:
    """Return when the last event of a platform was stored, as far as that is worth looking back to; else None."""
    return await session.scalar(
        select(func.max(InboxEvent.created_at)).where(
            InboxEvent.platform == platform, InboxEvent.created_at > func.now() - LOOK_BACK
        )
    )
