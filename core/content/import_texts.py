"""Reads and embeds a batch of an import's texts before anything is written, so that writing them is one short step."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np

from core.content.answer_keys import reading_gives_answers
from core.content.course_plan import PlannedLesson, PlannedMaterial
from core.content.fields import FileFields, LessonFields
from core.content.imported import Known, Verdict, judge
from core.documents import Reading
from core.errors import HomeroomError, ModelUnavailable, Oversized, Unreadable
from core.materials.files import LARGEST_FILE, material_type, store_file
from core.materials.process import Cutting, Failure, Pipeline, Prepared, embed, passages, read_lesson

_AT_ONCE = 32  # texts
_BYTES_AT_ONCE = 64 * 1024 * 1024
_CHARACTERS_A_PAGE = 3_000

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Text:
    """A lesson or a material on its way in. `outcome` stays None while nothing is to be written, or no model answers.

    `fault` says why it can't be taken at all, `secret` why students must not see it; then nothing is written.
    """

    planned: PlannedLesson | PlannedMaterial
    verdict: Verdict
    fields: LessonFields | FileFields | None = None
    reading: Reading | None = None
    outcome: Prepared | Failure | None = None
    fault: str = ""
    secret: str = ""
    slides_with_notes: int = 0

    @property
    def pages(self) -> int:
        """How many pages were read now."""
        return 0 if self.reading is None else self.reading.pages or -(-self.reading.characters // _CHARACTERS_A_PAGE)


async def prepare_lessons(
    pipeline: Pipeline, cut: Cutting, known: dict[str, Known], batch: Sequence[PlannedLesson]
) -> list[Text]:
    """Read and embed the lessons of a batch that are new or changed."""

    async def read(planned: PlannedLesson) -> Text:
        try:
            fields = LessonFields(planned.title, planned.body)
        except HomeroomError as error:
            return Text(planned, Verdict.CREATE, fault=error.sentence)
        text = Text(planned, judge(known.get(planned.key), {"title": fields.title, "body": fields.body}), fields)
        if text.verdict in (Verdict.CREATE, Verdict.CHANGE):
            await _read(text, read_lesson(pipeline.read, fields.body, cut), fields.title)
        return text

    texts = list(await asyncio.gather(*(read(planned) for planned in batch)))
    await _embed(pipeline, texts)
    return texts


async def prepare_materials(
    pipeline: Pipeline, cut: Cutting, known: dict[str, Known], batch: Sequence[PlannedMaterial]
) -> list[Text]:
    """Read, store and embed the files of a batch that are new or changed."""
    texts = list(
        await asyncio.gather(*(_prepare_file(pipeline, cut, known.get(planned.key), planned) for planned in batch))
    )
    await _embed(pipeline, texts)
    return texts


async def _prepare_file(pipeline: Pipeline, cut: Cutting, known: Known | None, planned: PlannedMaterial) -> Text:
    try:
        data = await asyncio.to_thread(_load, planned)
    except OSError as error:
        return Text(planned, Verdict.CREATE, fault=f"The file can't be read: {error.strerror}.")
    except Oversized as error:
        return Text(planned, Verdict.CREATE, fault=error.sentence)
    name = planned.path.name
    content: dict[str, object] = {"sha256": hashlib.sha256(data).digest()}
    with contextlib.suppress(Unreadable):  # storing it says so, too
        content["media_type"] = material_type(data, name, speaker_notes=planned.speaker_notes)
    if planned.title is not None:
        content["title"] = planned.title
    text = Text(planned, judge(known, content))
    if text.verdict not in (Verdict.CREATE, Verdict.CHANGE):
        return text
    await _read(text, pipeline.read(data, name, size=cut.size, overlap=cut.overlap), planned.title)
    if text.secret:
        return text
    if text.reading is not None:
        text.slides_with_notes = text.reading.slides_with_notes
        text.reading = text.reading if planned.speaker_notes else text.reading.without_notes()
    own = text.reading.title if text.reading else None
    earlier = known.newest.title if known and known.newest else None
    try:
        title = planned.title or own or earlier or planned.fallback_title
        text.fields = await store_file(pipeline.storage, data, name, title, speaker_notes=planned.speaker_notes)
    except Unreadable as error:
        text.fault = error.sentence
    return text


def _load(planned: PlannedMaterial) -> bytes:
    if planned.path.stat().st_size > LARGEST_FILE:
        raise Oversized
    return planned.path.read_bytes()


async def _read(text: Text, reading: Awaitable[Reading], title: str | None) -> None:
    try:
        text.reading = await reading
    except Unreadable as error:
        text.outcome = Failure(error.code, error.sentence)
        return
    planned = text.planned
    # A file goes by its own name: its key may be an identifier.
    name = planned.path.name if isinstance(planned, PlannedMaterial) else PurePosixPath(planned.key).name
    if secret := reading_gives_answers(name, title, text.reading):
        text.secret, text.reading = secret, None


async def _embed(pipeline: Pipeline, texts: Sequence[Text]) -> None:
    """Embed a batch's passages together. When no model answers, the texts are left to the queue."""
    read = [(text, text.fields, text.reading) for text in texts if text.fields and text.reading]
    semantic = pipeline.embedder.semantic
    pieces = [passages(fields.title, reading.chunks, semantic=semantic) for _, fields, reading in read]
    try:
        vectors = await embed(pipeline.embedder, [piece for each in pieces for piece in each])
    except ModelUnavailable:
        return
    parts = np.split(vectors, np.cumsum([len(each) for each in pieces])[:-1]) if pieces else []
    for (text, _, reading), part in zip(read, parts, strict=True):
        text.outcome = Prepared(reading, part, pipeline.embedder.name)


def batches(planned: Iterable[T], weigh: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield batches small enough to hold in memory; `weigh` says how many bytes one takes."""
    batch: list[T] = []
    held = 0
    for each in planned:
        weight = weigh(each)
        if batch and (len(batch) == _AT_ONCE or held + weight > _BYTES_AT_ONCE):
            yield batch
            batch, held = [], 0
        batch.append(each)
        held += weight
    if batch:
        yield batch


async def one_ahead(prepare: Callable[[list[T]], Awaitable[R]], of: Iterable[list[T]]) -> AsyncGenerator[R, None]:
    """Yield each batch prepared, while the next one is being prepared already."""
    ahead: asyncio.Future[R] | None = None
    try:
        for batch in of:
            current, ahead = ahead, asyncio.ensure_future(prepare(batch))
            if current is not None:
                yield await current
        if ahead is not None:
            yield await ahead
    finally:
        if ahead is not None and not ahead.done():
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
