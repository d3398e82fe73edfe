"""Finds the passages of a class, or of one lesson, that bear on a question."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Boolean, Integer, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.documents import Locator
from core.enums import MaterialKind
from core.errors import NotReady, StaleEmbedding
from core.ports import Vectors
from core.retrieval.statement import SEARCH_CLASS, SEARCH_LESSON
from core.text import clean

_PARAMETERS = (
    bindparam("class_id", type_=Uuid),
    bindparam("question", type_=Text),
    bindparam("embedding_model", type_=Text),
    bindparam("limit", type_=Integer),
    bindparam("semantic", type_=Boolean),
)
_IN_CLASS = text(SEARCH_CLASS).bindparams(*_PARAMETERS)
_IN_LESSON = text(SEARCH_LESSON).bindparams(*_PARAMETERS, bindparam("lesson_unit_id", type_=Uuid))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: a whole class, or one of its lessons with the materials linked to it."""

    class_id: UUID
    lesson_unit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, pinned to its revision.

    `score` (0 to 1) is comparable within one search only; `similarity` is the cosine; `coverage` (0 to 1) is the share
    of the question's words that the passage holds, weighted by how rare they are in scope. `source` is the path the
    import found it under.
    """

    chunk_id: UUID
    title: str
    context: str
    text: str
    locator: Locator
    score: float
    similarity: float
    coverage: float
    kind: MaterialKind | None
    material_id: UUID | None
    lesson_unit_id: UUID | None
    material_revision_id: UUID | None
    lesson_unit_revision_id: UUID | None
    source: str | None


async def search(
    session: AsyncSession,
    scope: Scope,
    question: str,
    vector: Vectors,
    *,
    embedding_model: str,
    semantic: bool,
    limit: int | None = None,
) -> list[Hit]:
    """Return the best passages that students of the class may see, best first.

    `vector` is the question embedded by `embedding_model`; `semantic` says whether its closeness means closeness in
    meaning (`Embedder.semantic`). `limit` defaults to the knowledge settings' `top_k`. Raises `StaleEmbedding` when the
    chunks are embedded with another model, `NotReady` when there are no knowledge settings.
    """
    parameters = {
        "class_id": scope.class_id,
        "question": clean(question),
        "vector": vector,
        "embedding_model": embedding_model,
        "semantic": semantic,
        "limit": limit,
    }
    if scope.lesson_unit_id is None:
        found = await session.execute(_IN_CLASS, parameters)
    else:
        found = await session.execute(_IN_LESSON, {**parameters, "lesson_unit_id": scope.lesson_unit_id})
    rows = found.all()
    if not rows:
        raise NotReady("The knowledge settings are missing; run `homeroom db upgrade`.")
    if rows[0].embedding_model != embedding_model:
        raise StaleEmbedding(live=rows[0].embedding_model, asked=embedding_model)
    return [
        Hit(
            chunk_id=row.id,
            title=row.title,
            context=row.context,
            text=row.text,
            locator=Locator.from_json(row.locator),
            score=row.score,
            similarity=row.similarity,
            coverage=row.coverage,
            kind=MaterialKind(row.kind) if row.kind else None,
            material_id=row.material_id,
            lesson_unit_id=row.lesson_unit_id,
            material_revision_id=row.material_revision_id,
            lesson_unit_revision_id=row.lesson_unit_revision_id,
            source=row.external_id,
        )
        for row in rows
        if row.id is not None
    ]
