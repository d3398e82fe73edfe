"""How knowledge is embedded: the one row of settings that is live."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.models import AdminKnowledgeSettings
from core.errors import NotReady


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """The embedding model whose vectors the chunks hold now, and their dimension."""

    model: str
    dimension: int


async def live_embedding(session: AsyncSession) -> EmbeddingSpace:
    """Return the live embedding model. Raises `NotReady` when the settings' row is missing."""
    row = (
        await session.execute(
            select(AdminKnowledgeSettings.embedding_model, AdminKnowledgeSettings.embedding_dimension).where(
                AdminKnowledgeSettings.deleted_at.is_(None)
            )
        )
    ).one_or_none()
    if row is None:
        raise NotReady("The database has no knowledge settings. Run: homeroom db upgrade")
    return EmbeddingSpace(row.embedding_model, row.embedding_dimension)
