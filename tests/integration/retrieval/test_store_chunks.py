"""Chunks go in by COPY, inside the transaction, with their words counted."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.documents import Chunk, Locator
from core.materials.models import DEFAULT_DIMENSION, MaterialChunk
from core.materials.store_chunks import context, store_chunks
from tests import factories as make


async def test_a_copy_belongs_to_the_transaction(session: AsyncSession) -> None:
    class_ = await make.class_(session)
    revision = await make.published_revision(session, await make.material(session, class_))
    savepoint = await session.begin_nested()
    vectors = np.eye(2, DEFAULT_DIMENSION, dtype=np.float32)
    chunks = [Chunk("Tides rise.", Locator(page=3), "Sea › Tides"), Chunk("Ebb", Locator(slide=2, notes=True))]
    words = await store_chunks(
        session,
        class_id=class_.id,
        language="english",
        title="Sea",
        generation=4,
        chunks=chunks,
        vectors=vectors,
        material_revision_id=revision.id,
        first_ordinal=10,
    )
    stored = (await session.scalars(select(MaterialChunk).order_by(MaterialChunk.ordinal))).all()
    assert [(row.ordinal, row.generation, row.context, row.text) for row in stored] == [
        (10, 4, "Sea › Tides", "Tides rise."),
        (11, 4, "Sea", "Ebb"),
    ]
    assert [Locator.from_json(row.locator) for row in stored] == [chunk.locator for chunk in chunks]
    assert all(np.array_equal(row.embedding.to_numpy(), vector) for row, vector in zip(stored, vectors, strict=True))
    assert words == sum(row.token_count for row in stored) == 6
    await savepoint.rollback()
    assert await session.scalar(text("SELECT count(*) FROM material_chunks")) == 0


@pytest.mark.parametrize(
    ("title", "heading", "whole"),
    [
        ("Sea", "Tides", "Sea › Tides"),
        ("Sea", "Sea", "Sea"),
        ("Sea", "Sea › Tides", "Sea › Tides"),
        ("Sea", "Seaside", "Sea › Seaside"),
        ("", "Tides", "Tides"),
        ("Sea", " ", "Sea"),
        ("", "", ""),
    ],
)
def test_context_says_each_thing_once(title: str, heading: str, whole: str) -> None:
    assert context(title, heading) == whole


async def test_vectors_have_to_match_the_chunks(session: AsyncSession) -> None:
    class_ = await make.class_(session)
    revision = await make.published_revision(session, await make.material(session, class_))
    with pytest.raises(ValueError, match="1 chunks, but 2 vectors"):
        await store_chunks(
            session,
            class_id=class_.id,
            language="english",
            title="Sea",
            generation=1,
            chunks=[Chunk("Ebb", Locator())],
            vectors=np.eye(2, DEFAULT_DIMENSION, dtype=np.float32),
            material_revision_id=revision.id,
        )
