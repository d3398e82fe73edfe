"""The pipeline: a draft's text is read, cut, embedded, stored; PENDING, PROCESSING, then READY or FAILED."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.models import AdminKnowledgeSettings
from core.audit.record import Actor, record
from core.classes.models import Class
from core.content.due import publish_batches_of
from core.content.kinds import KINDS, LESSON, MATERIAL, Kind, lock_root
from core.content.models import LessonUnitRevision
from core.content.publish import publish_if_queued
from core.content.revisions import Indexed, Root
from core.db import Sessions
from core.documents import Chunk, Reading
from core.enums import ProcessingStatus
from core.errors import Empty, HomeroomError, ModelUnavailable, NotFound, Unreadable
from core.materials.files import MEDIA_TYPES, WITHOUT_NOTES
from core.materials.models import MaterialRevision
from core.materials.queueing import PROCESS
from core.materials.store_chunks import context, store_chunks
from core.ports import DocumentReader, Embedder, Queue, Storage, Vectors

_EMBED_AT_ONCE = 256  # passages
_STORE_AT_ONCE = 500  # passages
UNREADABLE = frozenset({Unreadable.code, *(kind.code for kind in Unreadable.__subclasses__())})
_OPEN = (ProcessingStatus.PENDING, ProcessingStatus.PROCESSING)
# A lesson's text is Markdown, whatever it begins with.
_LESSON_FILE = "lesson.md"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What processing needs from outside."""

    sessions: Sessions
    storage: Storage
    read: DocumentReader
    embedder: Embedder
    queue: Queue


@dataclass(frozen=True, slots=True)
class Cutting:
    """How text is cut into passages: sizes in characters."""

    size: int = 1000
    overlap: int = 150


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text that was read and embedded, ready to be stored. `vectors`, of the named model: (chunks, dimension)."""

    reading: Reading
    vectors: Vectors
    model: str


@dataclass(frozen=True, slots=True)
class _Work:
    """One version of one revision, as it was when it was taken."""

    root_id: UUID
    version: int
    title: str
    body: str | None
    storage_key: str
    filename: str
    media_type: str
    cutting: Cutting


async def process_material(pipeline: Pipeline, revision_id: UUID) -> None:
    """Process a material's draft; a queue's job. Raises `Unavailable` when it has to be tried again."""
    await _process(pipeline, MATERIAL, revision_id)


async def process_lesson(pipeline: Pipeline, revision_id: UUID) -> None:
    """Process a lesson's draft; a queue's job. Raises `Unavailable` when it has to be tried again."""
    await _process(pipeline, LESSON, revision_id)


async def give_up(pipeline: Pipeline, entrypoint: str, revision_id: UUID, error: Exception) -> None:
    """End as FAILED what the queue has tried often enough; the teacher reads why, and may try again."""
    kind = next(KINDS[name] for name, job in PROCESS.items() if job == entrypoint)
    why = error.sentence if isinstance(error, HomeroomError) else HomeroomError().sentence
    code = error.code if isinstance(error, HomeroomError) else HomeroomError.code
    async with pipeline.sessions.begin() as session:
        found = await _lock(session, kind, revision_id)
        if found is not None and found[1].processing_status in _OPEN:
            await settle(session, kind, *found, Failure(code, f"This text could not be processed. {why}"))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a text is not searchable: a code, and the sentence for the teacher."""

    code: str
    sentence: str


async def _process(pipeline: Pipeline, kind: Kind, revision_id: UUID) -> None:
    # A draft that was edited while it was being read is read again: the row says so by its version.
    while (work := await _claim(pipeline.sessions, kind, revision_id)) is not None:
        try:
            outcome = await _prepare(pipeline, kind, revision_id, work)
        except Exception:
            await _hand_back(pipeline.sessions, kind, revision_id)
            raise
        async with pipeline.sessions.begin() as session:
            found = await _lock(session, kind, revision_id)
            if found is None:
                return
            root, revision = found
            if revision.processing_status is ProcessingStatus.PROCESSING and revision.version == work.version:
                await settle(session, kind, root, revision, outcome)
                break
    else:
        return
    await publish_batches_of(pipeline.sessions, kind, work.root_id)


async def _claim(sessions: Sessions, kind: Kind, revision_id: UUID) -> _Work | None:
    """Mark a revision as PROCESSING, or return None when there is nothing to do.

    The queue never runs two jobs for one revision at a time, so a revision found PROCESSING was left by a worker that
    died. Should two ever work on the same, the first to finish wins and the other stores nothing.
    """
    async with sessions.begin() as session:
        revision = await session.get(kind.revision, revision_id, with_for_update={"key_share": True})
        if not isinstance(revision, Indexed) or revision.deleted_at is not None:
            return None
        given_up = revision.processing_status is ProcessingStatus.FAILED and revision.failure_code not in UNREADABLE
        if revision.processing_status not in _OPEN and not given_up:
            return None
        revision.processing_status = ProcessingStatus.PROCESSING
        revision.failure_code = revision.failure_reason = revision.page_count = None
        file = revision if isinstance(revision, MaterialRevision) else None
        return _Work(
            root_id=getattr(revision, kind.revision.root_key),
            version=revision.version,
            title=revision.title,
            body=revision.body if isinstance(revision, LessonUnitRevision) else None,
            storage_key=file.storage_key if file else "",
            filename=file.filename if file else _LESSON_FILE,
            media_type=file.media_type if file else MEDIA_TYPES[".md"],
            cutting=await cutting(session),
        )


async def _prepare(pipeline: Pipeline, kind: Kind, revision_id: UUID, work: _Work) -> Prepared | Failure:
    try:
        if work.body is not None:
            reading = await read_lesson(pipeline.read, work.body, work.cutting)
        else:
            data = await pipeline.storage.get(work.storage_key)
            reading = await pipeline.read(data, work.filename, size=work.cutting.size, overlap=work.cutting.overlap)
            if work.media_type.endswith(WITHOUT_NOTES):
                reading = reading.without_notes()
    except Unreadable as error:
        return Failure(error.code, error.sentence)
    except NotFound:
        return Failure("file_missing", "The file is no longer in the file store. Upload it again.")
    if reading.pages is not None:
        await _note_pages(pipeline.sessions, kind, revision_id, work.version, reading.pages)
    vectors = await embed(pipeline.embedder, passages(work.title, reading.chunks, semantic=pipeline.embedder.semantic))
    return Prepared(reading, vectors, pipeline.embedder.name)


async def _note_pages(sessions: Sessions, kind: Kind, revision_id: UUID, version: int, pages: int) -> None:
    """Say how many pages were read, for whoever watches: what is left to do takes the longer, the more there are."""
    table = kind.revision
    if not issubclass(table, Indexed):
        return
    async with sessions.begin() as session:
        await session.execute(
            update(table)
            .where(
                table.id == revision_id,
                table.version == version,
                table.processing_status == ProcessingStatus.PROCESSING,
            )
            .values(page_count=pages)
        )


async def _hand_back(sessions: Sessions, kind: Kind, revision_id: UUID) -> None:
    """Mark a revision as PENDING again: its job failed and will be tried again."""
    table = kind.revision
    if not issubclass(table, Indexed):
        return
    async with sessions.begin() as session:
        await session.execute(
            update(table)
            .where(table.id == revision_id, table.processing_status == ProcessingStatus.PROCESSING)
            .values(processing_status=ProcessingStatus.PENDING)
        )


async def _lock(session: AsyncSession, kind: Kind, revision_id: UUID) -> tuple[Root, Indexed] | None:
    """Return a living revision and its root, locked root first as every verb does, or None."""
    root_id = await session.scalar(select(kind.root_column()).where(kind.revision.id == revision_id))
    if root_id is None:
        return None
    root = await lock_root(session, kind, root_id, deleted=True)
    revision = await session.get(
        kind.revision, revision_id, with_for_update={"key_share": True}, populate_existing=True
    )
    return (root, revision) if isinstance(revision, Indexed) and revision.deleted_at is None else None


async def read_lesson(read: DocumentReader, body: str, cut: Cutting) -> Reading:
    """Read a lesson's Markdown; one without text is fine and has no passages. Raises `Unreadable`."""
    if not body.strip():
        return Reading()
    try:
        return await read(body.encode(), _LESSON_FILE, size=cut.size, overlap=cut.overlap)
    except Empty:
        return Reading()


def passages(title: str, chunks: Sequence[Chunk], *, semantic: bool) -> list[str]:
    """Return what is embedded: a passage's text, and for hashed words its title and headings too.

    Those dilute what a semantic model reads (up to 5 points of recall@5 with MiniLM), and BM25 counts them anyway.
    """
    if semantic:
        return [chunk.text for chunk in chunks]
    return [f"{context(title, chunk.heading)}\n\n{chunk.text}" for chunk in chunks]


async def embed(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Return float32 of shape (len(texts), dimension). Raises `ModelUnavailable`, `ModelRefused`."""
    parts = [
        await embedder.embed_passages(texts[at : at + _EMBED_AT_ONCE]) for at in range(0, len(texts), _EMBED_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty((0, embedder.dimension), np.float32)


async def cutting(session: AsyncSession) -> Cutting:
    """Return how text is cut now, by the knowledge settings."""
    row = (
        await session.execute(
            select(AdminKnowledgeSettings.chunk_size, AdminKnowledgeSettings.chunk_overlap).where(
                AdminKnowledgeSettings.deleted_at.is_(None)
            )
        )
    ).one_or_none()
    return Cutting(*row) if row is not None else Cutting()


async def settle(session: AsyncSession, kind: Kind, root: Root, revision: Indexed, outcome: Prepared | Failure) -> None:
    """Store what processing came to: the next generation of chunks and READY, or FAILED with its reason.

    What waited to be published is published. The caller holds the root's lock.
    """
    details: dict[str, object] = {"revision": revision.id, "version": revision.version}
    if isinstance(outcome, Failure):
        revision.processing_status = ProcessingStatus.FAILED
        revision.failure_code, revision.failure_reason = outcome.code, outcome.sentence
        details |= {"status": ProcessingStatus.FAILED.value, "code": outcome.code}
    else:
        generation = revision.chunk_generation + 1
        revision.token_count = await _store(session, kind, root, revision, generation, outcome)
        revision.chunk_generation = generation
        revision.chunk_count = len(outcome.reading.chunks)
        revision.page_count = outcome.reading.pages
        revision.processing_status = ProcessingStatus.READY
        revision.failure_code = revision.failure_reason = None
        details |= {"status": ProcessingStatus.READY.value, "chunks": revision.chunk_count, "generation": generation}
    await session.flush()
    system = Actor.system()
    record(session, system, f"{kind.name}.process", kind.name, root.id, class_id=root.class_id, **details)
    if root.deleted_at is None:
        await publish_if_queued(session, system, kind, root.id)


async def _store(
    session: AsyncSession, kind: Kind, root: Root, revision: Indexed, generation: int, prepared: Prepared
) -> int:
    chunks, vectors = prepared.reading.chunks, prepared.vectors
    live = select(AdminKnowledgeSettings.embedding_model).where(AdminKnowledgeSettings.deleted_at.is_(None))
    language, model = (
        await session.execute(select(Class.language, live.scalar_subquery()).where(Class.id == root.class_id))
    ).one()
    if model is not None and model != prepared.model:
        raise ModelUnavailable("The embedding model was changed while this was being processed.", model=prepared.model)
    words = 0
    for first in range(0, len(chunks), _STORE_AT_ONCE):
        words += await store_chunks(
            session,
            class_id=root.class_id,
            language=language,
            title=revision.title,
            generation=generation,
            chunks=chunks[first : first + _STORE_AT_ONCE],
            vectors=vectors[first : first + _STORE_AT_ONCE],
            material_revision_id=revision.id if kind is MATERIAL else None,
            lesson_unit_revision_id=revision.id if kind is LESSON else None,
            first_ordinal=first,
        )
    return words
