"""A queue that remembers what was handed to it; nothing runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass
class RecordingQueue:
    """`jobs` wait, in order: entrypoint and payload. As in the real queue, a dedupe key waits once."""

    jobs: list[tuple[str, UUID]] = field(default_factory=list)
    _waiting: set[str] = field(default_factory=set)

    async def enqueue(
        self, session: AsyncSession, entrypoint: str, payload: UUID, *, dedupe: str | None = None
    ) -> None:
        if dedupe is not None:
            if dedupe in self._waiting:
                return
            self._waiting.add(dedupe)
        self.jobs.append((entrypoint, payload))

    def drain(self) -> list[tuple[str, UUID]]:
        """Take every waiting job."""
        taken = self.jobs[:]
        self.jobs.clear()
        self._waiting.clear()
        return taken

    def take(self) -> tuple[str, UUID]:
        """Take the job that has waited longest."""
        job = self.jobs.pop(0)
        self._waiting.discard(f"{job[0]}:{job[1]}")
        return job
