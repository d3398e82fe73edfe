"""A class with passages to find, written through the product's own `store_chunks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.models import AdminKnowledgeSettings
from core.classes.models import Class
from core.content.models import LessonUnit, LessonUnitRevision
from core.content.revisions import Indexed
from core.documents import Chunk, Locator
from core.materials.models import DEFAULT_DIMENSION, Material, MaterialRevision
from core.materials.store_chunks import store_chunks
from core.ports import Vectors
from core.retrieval.search import Hit, Scope, search
from tests import factories as make

MODEL = "test-space"
NOWHERE = np.eye(1, DEFAULT_DIMENSION, DEFAULT_DIMENSION - 1, dtype=np.float32)[0]


async def knowledge_settings(session: AsyncSession) -> AdminKnowledgeSettings:
    """Return the live settings, for vectors of the model MODEL."""
    live = await session.scalar(select(AdminKnowledgeSettings).where(AdminKnowledgeSettings.deleted_at.is_(None)))
    if live is None:
        live = AdminKnowledgeSettings(embedding_model=MODEL, embedding_dimension=DEFAULT_DIMENSION)
        session.add(live)
    live.embedding_model = MODEL
    await session.flush()
    return live


def directions(*weights: dict[int, float]) -> Vectors:
    """Return unit vectors from the axes they lie along: `{0: 1, 1: 1}` lies between the first two."""
    made = np.zeros((len(weights), DEFAULT_DIMENSION), dtype=np.float32)
    for row, axes in enumerate(weights):
        for axis, weight in axes.items():
            made[row, axis] = weight
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


async def write(
    session: AsyncSession,
    of: LessonUnit | Material,
    texts: Sequence[str],
    *,
    vectors: Vectors | None = None,
    revision: Indexed | None = None,
    headings: Sequence[str] = (),
) -> None:
    """Store passages as a new live generation of what students see of a root, or of the given revision."""
    row = revision or await make.published_revision(session, of)
    assert isinstance(row, LessonUnitRevision | MaterialRevision)
    class_ = await session.get_one(Class, of.class_id)
    row.chunk_generation += 1
    row.token_count = await store_chunks(
        session,
        class_id=class_.id,
        language=class_.language,
        title=row.title,
        generation=row.chunk_generation,
        chunks=[
            Chunk(text, Locator(page=number), heading=headings[number - 1] if headings else "")
            for number, text in enumerate(texts, 1)
        ],
        vectors=np.tile(NOWHERE, (len(texts), 1)) if vectors is None else vectors,
        material_revision_id=row.id if isinstance(row, MaterialRevision) else None,
        lesson_unit_revision_id=row.id if isinstance(row, LessonUnitRevision) else None,
    )
    row.chunk_count = len(texts)
    await session.flush()


@dataclass(frozen=True)
class Library:
    """A class with one published lesson that has a material, and a material of the class alone."""

    session: AsyncSession
    class_: Class
    lesson: LessonUnit
    linked: Material
    loose: Material

    @classmethod
    async def open(cls, session: AsyncSession, *, language: str = "english") -> Library:
        class_ = await make.class_(session, language=language)
        lesson = await make.lesson(session, await make.module(session, class_))
        linked = await make.material(session, class_, lessons=(lesson,))
        return cls(session, class_, lesson, linked, await make.material(session, class_, "Glossary"))

    async def ask(
        self,
        question: str,
        vector: Vectors = NOWHERE,
        *,
        lesson: LessonUnit | None = None,
        semantic: bool = False,
        limit: int | None = None,
        model: str = MODEL,
    ) -> list[Hit]:
        scope = Scope(self.class_.id, lesson.id if lesson else None)
        return await search(
            self.session, scope, question, vector, embedding_model=model, semantic=semantic, limit=limit
        )

    async def texts(self, question: str, lesson: LessonUnit | None = None) -> list[str]:
        return [hit.text for hit in await self.ask(question, lesson=lesson)]
