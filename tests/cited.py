"""A class with a material that an answer cites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import ChatMessageCitation
from core.classes.models import Class
from core.documents import Chunk, Locator
from core.enums import MembershipRole
from core.identity.models import AppUser
from core.materials.files import MEDIA_TYPES
from core.materials.models import DEFAULT_DIMENSION, Material, MaterialChunk, MaterialRevision
from core.materials.store_chunks import store_chunks
from tests import factories as make
from tests.answers import tell

PAGES = (
    Chunk("The Sun lights one half of the Moon.", Locator(page=1)),
    Chunk("Tides follow the Moon. Two bulges form.", Locator(page=2, headings=("Tides",))),
    Chunk("Two bulges form. They pass twice a day.\n\nSpring tides are higher.", Locator(page=2, headings=("Tides",))),
    Chunk("At an eclipse the Moon turns red.", Locator(page=3)),
)
QUOTE = "They pass twice a day."


@dataclass(frozen=True)
class Shelf:
    """The material's chunks; `cited` is the one that the student's answer cites as [1], quoting QUOTE."""

    class_: Class
    student: AppUser
    teacher: AppUser
    material: Material
    chunks: Sequence[MaterialChunk]
    answer_id: UUID

    @property
    def cited(self) -> MaterialChunk:
        return next(chunk for chunk in self.chunks if QUOTE in chunk.text)


async def shelve(session: AsyncSession, *chunks: Chunk, title: str = "Moon notes", **file: Any) -> Shelf:
    class_ = await make.class_(session)
    student, teacher = await make.person(session, "Ada"), await make.person(session, "Vega")
    await make.enrol(session, class_, student)
    await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
    material = await make.add(session, Material(class_id=class_.id))
    revision = await make.revision(
        session,
        material,
        title=title,
        published=True,
        **{"filename": "moon.pdf", "media_type": MEDIA_TYPES[".pdf"], "processing_status": "READY", **file},
    )
    written = await write(session, revision, class_.id, *(chunks or PAGES))
    told = await tell(session, user_id=student.id, class_id=class_.id)
    shelf = Shelf(class_, student, teacher, material, written, told.answer_id)
    if not chunks:
        await cite(session, told.answer_id, shelf.cited.id, QUOTE)
    return shelf


async def write(
    session: AsyncSession, revision: MaterialRevision, class_id: UUID, *chunks: Chunk
) -> Sequence[MaterialChunk]:
    """Store passages as a revision's next generation."""
    revision.chunk_generation += 1
    await store_chunks(
        session,
        class_id=class_id,
        language="english",
        title=revision.title,
        generation=revision.chunk_generation,
        chunks=chunks,
        vectors=np.eye(len(chunks), DEFAULT_DIMENSION, dtype=np.float32),
        material_revision_id=revision.id,
    )
    await session.flush()
    rows = await session.scalars(
        select(MaterialChunk)
        .where(MaterialChunk.revision_id == revision.id, MaterialChunk.generation == revision.chunk_generation)
        .order_by(MaterialChunk.ordinal)
    )
    return rows.all()


async def cite(session: AsyncSession, answer_id: UUID, chunk_id: UUID, quote: str, number: int = 1) -> None:
    await make.add(
        session,
        ChatMessageCitation(chat_message_id=answer_id, number=number, chunk_id=chunk_id, quote=quote, score=1.0),
    )
