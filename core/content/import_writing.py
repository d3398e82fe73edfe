"""Writes an import's things through the verbs, many in one transaction; what fails is left out alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.content.create import Origin, create_assignment, create_lesson, create_material, create_module
from core.content.edit import edit_draft, process_again
from core.content.fields import AssignmentFields, Fields, FileFields, LessonFields, ModuleFields
from core.content.import_report import Entry, Fate
from core.content.imported import Known
from core.content.kinds import Kind, draft_of, lock_root
from core.content.publish import Publication, publish
from core.content.revisions import Indexed, Root
from core.db import Sessions
from core.errors import Conflict, HomeroomError, InvalidInput, Unavailable
from core.materials.process import Failure, Pipeline, Prepared, settle
from core.ports import Queue

T = TypeVar("T")
R = TypeVar("R")
_NOT_STORED = "This could not be stored."


@dataclass(frozen=True, slots=True)
class Write:
    """One thing to create, or to change when it is `known`. With an outcome its text is processed in the same step.

    `module_id` and `lesson_id` are what it is created in.
    """

    kind: Kind
    origin: Origin
    fields: Fields
    class_id: UUID
    module_id: UUID | None = None
    lesson_id: UUID | None = None
    known: Known | None = None
    outcome: Prepared | Failure | None = None

    @property
    def key(self) -> str:
        """The thing's key in the course."""
        return self.origin.external_id


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it: the root, unless that failed, the entries for the report, whether it has a draft to publish."""

    key: str
    root_id: UUID | None
    entries: tuple[Entry, ...]
    to_publish: bool = True


class _AtOnce:
    """A queue whose one job the importer does itself, in the same transaction."""

    revision_id: UUID | None = None

    async def enqueue(self, session: object, entrypoint: str, payload: UUID, *, dedupe: str | None = None) -> None:  # noqa: ARG002  (the port's signature)
        self.revision_id = payload


async def write_all(pipeline: Pipeline, actor: Actor, writes: Sequence[Write]) -> list[Written]:
    """Create and change things, in order."""

    async def act(session: AsyncSession, write: Write) -> Written:
        return await _write(session, pipeline.queue, actor, write)

    return await act_on_each(pipeline.sessions, writes, act, _failed)


async def _write(session: AsyncSession, queue: Queue, actor: Actor, write: Write) -> Written:
    mine = _AtOnce()
    used: Queue = queue if write.outcome is None else mine
    if write.known is None:
        root, fate = await _create(session, used, actor, write), Fate.CREATED
    else:
        root, fate = await lock_root(session, write.kind, write.known.root.id), Fate.CHANGED
        edited = await edit_draft(
            session, actor, write.kind, root.id, write.fields,
            queue=used, expected_version=write.known.draft_version, imported=True,
        )  # fmt: skip
        if edited is None:  # somebody wrote the same meanwhile
            to_publish = await draft_of(session, write.kind, root.id) is not None
            return Written(write.key, root.id, (Entry(Fate.UNCHANGED, write.kind.name, write.key),), to_publish)
    entries = [Entry(fate, write.kind.name, write.key)]
    if write.outcome is not None and mine.revision_id is not None:
        revision = await session.get_one(write.kind.revision, mine.revision_id)
        if isinstance(revision, Indexed):
            await settle(session, write.kind, root, revision, write.outcome)
        if isinstance(write.outcome, Failure):
            entries.append(Entry(Fate.FAILED, write.kind.name, write.key, write.outcome.sentence))
    return Written(write.key, root.id, tuple(entries))


async def _create(session: AsyncSession, queue: Queue, actor: Actor, write: Write) -> Root:
    origin, class_id = write.origin, write.class_id
    match write.fields:
        case ModuleFields() as fields:
            return await create_module(session, actor, class_id, fields, origin=origin)
        case LessonFields() as fields:
            if write.module_id is None:
                raise InvalidInput("A lesson needs a module.")
            return await create_lesson(session, actor, write.module_id, fields, queue=queue, origin=origin)
        case FileFields() as fields:
            lessons = (write.lesson_id,) if write.lesson_id else ()
            return await create_material(
                session, actor, class_id, fields, queue=queue, lesson_unit_ids=lessons, origin=origin
            )
        case AssignmentFields() as fields:
            return await create_assignment(
                session, actor, class_id, fields,
                module_id=write.module_id, lesson_unit_id=write.lesson_id, origin=origin,
            )  # fmt: skip


def _failed(write: Write, error: HomeroomError) -> Written:
    fate = Fate.CONFLICT if isinstance(error, Conflict) else Fate.FAILED
    return Written(write.key, None, (Entry(fate, write.kind.name, write.key, error.sentence),))


@dataclass(frozen=True, slots=True)
class Show:
    """One thing to publish."""

    kind: Kind
    key: str
    root_id: UUID


async def publish_all(pipeline: Pipeline, actor: Actor, things: Sequence[Show]) -> list[Entry]:
    """Publish drafts; those still being processed are published when they are ready."""

    async def act(session: AsyncSession, thing: Show) -> Entry:
        done = await publish(session, actor, thing.kind, thing.root_id)
        fate = Fate.PUBLISHED if done is Publication.PUBLISHED else Fate.QUEUED
        return Entry(fate, thing.kind.name, thing.key)

    def failed(thing: Show, error: HomeroomError) -> Entry:
        return Entry(Fate.FAILED, thing.kind.name, thing.key, error.sentence)

    return await act_on_each(pipeline.sessions, things, act, failed)


async def process_all_again(pipeline: Pipeline, things: Sequence[Show]) -> list[Entry]:
    """Send drafts that an earlier import left unprocessed back to the workers."""

    async def act(session: AsyncSession, thing: Show) -> Entry:
        await lock_root(session, thing.kind, thing.root_id)
        draft = await draft_of(session, thing.kind, thing.root_id)
        if draft is not None:
            await process_again(session, pipeline.queue, thing.kind, draft)
        return Entry(Fate.UNCHANGED, thing.kind.name, thing.key, "Its text is being processed.")

    def failed(thing: Show, error: HomeroomError) -> Entry:
        return Entry(Fate.FAILED, thing.kind.name, thing.key, error.sentence)

    return await act_on_each(pipeline.sessions, things, act, failed)


async def act_on_each(
    sessions: Sessions,
    things: Sequence[T],
    act: Callable[[AsyncSession, T], Awaitable[R]],
    failed: Callable[[T, HomeroomError], R],
) -> list[R]:
    """Act on all things in one transaction; when one fails, on each in its own, so that only that one is left out.

    Raises `Unavailable` and errors of the connection: then nothing else would work either.
    """
    if not things:
        return []
    try:
        async with sessions.begin() as session:
            return [await act(session, thing) for thing in things]
    except Unavailable:
        raise
    except (HomeroomError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        if len(things) == 1:
            return [failed(things[0], error if isinstance(error, HomeroomError) else HomeroomError(_NOT_STORED))]
    return [result for thing in things for result in await act_on_each(sessions, [thing], act, failed)]
