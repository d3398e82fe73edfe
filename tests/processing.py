"""Ends the processing of a text as the worker does, without a file, a parser or a model."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.knowledge import live_embedding
from core.content.kinds import Kind, lock_root
from core.content.revisions import Indexed
from core.documents import Chunk, Locator, Reading
from core.materials.process import Failure, Prepared, settle


async def finish(session: AsyncSession, kind: Kind, revision_id: UUID, *passages: str) -> None:
    """Make a revision READY with these passages as its next generation of chunks."""
    space = await live_embedding(session)
    vectors = np.eye(len(passages), space.dimension, dtype=np.float32)
    reading = Reading(tuple(Chunk(text, Locator()) for text in passages))
    await _settle(session, kind, revision_id, Prepared(reading, vectors, space.model))


async def fail(session: AsyncSession, kind: Kind, revision_id: UUID, why: str) -> None:
    """Make a revision FAILED for this reason."""
    await _settle(session, kind, revision_id, Failure("corrupt", why))


async def _settle(session: AsyncSession, kind: Kind, revision_id: UUID, outcome: Prepared | Failure) -> None:
    revision = await session.get_one(kind.revision, revision_id, populate_existing=True)
    assert isinstance(revision, Indexed)
    root = await lock_root(session, kind, getattr(revision, kind.revision.root_key), deleted=True)
    await settle(session, kind, root, revision, outcome)
