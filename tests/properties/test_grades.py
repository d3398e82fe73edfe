"""Whatever teachers do, in any order: students see what was released, and totals are right to the cent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.due import extend
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.classes.enrol import enrol, leave
from core.classes.settings import change_settings
from core.content.delete import delete, restore
from core.content.kinds import ASSIGNMENT, MODULE
from core.content.publish import unpublish
from core.enums import GradeStatus, MembershipRole
from core.errors import HomeroomError
from core.grading.grade import GradeEdit, save_grades
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.import_gradebook import import_gradebook
from core.grading.mark import Mark
from core.grading.models import AssignmentGradeRow
from core.grading.my_grades import my_grades
from core.grading.plan_release import Selection, plan_release
from core.grading.release import release
from core.grading.retract import retract
from tests import factories as make
from tests.properties.grade_views import Held, check_drafts_move_nothing, check_views, take_views
from tests.properties.grades import RULES, Item, Rules, cents, percent
from tests.properties.world import World, opened

NEVER_PAST = datetime(2300, 1, 1, tzinfo=UTC)


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
        cents(200).map(lambda score: Mark(GradeStatus.GRADED, score)),
        st.sampled_from([Mark(GradeStatus.EXCUSED), Mark(GradeStatus.MISSING), Mark(GradeStatus.UNGRADED)]),
    )
    words = st.sampled_from(["", "Good.", "Less so.", "See me."])
    some = st.sets(st.integers(0, 3), max_size=3)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.savepoint = world.run(world.connection.begin_nested().start())
        self.model = Model()
        self.looks = 0
        world.run(self._build())

    def teardown(self) -> None:
        try:
            for student in range(3):
                self.look_everywhere(student)
        finally:
            self.world.run(self.savepoint.rollback())

    async def _build(self) -> None:
        async with self.world.sessions.begin() as session:
            class_ = await make.class_(session)
            teacher = await make.person(session, "Hedy")
            await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
            module = await make.module(session, class_)
            self.class_id, self.module_id = class_.id, module.id
            self.teacher = Actor.person(teacher.id, "test")
            people = [await make.person(session, name) for name in ("Ada", "Bo", "Cy")]
            self.students, self.emails = [each.id for each in people], [each.email for each in people]
            for student in self.students:
                await enrol(session, self.teacher, class_.id, student, MembershipRole.STUDENT)
            for at in range(4):
                parent = {"module_id": module.id} if at % 2 else {}
                root = await make.add(session, Assignment(class_id=class_.id, **parent))
                worth = (Decimal(at + 1), Decimal(1))
                await make.revision(session, root, title=f"Work {at}", published=True, points=worth[0])
                self.model.works.append(Work(root.id, f"Work {at}", at % 2 == 1, worth, worth))
            # Graded to begin with, so that a release of any of it shows something.
            for at, of in itertools.product(range(4), range(3)):
                self.model.drafts[at, of] = (Mark(GradeStatus.GRADED, Decimal(at + of + 1) / 4), "Begun.")
            edits = [
                GradeEdit(self.model.works[at].id, self.students[of], mark, words)
                for (at, of), (mark, words) in self.model.drafts.items()
            ]
            await save_grades(session, self.teacher, self.class_id, edits)

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
        seen = [of for of in range(3) if self._expected(of) and self.model.enrolled[of]]
        if seen:
            self.looks += 1
            self.look_everywhere(seen[self.looks % len(seen)], drafts_too=self.looks <= 2)

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
                expected = self._expected(student)
                assert {
                    each.assignment_id: (each.status.value, each.score, each.points, each.feedback)
                    for each in mine.grades
                } == {id_: (item.status, item.score, item.points, words) for id_, (item, words) in expected.items()}
                overall = percent([item for item, _ in expected.values()], self.model.rules)
                assert (mine.overall and mine.overall.percent) == overall
                in_module = {work.id for work in self.model.works if work.in_module}
                module = percent([item for key, (item, _) in expected.items() if key in in_module], self.model.rules)
                assert [each.total.percent for each in mine.modules] == ([] if module is None else [module])

    def _expected(self, student: int) -> dict[UUID, tuple[Item, str]]:
        return {
            self.model.works[work].id: found
            for (work, of), found in self.model.shown.items()
            if of == student and self.model.seen(self.model.works[work])
        }

    def look_everywhere(self, student: int, *, drafts_too: bool = False) -> None:
        """Whatever shows a student grades shows the same, and goes on to when the drafts change."""
        if self.model.enrolled[student]:
            self.world.run(self._look_everywhere(student, drafts_too=drafts_too))

    async def _look_everywhere(self, student: int, *, drafts_too: bool) -> None:
        who = self.students[student]
        wanted = select(AssignmentGradeRow.assignment_id, AssignmentGradeRow.id)
        async with self.world.sessions() as session:
            rows = await session.execute(wanted.where(AssignmentGradeRow.student_user_id == who))
            ids = {row.assignment_id: row.id for row in rows}
        titles = {work.id: work.title for work in self.model.works}
        held = [Held(ids[id_], id_, titles[id_], item, words) for id_, (item, words) in self._expected(student).items()]
        one = self.class_id, who, self.emails[student]
        check_views(await take_views(self.world.sessions, *one), held, self.model.rules)
        if drafts_too:
            await check_drafts_move_nothing(self.world.connection, self.world.sessions, *one)


def test_students_see_only_what_was_released_whatever_teachers_do(database_url: str) -> None:
    with opened(database_url) as world:

        class Here(Grading):
            def __init__(self) -> None:
                super().__init__(world)

        half = settings().max_examples // 2  # each step looks at everything that everybody sees
        run_state_machine_as_test(Here, settings=settings(max_examples=half))
