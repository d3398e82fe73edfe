"""A class in a database with real transactions, for what several people, workers and clocks do at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import Sessions
from tests.fakes.queue import RecordingQueue
from tests.integration.content.desk import Desk

Verb = Callable[[Desk], Awaitable[Any]]


@dataclass
class School:
    """A database with real transactions, and where the class's desk is in it."""

    engine: AsyncEngine
    sessions: Sessions
    class_id: UUID
    module_id: UUID
    teacher: Actor

    def desk(self, session: AsyncSession) -> Desk:
        return Desk(session, self.class_id, self.module_id, self.teacher, RecordingQueue())

    async def do(self, verb: Verb) -> Any:
        async with self.sessions.begin() as session:
            return await verb(self.desk(session))

    async def one_after_the_other(self, first: Verb, second: Verb) -> Any:
        """Run the second while the first's transaction is open; it waits, and goes on when that is committed."""
        async with self.sessions() as session:
            await first(self.desk(session))
            other = asyncio.create_task(self.do(second))
            await self._until_somebody_waits()
            await session.commit()
        return (await asyncio.gather(other, return_exceptions=True))[0]

    async def _until_somebody_waits(self) -> None:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(10), self.engine.connect() as watcher:
            while not await watcher.scalar(waiting):
                await watcher.rollback()

    async def actions(self) -> list[str]:
        async with self.sessions() as session:
            return list(await session.scalars(select(AuditLog.action).order_by(AuditLog.created_at)))
