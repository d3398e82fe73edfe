"""Hands a revision's text to the workers, in the transaction that wrote it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.content.kinds import Kind
from core.ports import Queue

# Queue entrypoints by kind: bot/jobs.py serves them.
PROCESS = {"lesson": "process_lesson", "material": "process_material"}


async def queue_processing(session: AsyncSession, queue: Queue, kind: Kind, revision_id: UUID) -> None:
    """Enqueue the processing of a revision's text, once while it waits."""
    entrypoint = PROCESS[kind.name]
    await queue.enqueue(session, entrypoint, revision_id, dedupe=f"{entrypoint}:{revision_id}")
