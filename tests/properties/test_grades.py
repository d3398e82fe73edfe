"""Whatever teachers do, in any order: students see what was released, and totals are right to the cent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from core.assignments.due import extend
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.classes.enrol import enrol, leave
from core.classes.settings import change_settings
from core.content.delete import delete, restore
from core.content.kinds import ASSIGNMENT, MODULE
from core.content.publish import unpublish
from core.db import create_engine
from core.enums import GradeStatus, MembershipRole
from core.errors import HomeroomError
from core.grading.aggregate import draft_totals, published_totals
from core.grading.grade import GradeEdit, save_grades
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.import_gradebook import import_gradebook
from core.grading.mark import Mark
from core.grading.models import AssignmentGradeRow
from core.grading.my_grades import my_grades
from core.grading.plan_release import Selection, plan_release
from core.grading.release import release
from core.grading.retract import retract
from core.insights.home import student_home
from tests import factories as make
from tests.properties.grades import Item, Rules, percent

CENTS = st.integers(0, 2000).map(lambda cents: Decimal(cents) / 100)
POINTS = st.sampled_from(["0", "0.03", "1", "3", "7", "9.99", "10", "12.5", "33.33", "100"]).map(Decimal)
WEIGHTS = st.sampled_from(["0", "0.3333", "0.5", "1", "1.5", "2", "7", "30"]).map(Decimal)
STATUSES = st.sampled_from(["GRADED"] * 4 + ["EXCUSED", "MISSING", "UNGRADED"])
NEVER_PAST = datetime(2300, 1, 1, tzinfo=UTC)
RULES = st.builds(Rules, st.booleans(), st.booleans(), st.integers(0, 3))


class World:
    """A database whose every trace is rolled back, for rules that are plain functions."""

    def __init__(self, runner: asyncio.Runner, connection: AsyncConnection) -> None:
        self.run = runner.run
        self.connection = connection
        self.sessions = async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


@contextmanager
def opened(url: str) -> Iterator[World]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        engine = create_engine(url)
        connection = runner.run(engine.connect().start())
        try:
            runner.run(connection.begin().start())
            yield World(runner, connection)
        finally:
            runner.run(connection.rollback())
            runner.run(connection.close())
            runner.run(engine.dispose())


# Totals beside paper


@st.composite
def items(draw: Any) -> Item:
    status = draw(STATUSES)
    return Item(status, draw(CENTS) if status == "GRADED" else None, draw(POINTS), draw(WEIGHTS))


@dataclass(frozen=True)
class Sheet:
    """One assignment: where it hangs (0 class, 1 module, 2 lesson of it), whether seen, drafts and releases."""

    place: int
    seen: bool
    points: Decimal
    weight: Decimal
    drafts: tuple[Item, ...]  # one a student; points and weight are the assignment's
    released: tuple[Item | None, ...]


@st.composite
def sheets(draw: Any) -> Sheet:
    points, weight = draw(POINTS), draw(WEIGHTS)
    drafts = []
    for _ in range(2):
        found = draw(items())
        drafts.append(Item(found.status, found.score, points, weight))
    released = tuple(draw(st.none() | items()) for _ in range(2))
    return Sheet(draw(st.integers(0, 2)), draw(st.sampled_from([True] * 5 + [False])), points, weight,
                 tuple(drafts), released)  # fmt: skip


def test_totals_are_what_paper_says_to_the_cent(database_url: str) -> None:
    with opened(database_url) as world:

        @settings(settings(), max_examples=settings().max_examples // 2)
        @given(st.lists(sheets(), max_size=7), RULES)
        def check(book: list[Sheet], rules: Rules) -> None:
            world.run(check_totals(world, book, rules))

        check()


async def check_totals(world: World, book: list[Sheet], rules: Rules) -> None:
    savepoint = await world.connection.begin_nested()
    async with world.sessions() as session:
        class_ = await make.class_(session)
        class_.settings = rules.settings()
        module = await make.module(session, class_)
        lesson = await make.lesson(session, module)
        students = [await make.person(session, name) for name in ("Ada", "Bo")]
        for student in students:
            await make.enrol(session, class_, student)
        for sheet in book:
            parent = {1: {"module_id": module.id}, 2: {"lesson_unit_id": lesson.id}}.get(sheet.place, {})
            root = await make.add(session, Assignment(class_id=class_.id, **parent))
            await make.revision(session, root, published=sheet.seen, points=sheet.points, weight=sheet.weight)
            for student, draft, released in zip(students, sheet.drafts, sheet.released, strict=True):
                await write_row(session, root.id, student.id, draft, released)
        system = Actor.system()
        drafts = await draft_totals(session, system, class_.id)
        published = await published_totals(session, system, class_.id)
        for at, student in enumerate(students):
            for scope, places in ((class_.id, {0, 1, 2}), (module.id, {1, 2}), (lesson.id, {2})):
                there = [sheet for sheet in book if sheet.seen and sheet.place in places]
                shown = [found for sheet in there if (found := sheet.released[at]) is not None]
                for totals, counted in ((drafts, [sheet.drafts[at] for sheet in there]), (published, shown)):
                    total = totals.get(student.id, {}).get(scope)
                    assert (total and total.percent) == percent(counted, rules), (at, scope)
    await savepoint.rollback()


async def write_row(
    session: AsyncSession, assignment_id: UUID, student_id: UUID, draft: Item, released: Item | None
) -> None:
    row = AssignmentGradeRow(assignment_id=assignment_id, student_user_id=student_id)
    if released is not None:
        row.draft_status, row.draft_score, row.draft_feedback = GradeStatus(released.status), released.score, ""
        row.published_status, row.published_score, row.published_feedback = row.draft_status, row.draft_score, ""
        row.published_points, row.published_weight = released.points, released.weight
        row.released_at = func.now()
    await make.add(session, row)
    row.draft_status, row.draft_score = GradeStatus(draft.status), draft.score
    await session.flush()


# Any order of deeds


@dataclass
class Work:
    """An assignment in the model; `now` is points and weight as published, None while it is hidden."""

    id: UUID
    title: str
    in_module: bool
    now: tuple[Decimal, Decimal] | None
    last: tuple[Decimal, Decimal]
    deleted: bool = False


@dataclass
class Model:
    works: list[Work] = field(default_factory=list)
    drafts: dict[tuple[int, int], tuple[Mark, str]] = field(default_factory=dict)  # by work and student
    shown: dict[tuple[int, int], tuple[Item, str]] = field(default_factory=dict)
    enrolled: list[bool] = field(default_factory=lambda: [True, True, True])
    module_shown: bool = True
    rules: Rules = field(default_factory=Rules)

    def seen(self, work: Work) -> bool:
        return work.now is not None and not work.deleted and (self.module_shown or not work.in_module)


class Grading(RuleBasedStateMachine):
    work = st.integers(0, 3)
    student = st.integers(0, 2)
    whom = st.none() | st.integers(0, 2)
    marks = st.one_of(
        CENTS.filter(lambda score: score <= 2).map(lambda score: Mark(GradeStatus.GRADED, score)),
        st.sampled_from([Mark(GradeStatus.EXCUSED), Mark(GradeStatus.MISSING), Mark(GradeStatus.UNGRADED)]),
    )
    words = st.sampled_from(["", "Good.", "Less so.", "See me."])
    some = st.sets(st.integers(0, 3), max_size=3)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.savepoint = world.run(world.connection.begin_nested().start())
        self.model = Model()
        world.run(self._build())

    def teardown(self) -> None:
        self.world.run(self.savepoint.rollback())

    async def _build(self) -> None:
        async with self.world.sessions.begin() as session:
            class_ = await make.class_(session)
            teacher = await make.person(session, "Hedy")
            await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
            module = await make.module(session, class_)
            self.class_id, self.module_id = class_.id, module.id
            self.teacher = Actor.person(teacher.id, "test")
            self.students = [(await make.person(session, name)).id for name in ("Ada", "Bo", "Cy")]
            for student in self.students:
                await enrol(session, self.teacher, class_.id, student, MembershipRole.STUDENT)
            for at in range(4):
                parent = {"module_id": module.id} if at % 2 else {}
                root = await make.add(session, Assignment(class_id=class_.id, **parent))
                worth = (Decimal(at + 1), Decimal(1))
                await make.revision(session, root, title=f"Work {at}", published=True, points=worth[0])
                self.model.works.append(Work(root.id, f"Work {at}", at % 2 == 1, worth, worth))

    def _do(self, verb: Callable[[AsyncSession], Any]) -> bool:
        """Do something as the teacher, in a transaction; say whether it was done."""

        async def run() -> None:
            async with self.world.sessions.begin() as session:
                await verb(session)

        try:
            self.world.run(run())
        except HomeroomError:
            return False
        return True

    def _saveable(self, work: int, student: int) -> bool:
        return not self.model.works[work].deleted and self.model.enrolled[student]

    @rule(work=work, student=student, mark=marks, words=words)
    def save(self, work: int, student: int, mark: Mark, words: str) -> None:
        edit = GradeEdit(self.model.works[work].id, self.students[student], mark, words)
        done = self._do(lambda session: save_grades(session, self.teacher, self.class_id, [edit]))
        assert done == self._saveable(work, student)
        if done:
            self.model.drafts[work, student] = (mark, words)

    @rule(work=work, marks=st.lists(marks, min_size=3, max_size=3))
    def import_a_file(self, work: int, marks: list[Mark]) -> None:
        words = {GradeStatus.EXCUSED: "EX", GradeStatus.MISSING: "MI", GradeStatus.UNGRADED: ""}
        cells = [words.get(mark.status, str(mark)) for mark in marks]
        rows = tuple(SheetRow(f"line {at}", (cells[at],), name) for at, name in enumerate(("Ada", "Bo", "Cy")))
        sheet = GradebookSheet((SheetColumn(self.model.works[work].title, self.model.works[work].title),), rows)
        assert self._do(lambda session: import_gradebook(session, self.teacher, self.class_id, sheet))
        for student, mark in enumerate(marks):
            if self._saveable(work, student) and mark.status is not GradeStatus.UNGRADED:
                self.model.drafts[work, student] = (mark, self.model.drafts.get((work, student), (mark, ""))[1])

    def _selection(self, some: set[int], whom: int | None) -> Selection:
        ids = tuple(self.model.works[at].id for at in sorted(some))
        return Selection(self.class_id, ids, student_user_id=None if whom is None else self.students[whom])

    def _chosen(self, some: set[int], whom: int | None) -> list[tuple[int, int]]:
        return [
            (work, student)
            for work in some or range(4)
            for student in ([whom] if whom is not None else range(3))
            if self.model.enrolled[student]
        ]

    @rule(some=some, whom=whom)
    def release(self, some: set[int], whom: int | None) -> None:
        chosen = self._selection(some, whom)

        async def agreed(session: AsyncSession) -> None:
            plan = await plan_release(session, self.teacher, chosen)
            await release(session, self.teacher, chosen, fingerprint=plan.fingerprint)

        works = self.model.works
        if not self._do(agreed):
            hidden = any(not self.model.seen(works[at]) for at in some)
            nothing = not any(map(self.model.seen, works)) or (whom is not None and not self.model.enrolled[whom])
            assert hidden or nothing
            return
        for key in self._chosen(some, whom):
            now = works[key[0]].now
            mark, words = self.model.drafts.get(key, (Mark(GradeStatus.UNGRADED), ""))
            if now is None or not self.model.seen(works[key[0]]):
                continue
            if mark.status is GradeStatus.UNGRADED and key not in self.model.shown:
                continue
            item = Item(mark.status.value, mark.score, *now)
            before = self.model.shown.get(key)
            counts = item.status in ("GRADED", "MISSING")
            same = before is not None and (before[0].status, before[0].score, before[1]) == (
                item.status, item.score, words
            )  # fmt: skip
            if not (same and not counts):
                self.model.shown[key] = (item, words)

    @rule(some=some, whom=whom)
    def retract(self, some: set[int], whom: int | None) -> None:
        chosen = self._selection(some, whom)
        assert self._do(lambda session: retract(session, self.teacher, chosen))
        for work in some or range(4):
            for student in [whom] if whom is not None else range(3):
                self.model.shown.pop((work, student), None)

    @rule(work=work, points=st.sampled_from([2, 5, 10]), weight=st.sampled_from([0, 1, 3]))
    def republish(self, work: int, points: int, weight: int) -> None:
        there = self.model.works[work]
        if there.deleted:
            return
        there.now = there.last = (Decimal(points), Decimal(weight))

        async def publish(session: AsyncSession) -> None:
            root = await session.get_one(Assignment, there.id)
            points, weight = there.last
            await make.revision(session, root, title=there.title, published=True, points=points, weight=weight)

        assert self._do(publish)

    @rule(work=work)
    def hide(self, work: int) -> None:
        there = self.model.works[work]
        done = self._do(lambda session: unpublish(session, self.teacher, ASSIGNMENT, there.id))
        assert done == (there.now is not None and not there.deleted)
        if done:
            there.now = None

    @rule(work=work)
    def delete(self, work: int) -> None:
        there = self.model.works[work]
        if self._do(lambda session: delete(session, self.teacher, ASSIGNMENT, there.id)):
            there.deleted = True

    @rule(work=work)
    def restore(self, work: int) -> None:
        there = self.model.works[work]
        if self._do(lambda session: restore(session, self.teacher, ASSIGNMENT, there.id)):
            there.deleted = False

    @rule(student=student)
    def leave_or_come_back(self, student: int) -> None:
        who, here = self.students[student], self.model.enrolled[student]
        if here:
            assert self._do(lambda session: leave(session, self.teacher, self.class_id, who))
        else:
            assert self._do(lambda session: enrol(session, self.teacher, self.class_id, who, MembershipRole.STUDENT))
        self.model.enrolled[student] = not here

    @rule(shown=st.booleans())
    def show_or_hide_the_module(self, shown: bool) -> None:
        if shown == self.model.module_shown:
            return

        async def turn(session: AsyncSession) -> None:
            if not shown:
                await unpublish(session, self.teacher, MODULE, self.module_id)
                return
            newest = "(SELECT id FROM module_revisions WHERE module_id = :id)"
            await session.execute(
                text(f"UPDATE modules SET published_revision_id = {newest} WHERE id = :id"), {"id": self.module_id}
            )

        assert self._do(turn)
        self.model.module_shown = shown

    @rule(rules=RULES)
    def change_the_rules(self, rules: Rules) -> None:
        wanted: Any = rules.settings()
        assert self._do(lambda session: change_settings(session, self.teacher, self.class_id, wanted))
        self.model.rules = rules

    @rule(work=work, student=student)
    def give_more_time(self, work: int, student: int) -> None:
        there, who = self.model.works[work], self.students[student]
        done = self._do(lambda session: extend(session, self.teacher, self.class_id, there.id, [who], NEVER_PAST))
        assert done == self._saveable(work, student)

    @invariant()
    def students_see_what_was_released_and_nothing_else(self) -> None:
        self.world.run(self._look())

    async def _look(self) -> None:
        async with self.world.sessions() as session:
            for student, who in enumerate(self.students):
                if not self.model.enrolled[student]:
                    continue
                mine = await my_grades(session, who, self.class_id)
                expected = {
                    self.model.works[work].id: found
                    for (work, of), found in self.model.shown.items()
                    if of == student and self.model.seen(self.model.works[work])
                }
                assert {
                    each.assignment_id: (each.status.value, each.score, each.points, each.feedback)
                    for each in mine.grades
                } == {key: (item.status, item.score, item.points, words) for key, (item, words) in expected.items()}
                overall = percent([item for item, _ in expected.values()], self.model.rules)
                assert (mine.overall and mine.overall.percent) == overall
                in_module = {work.id for work in self.model.works if work.in_module}
                module = percent([item for key, (item, _) in expected.items() if key in in_module], self.model.rules)
                assert [each.total.percent for each in mine.modules] == ([] if module is None else [module])
                home = await student_home(session, who, [self.class_id])
                assert sorted((each.status.value, each.feedback) for each in home.grades) == sorted(
                    (item.status, words) for item, words in expected.values()
                )


def test_students_see_only_what_was_released_whatever_teachers_do(database_url: str) -> None:
    with opened(database_url) as world:

        class Here(Grading):
            def __init__(self) -> None:
                super().__init__(world)

        half = settings().max_examples // 2  # each step looks at everything that everybody sees
        run_state_machine_as_test(Here, settings=settings(max_examples=half))
