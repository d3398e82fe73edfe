"""Whatever teachers, students and workers do, in any order: students see what the model says, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.enrol import enrol, leave
from core.content.browse import list_assignments, list_lessons, list_materials
from core.content.create import create_assignment, create_lesson, create_material, create_module
from core.content.delete import delete, restore
from core.content.due import run_due
from core.content.edit import edit_draft
from core.content.fields import AssignmentFields, Fields, FileFields, LessonFields, ModuleFields
from core.content.kinds import KINDS, draft_of
from core.content.move import move, move_lesson
from core.content.publish import Publication, publish, unpublish
from core.content.publish_module import publish_module
from core.content.revert import revert
from core.content.schedule import cancel_schedule, schedule
from core.enums import ActionKind, MembershipRole
from core.errors import Conflict, HomeroomError, InvalidInput, NotFound, NotPermitted, NotReady
from core.insights.desk import SHOWN, teacher_desks
from core.insights.home import student_home, suggest_lessons
from core.materials.link import link_material, unlink_material
from core.schema.views import VIEWS
from tests.processing import fail, finish
from tests.properties.school import COLUMNS, School
from tests.properties.things import MARK, Grade, Room, Thing, Version
from tests.properties.world import World, opened

EVERYTHING = text(
    " UNION ALL ".join(
        f"SELECT '{name.removeprefix('published_')}' AS view, to_jsonb(v) FROM {name} v" for name in VIEWS
    )
)
NEVER_PAST = datetime(2300, 1, 1, tzinfo=UTC)
Verb = Callable[[AsyncSession], Awaitable[Any]]
Refusal = type[HomeroomError] | None


def fields(kind: str, mark: str) -> Fields:
    match kind:
        case "module":
            return ModuleFields(mark, f"{mark} in full")
        case "lesson":
            return LessonFields(mark, f"{mark} in full")
        case "material":
            return FileFields(mark, f"files/{mark}", mark, "text/plain", 9, b"\0" * 32)
        case _:
            return AssignmentFields(mark, f"{mark} in full", due_at=NEVER_PAST)


class Visibility(RuleBasedStateMachine):
    rooms = st.sampled_from([0, 0, 0, 1])
    # A class's own teacher most of the time, or nothing would ever happen.
    who = st.sampled_from(["own"] * 16 + ["operator", "foreign", "student", "stranger"])
    seldom = st.sampled_from([False, False, False, True])
    # Which of the things that are there; see `_pick`.
    at = st.integers(0, 2**12)

    def __init__(self, world: World, base: School) -> None:
        super().__init__()
        self.world = world
        self.school = copy.deepcopy(base)
        self.savepoint = world.run(world.connection.begin_nested().start())
        self.audited = world.run(self._audit_ids())
        self.changed = False
        self.looked_at = 0
        self.clock = datetime.now(UTC)

    def teardown(self) -> None:
        self.world.run(self.savepoint.rollback())

    def publish_a_course(self) -> None:
        """Fill both classes with one thing in every place it can have, all of it published and graded."""
        for index in (0, 1):
            first = len(self.school.things)
            self.create_module(index, "own")
            module = self.school.things[-1]
            self.create_lesson(self.school.at(module, "module"), "own")
            lesson = self.school.things[-1]
            for linked in (True, False):
                self.create_material(index, self.school.at(lesson, "lesson"), "own", linked=linked)
            # One more material is also in a lesson that waits for its text to be processed.
            self.create_lesson(self.school.at(module, "module"), "own")
            waiting = self.school.things[-1]
            self.publish(self.school.at(waiting, *KINDS), "own")
            # Another waited likewise and was deleted.
            self.create_lesson(self.school.at(module, "module"), "own")
            deleted = self.school.things[-1]
            self.publish(self.school.at(deleted, *KINDS), "own")
            self.delete(self.school.at(deleted, *KINDS), "own")
            self.create_material(index, self.school.at(lesson, "lesson"), "own", linked=True)
            shared = self.school.things[-1]
            self.link(self.school.at(waiting, "lesson"), self.school.at(shared, "material"), "own")
            # And one was only there, and was taken out: the whole class has it now.
            self.create_material(index, self.school.at(waiting, "lesson"), "own", linked=True)
            loose = self.school.things[-1]
            self.unlink(self.school.at(waiting, "lesson"), self.school.at(loose, "material"), "own")
            for of, parent in (("class", lesson), ("module", module), ("lesson", lesson)):
                self.create_assignment(index, self.school.at(parent, parent.kind), of, "own")
            for thing in self.school.things[first:]:
                if thing in (waiting, deleted):
                    continue
                if thing.indexed:
                    self.process(self.school.at(thing, "lesson", "material"), 2)
                self.publish(self.school.at(thing, *KINDS), "own")
                if thing.kind == "assignment":
                    at = self.school.at(thing, "assignment")
                    self.save_grade(at, "student2", 80)
                    self.release(at)
                assert thing.visible
        self.students_see_what_they_should()

    def keep(self) -> School:
        """End with what was done so far as the beginning of other runs."""
        self.world.run(self.savepoint.commit())
        return self.school

    # Making things.

    @rule(index=rooms, who=who)
    def create_module(self, index: int, who: str) -> None:
        room = self.school.rooms[index]
        self._create(
            "module", room, None, self._why_not_in(room, who),
            lambda session, content: create_module(session, self._actor(room, who), room.id, content),
        )  # fmt: skip

    @rule(at=at, who=who)
    def create_lesson(self, at: int, who: str) -> None:
        module = self.school.pick(at, "module")
        actor, queue = self._actor(module.room, who), self.world.queue
        self._create(
            "lesson", module.room, module, self._why_not(module, who),
            lambda session, content: create_lesson(session, actor, module.id, content, queue=queue),
        )  # fmt: skip

    @rule(index=rooms, at=at, linked=st.booleans(), who=who)
    def create_material(self, index: int, at: int, who: str, *, linked: bool) -> None:
        room = self.school.rooms[index]
        actor, queue = self._actor(room, who), self.world.queue
        places = [self.school.pick(at, "lesson", likely=lambda each: each.room is room)] if linked else []
        refusal = self._why_not_in(room, who) or self._why_no_parent(room, places)
        made = self._create(
            "material", room, None, refusal,
            lambda session, content: create_material(
                session, actor, room.id, content, queue=queue, lesson_unit_ids=tuple(each.id for each in places)
            ),
        )  # fmt: skip
        if made is not None:
            for place in places:
                self.school.join(made, place)

    @rule(index=rooms, at=at, of=st.sampled_from(["class", "module", "lesson"]), who=who)
    def create_assignment(self, index: int, at: int, of: str, who: str) -> None:
        room = self.school.rooms[index]
        parent = None if of == "class" else self.school.pick(at, of, likely=lambda each: each.room is room)
        refusal = self._why_not_in(room, who) or self._why_no_parent(room, [parent] if parent else [])
        module_id, lesson_unit_id = (parent.id if parent and of == kind else None for kind in ("module", "lesson"))
        self._create(
            "assignment", room, parent, refusal,
            lambda session, content: create_assignment(
                session, self._actor(room, who), room.id, content, module_id=module_id, lesson_unit_id=lesson_unit_id
            ),
        )  # fmt: skip

    # What teachers do with them.

    @rule(at=at, who=who, saw=st.sampled_from(["anything", "this", "this", "another"]), same=seldom)
    def edit(self, at: int, who: str, saw: str, *, same: bool) -> None:
        thing = self.school.pick(at, *KINDS)
        draft, newest = thing.draft, thing.newest
        version = draft.version if draft else 0
        mark = newest.mark if same else self.school.new_mark(thing.room)
        refusal = self._why_not(thing, who) or (Conflict if thing.waiting or saw == "another" else None)
        made = self._try(
            lambda session: edit_draft(
                session, self._actor(thing.room, who), KINDS[thing.kind], thing.id, fields(thing.kind, mark),
                queue=self.world.queue, expected_version={"anything": None, "this": version}.get(saw, version + 1),
            ),
            refusal,
            [] if same else [f"{thing.kind}.edit"],
        )  # fmt: skip
        if refusal or same:
            assert made is None
        elif draft:
            draft.mark, draft.ready, draft.version = mark, None, version + 1
            assert made.version == draft.version
        else:
            self._begin_draft(thing, made, mark)

    @rule(at=at, who=who)
    def publish(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.draft is not None or each.shown is None)
        version = thing.to_publish
        refusal = self._why_not(thing, who)
        queued = False
        if refusal is None and version is None:
            refusal = NotFound
        elif refusal is None and version and thing.indexed:
            refusal = NotReady if version.ready is False else None
            queued = version.ready is None
        action = "queue_publication" if queued else "publish"
        came_to = self._try(
            lambda session: publish(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id),
            refusal,
            [] if queued and thing.queued else [f"{thing.kind}.{action}"],
        )
        if refusal is None:
            assert came_to is (Publication.QUEUED if queued else Publication.PUBLISHED)
            if queued:
                thing.waiting, thing.due = True, None
            else:
                thing.show()

    @rule(at=at, who=who)
    def unpublish(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.waiting or each.shown is not None)
        refusal = self._why_not(thing, who) or (NotFound if not thing.shown and not thing.queued else None)
        self._try(
            lambda session: unpublish(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id),
            refusal,
            [f"{thing.kind}.unpublish"],
        )
        if refusal is None:
            thing.shown = None
            if thing.queued:
                thing.wait_no_longer()

    @rule(at=at, number=st.integers(0, 3), who=who)
    def revert(self, at: int, number: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS)
        old = next((each for each in thing.versions if each.number == number), None)
        refusal = self._why_not(thing, who) or (Conflict if thing.waiting else NotFound if old is None else None)
        actor, kind = self._actor(thing.room, who), KINDS[thing.kind]
        made = self._try(
            lambda session: revert(session, actor, kind, thing.id, number, queue=self.world.queue),
            refusal,
            [f"{thing.kind}.revert"],
        )
        if refusal is None and old:
            if thing.draft:
                thing.draft.deleted = True
            self._begin_draft(thing, made, old.mark)

    @rule(at=at, who=who)
    def delete(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS)
        refusal = self._why_not(thing, who)
        self._try(
            lambda session: delete(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id),
            refusal,
            [f"{thing.kind}.delete"],
        )
        if refusal is None:
            thing.delete()

    @rule(at=at, who=who)
    def restore(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, deleted=True)
        permitted = self._may(thing.room, who)
        refusal = NotPermitted if not permitted else None if thing.deleted else NotFound
        self._try(
            lambda session: restore(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id),
            refusal,
            [f"{thing.kind}.restore"],
        )
        if refusal is None:
            siblings = self.school.siblings(thing.kind, thing.room, thing.parent)
            if any(each.position == thing.position for each in siblings):
                thing.position = self.school.last_place(thing.kind, thing.room, thing.parent)
            thing.deleted = False

    # At a moment, together, and in another order.

    @rule(at=at, hours=st.integers(1, 3), who=who)
    def schedule(self, at: int, hours: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.draft is not None and not each.waiting)
        version, due = thing.to_publish, self.clock + timedelta(hours=hours)
        refusal = self._why_not(thing, who)
        if refusal is None and version is None:
            refusal = NotFound
        elif refusal is None and version and thing.indexed and version.ready is False:
            refusal = NotReady
        elif refusal is None and thing.waiting:
            refusal = Conflict
        actor, kind = self._actor(thing.room, who), KINDS[thing.kind]
        self._try(
            lambda session: schedule(session, actor, kind, thing.id, ActionKind.PUBLISH, due),
            refusal,
            [f"{thing.kind}.schedule_publication"],
        )
        if refusal is None:
            thing.waiting, thing.due = True, due

    @rule(at=at, who=who)
    def call_off(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.waiting)
        refusal = self._why_not(thing, who) or (None if thing.waiting else NotFound)
        self._try(
            lambda session: cancel_schedule(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id),
            refusal,
            [f"{thing.kind}.call_off_publication"],
        )
        if refusal is None:
            thing.wait_no_longer()

    @rule(hours=st.integers(1, 4))
    def let_time_pass(self, hours: int) -> None:
        """Let the clock run; a failure is tried again within the hour."""
        self.clock += timedelta(hours=hours)
        shown = [
            each
            for each in self.school.things
            if each.due is not None
            and each.due <= self.clock
            and not each.room.deleted
            and (not each.indexed or (each.to_publish and each.to_publish.ready))
        ]
        self._try(lambda _: run_due(self.world.sessions, self.clock), None, [f"{each.kind}.publish" for each in shown])
        for each in shown:
            each.show()

    @rule(at=at, who=who)
    def publish_module(self, at: int, who: str) -> None:
        module = self.school.pick(at, "module", likely=lambda each: bool(self.school.parts(each)))
        parts = self.school.parts(module)
        refusal = self._why_not(module, who) or (None if parts else NotFound)
        if refusal is None and any(each.indexed and each.draft and not each.draft.ready for each in parts):
            refusal = NotReady
        self._try(
            lambda session: publish_module(session, self._actor(module.room, who), module.id),
            refusal,
            [f"{each.kind}.publish" for each in parts],
        )
        if refusal is None:
            for each in parts:
                each.show()

    @rule(at=at, to=st.integers(1, 6), who=who)
    def move(self, at: int, to: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS)
        refusal = self._why_not(thing, who)
        changed = refusal is None and self.school.put(thing, to, thing.parent)
        self._try(
            lambda session: move(session, self._actor(thing.room, who), KINDS[thing.kind], thing.id, to),
            refusal,
            [f"{thing.kind}.move"] if changed else [],
        )

    @rule(at=at, other=at, to=st.integers(1, 6), who=who)
    def move_lesson(self, at: int, other: int, to: int, who: str) -> None:
        lesson = self.school.pick(at, "lesson")
        module = self.school.pick(other, "module", likely=lambda each: each.room is lesson.room)
        refusal = self._why_not(lesson, who)
        if module is not lesson.parent:
            refusal = refusal or self._why_no_parent(lesson.room, [module])
        changed = refusal is None and self.school.put(lesson, to, module)
        self._try(
            lambda session: move_lesson(session, self._actor(lesson.room, who), lesson.id, module.id, to),
            refusal,
            ["lesson.move"] if changed else [],
        )

    @rule(at=at, other=at, who=who)
    def link(self, at: int, other: int, who: str) -> None:
        lesson = self.school.pick(at, "lesson")
        room = lesson.room
        material = self.school.pick(
            other, "material", likely=lambda each: each.room is room and lesson not in each.lessons
        )
        refusal = self._why_not(lesson, who) or self._why_no_parent(lesson.room, [material])
        linked = lesson in material.lessons
        self._try(
            lambda session: link_material(session, self._actor(lesson.room, who), lesson.id, material.id),
            refusal,
            [] if linked else ["material.link"],
        )
        if refusal is None and not linked:
            self.school.join(material, lesson)

    @rule(at=at, other=at, who=who)
    def unlink(self, at: int, other: int, who: str) -> None:
        linked = {lesson for thing in self.school.things for lesson in thing.lessons}
        lesson = self.school.pick(at, "lesson", likely=linked.__contains__)
        material = self.school.pick(other, "material", likely=lambda each: lesson in each.lessons)
        refusal = self._why_not(lesson, who) or self._why_no_parent(lesson.room, [material])
        refusal = refusal or (None if lesson in material.lessons else NotFound)
        self._try(
            lambda session: unlink_material(session, self._actor(lesson.room, who), lesson.id, material.id),
            refusal,
            ["material.unlink"],
        )
        if refusal is None:
            del material.lessons[lesson]

    # What workers do: a draft's text, or a published one's for another embedding model.

    @rule(at=at, passages=st.integers(0, 2))
    def process(self, at: int, passages: int) -> None:
        thing = self.school.pick(at, "lesson", "material", likely=lambda each: each.newest.ready is None)
        version = thing.newest
        marks = [self.school.new_mark(thing.room) for _ in range(passages)]
        shows = thing.queued and thing.draft is version
        self._try(
            lambda session: finish(session, KINDS[thing.kind], version.id, *marks),
            None,
            [f"{thing.kind}.process"] + [f"{thing.kind}.publish"] * shows,
        )
        version.ready, version.passages = True, tuple(marks)
        if shows:
            thing.show()

    @rule(at=at)
    def fail_to_process(self, at: int) -> None:
        thing = self.school.pick(at, "lesson", "material", likely=lambda each: each.draft is not None)
        if (draft := thing.draft) is not None:
            kind = KINDS[thing.kind]
            self._try(lambda session: fail(session, kind, draft.id, "Damaged."), None, [f"{thing.kind}.process"])
            draft.ready = False
            if thing.queued:
                thing.wait_no_longer()

    # Coming and going.

    @rule(
        index=rooms,
        name=st.sampled_from(["teacher0", "student0", "student1", "student2", "stranger"]),
        role=st.sampled_from(MembershipRole),
        who=who,
    )
    def enrol(self, index: int, name: str, role: MembershipRole, who: str) -> None:
        room = self.school.rooms[index]
        refusal = self._why_not_in(room, who)
        held = room.teachers if role is MembershipRole.TEACHER else room.students
        self._try(
            lambda session: enrol(session, self._actor(room, who), room.id, self.school.people[name], role),
            refusal,
            [] if name in held else ["class.enrol"],
        )
        if refusal is None:
            room.teachers.discard(name)
            room.students.discard(name)
            held.add(name)

    @rule(index=rooms, name=st.sampled_from(["student0", "student1", "student2", "stranger", "teacher1"]), who=who)
    def leave(self, index: int, name: str, who: str) -> None:
        room = self.school.rooms[index]
        refusal: Refusal = None if self._may(room, who) else NotPermitted
        refusal = refusal or (None if name in room.teachers | room.students else NotFound)
        self._try(
            lambda session: leave(session, self._actor(room, who), room.id, self.school.people[name]),
            refusal,
            ["class.leave"],
        )
        if refusal is None:
            room.teachers.discard(name)
            room.students.discard(name)

    @rule(index=rooms, closes=seldom)
    def close_or_reopen_class(self, index: int, *, closes: bool) -> None:
        room = self.school.rooms[index]
        room.deleted = closes
        change = "UPDATE classes SET deleted_at = CASE WHEN :closes THEN now() END WHERE id = :id"
        self._sql(change, closes=closes, id=room.id)

    # Grades, as their verbs write them.

    @rule(at=at, student=st.sampled_from(["student2", "student2", "student0", "stranger"]), score=st.integers(0, 100))
    def save_grade(self, at: int, student: str, score: int) -> None:
        assignment = self.school.pick(at, "assignment", likely=self._graded)
        mark = self.school.new_mark(assignment.room)
        grade = next((g for g in self.school.grades if g.assignment is assignment and g.student == student), None)
        if grade is None:
            self.school.grades.append(Grade(assignment, student, (score, mark)))
        else:
            grade.draft = (score, mark)
        self._sql(
            "INSERT INTO assignment_grade_rows AS g"
            " (assignment_id, student_user_id, draft_score, draft_feedback, draft_status)"
            " VALUES (:assignment, :student, :score, :mark, 'GRADED')"
            " ON CONFLICT (assignment_id, student_user_id) WHERE deleted_at IS NULL"
            " DO UPDATE SET draft_score = :score, draft_feedback = :mark",
            assignment=assignment.id, student=self.school.people[student], score=score, mark=mark,
        )  # fmt: skip

    @rule(at=at)
    def release(self, at: int) -> None:
        assignment = self.school.pick(at, "assignment", likely=self._graded)
        for grade in self.school.grades:
            if grade.assignment is assignment:
                grade.released = grade.draft
        self._sql(
            "UPDATE assignment_grade_rows SET published_score = draft_score, published_feedback = draft_feedback,"
            " published_status = draft_status, released_at = now() WHERE assignment_id = :id",
            id=assignment.id,
        )

    @rule(at=at)
    def retract(self, at: int) -> None:
        assignment = self.school.pick(at, "assignment", likely=self._graded)
        for grade in self.school.grades:
            if grade.assignment is assignment:
                grade.released = None
        self._sql(
            "UPDATE assignment_grade_rows SET published_score = NULL, published_feedback = NULL,"
            " published_status = NULL, released_at = NULL WHERE assignment_id = :id",
            id=assignment.id,
        )

    # What holds after every step.

    @invariant()
    def students_see_what_they_should(self) -> None:
        self.world.run(self._compare())

    async def _compare(self) -> None:
        async with self.world.sessions() as session:
            rows = (await session.execute(EVERYTHING)).all()
            seen: dict[str, set[tuple[object, ...]]] = {name: set() for name in COLUMNS}
            for view, row in rows:
                seen[view].add(tuple(row[column] for column in COLUMNS[view]))
                rooms = {str(room.id): f"c{room.index}" for room in self.school.rooms}
                marks = set(MARK.findall(str(row)))
                assert {mark[:2] for mark in marks} <= {rooms.get(row.get("class_id"))}, f"{view} mixes classes: {row}"
                assert marks <= self.school.allowed_marks(), f"{view} shows what no student may see: {row}"
            assert seen == self.school.views()
            for room in self.school.rooms if self.changed else ():
                outline = [(e.id, e.number, e.title, e.module_title) for e in await list_lessons(session, room.id)]
                assert outline == self.school.outline(room)
                assert len({number for _, number, *_ in outline}) == len(outline)
                shelf = [(e.id, e.title, e.lessons) for e in await list_materials(session, room.id)]
                assert shelf == self.school.shelf(room)
                work = [(e.id, e.title, e.lesson) for e in await list_assignments(session, room.id)]
                assert work == self.school.work(room)
            if self.changed:
                await self._compare_home(session)
        self.changed = False

    async def _compare_home(self, session: AsyncSession) -> None:
        """Compare the home page of one person, of another one each time."""
        self.looked_at += 1
        name = sorted(self.school.people)[self.looked_at % len(self.school.people)]
        user_id, class_ids = self.school.people[name], [room.id for room in self.school.rooms]
        home = await student_home(session, user_id, class_ids)
        assert {(each.class_id, each.title) for each in home.due} == self.school.due(name)
        grades = {(each.class_id, each.title, int(each.score or 0), each.feedback) for each in home.grades}
        assert grades == self.school.grades_of(name)
        assert len(home.due) + len(home.grades) == len(self.school.due(name)) + len(grades), "something is there twice"
        suggested = await suggest_lessons(session, user_id, class_ids, limit=1000)
        own = [room for room in self.school.rooms if name in room.students | room.teachers]
        assert sorted(suggested) == sorted(title for room in own for _, _, title, _ in self.school.outline(room))
        desks, waiting = await teacher_desks(session, user_id, class_ids), self.school.waiting(name)
        assert desks.keys() == waiting.keys()
        for class_id, desk in desks.items():
            drafts, releases = waiting[class_id]["drafts"], waiting[class_id]["releases"]
            counts = {"drafts": len(drafts), "releases": len(releases)}
            assert desk.totals == {section: count for section, count in counts.items() if count}
            assert len(desk.drafts) == min(SHOWN, len(drafts))
            assert {each.title for each in desk.drafts} <= drafts.keys()
            assert {(each.title, each.grades) for each in desk.releases} <= releases.items()

    # How it is done.

    def _try(self, verb: Verb, refusal: Refusal, actions: list[str]) -> Any:
        """Run a verb in its own transaction: it succeeds and leaves these audit rows, or is refused and leaves none."""
        return self.world.run(self._tried(verb, refusal, actions))

    async def _tried(self, verb: Verb, refusal: Refusal, actions: list[str]) -> Any:
        result = None
        if refusal is None:
            async with self.world.sessions.begin() as session:
                result = await verb(session)
            self.changed = True
        else:
            with pytest.raises(refusal):
                async with self.world.sessions.begin() as session:
                    await verb(session)
        now = await self._audit_ids()
        assert sorted(now[each] for each in now.keys() - self.audited.keys()) == sorted(actions if not refusal else [])
        self.audited = now
        return result

    async def _audit_ids(self) -> dict[UUID, str]:
        async with self.world.sessions() as session:
            rows = await session.execute(select(AuditLog.id, AuditLog.action))
            return {row.id: row.action for row in rows}

    def _sql(self, statement: str, **values: object) -> None:
        async def run(session: AsyncSession) -> None:
            await session.execute(text(statement), values)

        self._try(run, None, [])

    def _create(
        self,
        kind: str,
        room: Room,
        parent: Thing | None,
        refusal: Refusal,
        verb: Callable[[AsyncSession, Any], Awaitable[Any]],
    ) -> Thing | None:
        mark = self.school.new_mark(room)

        async def run(session: AsyncSession) -> tuple[UUID, Any]:
            root = await verb(session, fields(kind, mark))
            return root.id, await draft_of(session, KINDS[kind], root.id)

        made = self._try(run, refusal, [f"{kind}.create"])
        if refusal is not None:
            return None
        thing = Thing(made[0], kind, room, self.school.last_place(kind, room, parent), parent)
        self._begin_draft(thing, made[1], mark)
        self.school.things.append(thing)
        return thing

    def _graded(self, assignment: Thing) -> bool:
        return any(each.assignment is assignment for each in self.school.grades)

    def _begin_draft(self, thing: Thing, made: Any, mark: str) -> None:
        number = len(thing.versions) + 1
        assert (made.revision_number, made.version) == (number, 1)
        thing.versions.append(Version(made.id, number, mark))

    def _name(self, room: Room, who: str) -> str:
        return {
            "own": f"teacher{room.index}",
            "foreign": f"teacher{1 - room.index}",
            "student": f"student{room.index}",
        }.get(who, who)

    def _actor(self, room: Room, who: str) -> Actor:
        if who == "operator":
            return Actor.command_line()
        return Actor.person(self.school.people[self._name(room, who)], "test")

    def _may(self, room: Room, who: str) -> bool:
        return who == "operator" or (self._name(room, who) in room.teachers and not room.deleted)

    def _why_not_in(self, room: Room, who: str) -> Refusal:
        return NotPermitted if not self._may(room, who) else NotFound if room.deleted else None

    def _why_not(self, thing: Thing, who: str) -> Refusal:
        return NotFound if thing.deleted else None if self._may(thing.room, who) else NotPermitted

    def _why_no_parent(self, room: Room, parents: list[Thing]) -> Refusal:
        for parent in parents:
            if parent.deleted:
                return NotFound
            if parent.room is not room:
                return InvalidInput
        return None


def published_course(world: World) -> School:
    """Return the two classes with a whole course in each."""
    machine = Visibility(world, world.run(world.build()))
    machine.publish_a_course()
    return machine.keep()


def test_students_see_exactly_what_is_published(database_url: str) -> None:
    with opened(database_url) as world:
        base = published_course(world)

        class Here(Visibility):
            def __init__(self) -> None:
                super().__init__(world, base)

        run_state_machine_as_test(Here, settings=settings())
