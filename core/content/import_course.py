"""Applies a course plan to a class: creates, updates, links and publishes through the verbs, never around them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from core.assignments.models import AssignmentRevision
from core.audit.record import Actor
from core.classes.models import Class
from core.content.course_plan import (
    CoursePlan,
    LeftOut,
    Planned,
    PlannedAssignment,
    PlannedLesson,
    PlannedMaterial,
    PlannedModule,
)
from core.content.create import Origin
from core.content.fields import Fields, ModuleFields
from core.content.import_lock import only_import
from core.content.import_names import names_of
from core.content.import_parents import parent_of
from core.content.import_places import Places, follow_places
from core.content.import_report import Entry, Fate, ImportReport, Progress, say_notes
from core.content.import_texts import Text, batches, one_ahead, prepare_lessons, prepare_materials
from core.content.import_times import assignment_fields, zone_named
from core.content.import_withdrawing import find_secrets, say_still_shown, say_vanished, withdraw_all
from core.content.import_writing import Show, Write, process_all_again, publish_all, write_all
from core.content.imported import Known, Verdict, judge, load_known, load_links, same_source
from core.content.kinds import ASSIGNMENT, KINDS, LESSON, MATERIAL, MODULE, Kind
from core.content.revisions import Indexed
from core.enums import ProcessingStatus
from core.errors import InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.link import link_material
from core.materials.process import UNREADABLE, Cutting, Failure, Pipeline, Prepared, cutting

_WRITES_AT_ONCE = 50
_OVERWRITTEN = (
    "It says something else than the file: a person edited the draft before it was published, so whether the file "
    "changed since can't be told. It was left as it is."
)
_SAID = {
    Verdict.KEEP: (Fate.UNCHANGED, ""),
    Verdict.KEEP_EDITED: (Fate.UNCHANGED, "The file is as before; a person's edit stands."),
    Verdict.CONFLICT: (Fate.CONFLICT, "The file changed, but a person edited this since. It was left as it is."),
    Verdict.OVERWRITTEN: (Fate.CONFLICT, _OVERWRITTEN),
    Verdict.DELETED: (Fate.DELETED, "It was deleted here, so it was not brought back."),
}


async def import_course(
    pipeline: Pipeline,
    actor: Actor,
    class_id: UUID,
    plan: CoursePlan,
    *,
    publish: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring a class up to a plan: what is new is created, what changed becomes a draft, what a person did stays.

    What students saw and is now kept from them is unpublished first. With `publish`, everything of the plan that has a
    draft saying what the plan says is published, modules first. One thing's failure stops nothing else. Raises
    `NotFound`, `NotPermitted`, `Conflict` (an import into this class is running), and `Unavailable` when the database
    or the file store fails; what was imported until then stays, and importing again goes on from there.
    """
    async with only_import(pipeline.sessions, class_id):
        run = await _begin(pipeline, actor, class_id, plan, progress or _silent)
        await run.withdraw(plan.kept_out)
        await run.modules(plan.modules)
        await run.lessons(plan.lessons)
        await run.materials(plan.materials)
        await run.links(plan.materials)
        await run.assignments(plan.assignments)
        await run.follow_places(plan, publish=publish)
        await run.process_again()
        if publish:
            await run.publish()
        else:
            run.report.notes += tuple(await say_still_shown(plan.kept_out, run.known, run.planned))
        run.report_vanished()
        run.report_notes(plan.materials)
    return run.report


async def _begin(pipeline: Pipeline, actor: Actor, class_id: UUID, plan: CoursePlan, progress: Progress) -> _Run:
    async with pipeline.sessions() as session:
        await require_teacher(session, actor, class_id)
        into = await session.get(Class, class_id)
        if into is None or into.deleted_at is not None:
            raise NotFound("There is no such class.")
        planned: tuple[Planned, ...] = (*plan.modules, *plan.lessons, *plan.materials, *plan.assignments)
        source = await same_source(session, class_id, plan.source, {each.key for each in planned})
        known = {kind.name: await load_known(session, class_id, source, kind) for kind in KINDS.values()}
        return _Run(
            pipeline=pipeline,
            actor=actor,
            class_id=class_id,
            source=source,
            zone=zone_named(into.time_zone),
            cut=await cutting(session),
            known=known,
            planned={
                MODULE.name: {each.key for each in plan.modules},
                LESSON.name: {each.key for each in plan.lessons},
                MATERIAL.name: {each.key for each in plan.materials},
                ASSIGNMENT.name: {each.key for each in plan.assignments},
            },
            report=ImportReport(
                kept_out=plan.kept_out,
                skipped=plan.skipped,
                notes=plan.notes,
                names={} if plan.keys_are_names else names_of(plan, known),
            ),
            progress=progress,
            total=len(planned),
        )


@dataclass(slots=True)
class _Run:
    """One import under way. `ids` are the roots of what is in the class, by kind and key."""

    pipeline: Pipeline
    actor: Actor
    class_id: UUID
    source: str
    zone: ZoneInfo
    cut: Cutting
    known: dict[str, dict[str, Known]]
    planned: dict[str, set[str]]
    report: ImportReport
    progress: Progress
    total: int
    done: int = 0
    slides_with_notes: int = 0
    ids: dict[tuple[str, str], UUID] = field(default_factory=dict)
    to_process: list[Show] = field(default_factory=list)
    to_publish: list[Show] = field(default_factory=list)

    async def withdraw(self, kept_out: Sequence[LeftOut]) -> None:
        """Hide what earlier imports brought and is kept from students now."""
        secrets = await find_secrets(kept_out, self.known, self.planned)
        self.report.add(await withdraw_all(self.pipeline, self.actor, secrets))

    async def modules(self, planned: Sequence[PlannedModule]) -> None:
        """Create and change modules."""
        writes = []
        for each in planned:
            try:
                fields = ModuleFields(each.title, each.description)
            except InvalidInput as error:
                self._refuse(MODULE, each.key, error.sentence)
                continue
            if self._wanted(MODULE, each, judge(self._known(MODULE, each.key), asdict(fields))):
                writes.append(self._write(MODULE, each, fields))
        await self._write_all(MODULE, writes)
        self._advance(len(planned), "modules")

    async def lessons(self, planned: Sequence[PlannedLesson]) -> None:
        """Create and change lessons, batch by batch, each batch's texts processed as it is written."""
        prepare = partial(prepare_lessons, self.pipeline, self.cut, self.known[LESSON.name])
        async with aclosing(one_ahead(prepare, batches(planned, lambda each: len(each.body)))) as prepared:
            async for texts in prepared:
                await self._write_texts(LESSON, texts)

    async def materials(self, planned: Sequence[PlannedMaterial]) -> None:
        """Create and change materials, batch by batch, each batch's files processed as it is written."""
        prepare = partial(prepare_materials, self.pipeline, self.cut, self.known[MATERIAL.name])
        async with aclosing(one_ahead(prepare, batches(planned, lambda each: each.size))) as prepared:
            async for texts in prepared:
                await self._write_texts(MATERIAL, texts)

    async def links(self, planned: Sequence[PlannedMaterial]) -> None:
        """Put materials that were there already into the lessons they now belong to, unless a person took them out."""
        wanted = {
            (self.ids[LESSON.name, each.lesson], self.ids[MATERIAL.name, each.key])
            for each in planned
            if each.lesson and (LESSON.name, each.lesson) in self.ids and (MATERIAL.name, each.key) in self.ids
        }
        async with self.pipeline.sessions.begin() as session:
            there = await load_links(session, {lesson for lesson, _ in wanted})
            for lesson_id, material_id in sorted(wanted - there):
                await link_material(session, self.actor, lesson_id, material_id)

    async def assignments(self, planned: Sequence[PlannedAssignment]) -> None:
        """Create and change assignments."""
        writes = []
        for each in planned:
            known = self._known(ASSIGNMENT, each.key)
            before = known.newest if known and isinstance(known.newest, AssignmentRevision) else None
            try:
                fields = assignment_fields(each, self.zone, before)
            except InvalidInput as error:
                self._refuse(ASSIGNMENT, each.key, error.sentence)
                continue
            if self._wanted(ASSIGNMENT, each, judge(known, asdict(fields))):
                writes.append(self._write(ASSIGNMENT, each, fields))
        await self._write_all(ASSIGNMENT, writes)
        self._advance(len(planned), "assignments")

    async def follow_places(self, plan: CoursePlan, *, publish: bool) -> None:
        """Move what the course moved, unless a person did."""
        fresh = {(entry.kind, entry.key) for entry in self.report.of(Fate.CREATED)}
        places = Places(plan, self.ids, fresh, self.class_id, publish)
        followed = await follow_places(self.pipeline.sessions, self.actor, places)
        self.report.add(followed.entries)
        self.report.notes += tuple(followed.notes)

    async def process_again(self) -> None:
        """Queue the texts that an earlier import left unprocessed."""
        self.report.add(await process_all_again(self.pipeline, self.to_process))

    async def publish(self) -> None:
        """Publish in order: modules, lessons, materials, assignments."""
        self.total += len(self.to_publish)
        failed = {(entry.kind, entry.key) for entry in self.report.of(Fate.FAILED)}
        rank = {name: place for place, name in enumerate((MODULE.name, LESSON.name, MATERIAL.name, ASSIGNMENT.name))}
        ordered = sorted(self.to_publish, key=lambda thing: rank[thing.kind.name])
        for at in range(0, len(ordered), _WRITES_AT_ONCE):
            batch = ordered[at : at + _WRITES_AT_ONCE]
            ready = [thing for thing in batch if (thing.kind.name, thing.key) not in failed]
            self.report.add(await publish_all(self.pipeline, self.actor, ready))
            self._advance(len(batch), "publishing")

    def report_vanished(self) -> None:
        """Name what earlier imports brought and the course no longer has."""
        self.report.add(say_vanished(self.known, self.planned, self.report.of(Fate.WITHDRAWN)))

    def report_notes(self, planned: Sequence[PlannedMaterial]) -> None:
        """Say how many slides' speaker notes were read now, and whether students may find them."""
        if self.slides_with_notes:
            included = any(each.speaker_notes for each in planned)
            self.report.notes += (say_notes(self.slides_with_notes, included=included),)

    async def _write_texts(self, kind: Kind, texts: Sequence[Text]) -> None:
        writes, kept_out = [], []
        for text in texts:
            self.report.pages += text.pages
            self.slides_with_notes += text.slides_with_notes
            self.report.chunks += len(text.reading.chunks) if text.reading else 0
            if text.secret:
                called = self.report.names.get((kind.name, text.planned.key), "")
                kept_out.append(LeftOut(text.planned.key, text.secret, called=called))
            elif text.fault:
                self._refuse(kind, text.planned.key, text.fault)
            elif self._wanted(kind, text.planned, text.verdict) and text.fields is not None:
                writes.append(self._write(kind, text.planned, text.fields, text.outcome))
        self.report.kept_out += tuple(kept_out)
        await self.withdraw(kept_out)
        await self._write_all(kind, writes)
        self._advance(len(texts), f"{kind.name}s")

    def _wanted(self, kind: Kind, planned: Planned, verdict: Verdict) -> bool:
        """Say whether something is to be written, after reporting whatever speaks against it."""
        key, known = planned.key, self._known(kind, planned.key)
        if known is None:
            return self._has_parent(kind, planned)
        if known.root.deleted_at is None:
            self.ids[kind.name, key] = known.root.id
        if verdict is Verdict.CHANGE:
            return True
        if verdict is not Verdict.KEEP or not self._keep(kind, key, known):
            fate, reason = _SAID[verdict]
            self.report.add([Entry(fate, kind.name, key, reason)])
        return False

    def _has_parent(self, kind: Kind, planned: Planned) -> bool:
        parent = parent_of(planned)
        if parent is None or (parent[0].name, parent[1]) in self.ids:
            return True
        over = self._known(*parent)
        deleted = over is not None and over.root.deleted_at is not None
        secret = any(left_out.path == parent[1] for left_out in self.report.kept_out)
        why = "was deleted" if deleted else "is kept from students" if secret else "could not be imported"
        self._refuse(kind, planned.key, f"Its {parent[0].name} {why}.")
        return False

    def _keep(self, kind: Kind, key: str, known: Known) -> bool:
        """See to a draft that says what the course says. Returns whether it was reported."""
        if not known.is_draft:
            return False
        thing, draft = Show(kind, key, known.root.id), known.newest
        self.to_publish.append(thing)
        if not isinstance(draft, Indexed) or draft.processing_status is ProcessingStatus.READY:
            return False
        if draft.processing_status is ProcessingStatus.FAILED and draft.failure_code in UNREADABLE:
            self._refuse(kind, key, draft.failure_reason or "Its text could not be read.")
        else:
            self.to_process.append(thing)
        return True

    async def _write_all(self, kind: Kind, writes: list[Write]) -> None:
        for at in range(0, len(writes), _WRITES_AT_ONCE):
            for written in await write_all(self.pipeline, self.actor, writes[at : at + _WRITES_AT_ONCE]):
                self.report.add(written.entries)
                if written.root_id is not None:
                    self.ids[kind.name, written.key] = written.root_id
                    if written.to_publish:
                        self.to_publish.append(Show(kind, written.key, written.root_id))

    def _write(self, kind: Kind, planned: Planned, fields: Fields, outcome: Prepared | Failure | None = None) -> Write:
        parent = parent_of(planned)
        over = self.ids.get((parent[0].name, parent[1])) if parent else None
        return Write(
            kind=kind,
            origin=Origin(self.source, planned.key),
            fields=fields,
            class_id=self.class_id,
            module_id=over if parent and parent[0] is MODULE else None,
            lesson_id=over if parent and parent[0] is LESSON else None,
            known=self._known(kind, planned.key),
            outcome=outcome,
        )

    def _known(self, kind: Kind, key: str) -> Known | None:
        return self.known[kind.name].get(key)

    def _refuse(self, kind: Kind, key: str, reason: str) -> None:
        self.report.add([Entry(Fate.FAILED, kind.name, key, reason)])

    def _advance(self, steps: int, what: str) -> None:
        self.done += steps
        self.progress(self.done, self.total, what)


def _silent(_done: int, _total: int, _what: str) -> None:
    pass
