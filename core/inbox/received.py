"""When an event came in, by the database's clock: what somebody did then is not late because it was served later."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.inbox.models import InboxEvent


async def received_at(session: AsyncSession, event_id: UUID | None) -> datetime | None:
    """Return when a stored event came in; None for one that was not stored."""
    if event_id is None:
        return None
    return await session.scalar(select(InboxEvent.created_at).where(InboxEvent.id == event_id))
