"""The processing pipeline as it is wired in production, on a database of a test's own, with what tests break in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from adapters.documents.reader import SeparateReader
from adapters.models.lexical import LexicalEmbedder
from adapters.queue import PostgresQueue
from adapters.storage import open_storage
from adapters.worker import WorkerPolicy, drain
from bot.jobs import entrypoints, gave_up
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import create_engine, create_sessions
from core.enums import MembershipRole
from core.errors import ModelUnavailable
from core.materials.process import Pipeline
from core.ports import Vectors
from tests import factories

_TWICE = WorkerPolicy(attempts=2, first_wait=0.01, takeover=1.0)


class DeadEmbedder(LexicalEmbedder):
    """A model that does not answer."""

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return await super().embed_passages(texts)
        raise ModelUnavailable


@dataclass(frozen=True, slots=True)
class School:
    """A class, its teacher, and the pipeline that processes for it."""

    url: str
    pipeline: Pipeline
    class_id: UUID
    teacher: Actor

    async def work(self, pipeline: Pipeline | None = None) -> None:
        """Run all the jobs that wait, and those that they cause."""
        used = pipeline or self.pipeline
        await drain(self.url, entrypoints(used), policy=_TWICE, gave_up=gave_up(used))

    async def audited(self, entity_id: UUID | None = None) -> Counter[str]:
        """Count the audit rows by action, of one thing or of all."""
        async with self.pipeline.sessions() as session:
            rows = select(AuditLog.action)
            return Counter(await session.scalars(rows.where(AuditLog.entity_id == entity_id) if entity_id else rows))


@asynccontextmanager
async def open_school(url: str, files: Path, read: SeparateReader) -> AsyncIterator[School]:
    engine = create_engine(url)
    try:
        sessions = create_sessions(engine)
        async with sessions.begin() as session:
            into = await factories.class_(session, "SKY")
            teacher = await factories.person(session, "Vega")
            await factories.enrol(session, into, teacher, MembershipRole.TEACHER)
        storage = open_storage((files / "storage").as_uri())
        pipeline = Pipeline(sessions, storage, read, LexicalEmbedder(), PostgresQueue())
        yield School(url, pipeline, into.id, Actor.person(teacher.id, "test"))
    finally:
        await engine.dispose()
