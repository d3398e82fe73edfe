"""A fresh migrated database for one benchmark, and plain ways to fill it with published passages."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.embedded_postgres import ensure_running, remove
from core.admin.models import AdminKnowledgeSettings
from core.classes.models import Class
from core.documents import Chunk
from core.enums import ProcessingStatus, VisibilityState
from core.materials.models import Material, MaterialRevision
from core.materials.store_chunks import store_chunks
from core.models import Base
from core.ports import Vectors
from migrations.upgrade import upgrade


@asynccontextmanager
async def scratch_database(dimension: int) -> AsyncIterator[str]:
    """Yield the URL of a new database on DATABASE_URL's server, or else on an embedded PostgreSQL; drop it after."""
    async with AsyncExitStack() as stack:
        server = os.environ.get("DATABASE_URL")
        if server is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            home.chmod(0o755)  # noqa: ASYNC240  (nothing else runs yet; root's PostgreSQL runs under another account)
            stack.callback(remove, home)
            server = await ensure_running(home)
        name = f"homeroom_bench_{uuid4().hex[:12]}"
        await _run(server, f"CREATE DATABASE {name}")
        stack.push_async_callback(_run, server, f"DROP DATABASE {name} WITH (FORCE)")
        url = f"{server.partition('?')[0].rpartition('/')[0]}/{name}"
        await upgrade(url, embedding_dimension=dimension)
        yield url


async def set_knowledge(session: AsyncSession, model: str, dimension: int, **settings: float) -> None:
    """Make `model` the live embedding model; what is not given stays as a new installation has it."""
    assert Base.metadata.tables  # importing it declares every table, which foreign keys look up
    await session.execute(update(AdminKnowledgeSettings).values(deleted_at=func.now()))
    session.add(AdminKnowledgeSettings(embedding_model=model, embedding_dimension=dimension, **settings))
    await session.flush()


async def add_class(session: AsyncSession, code: str) -> UUID:
    row = Class(code=code, title=code)
    session.add(row)
    await session.flush()
    return row.id


async def add_material(
    session: AsyncSession, class_id: UUID, title: str, source: str, chunks: Sequence[Chunk], vectors: Vectors
) -> None:
    """Add a published material of the class with these passages."""
    root = Material(class_id=class_id, import_source="benchmark", external_id=source)
    session.add(root)
    await session.flush()
    revision = MaterialRevision(
        material_id=root.id,
        revision_number=1,
        title=title or source,
        storage_key=source,
        filename=source,
        media_type="text/markdown",
        byte_size=0,
        sha256=b"",
        visibility_state=VisibilityState.PUBLISHED,
        processing_status=ProcessingStatus.READY,
        chunk_generation=1,
        chunk_count=len(chunks),
        token_count=0,
    )
    session.add(revision)
    await session.flush()
    revision.token_count = await store_chunks(
        session,
        class_id=class_id,
        language="english",
        title=title,
        generation=1,
        chunks=chunks,
        vectors=vectors,
        material_revision_id=revision.id,
    )
    root.published_revision_id = revision.id
    await session.flush()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
