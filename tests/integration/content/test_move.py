"""Order and parents: moved at once, one row each, and no number lost or given twice, however many move at a time."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.assignments.find import list_work
from core.assignments.models import Assignment
from core.audit.models import AuditLog
from core.content.browse import list_lessons, list_materials
from core.content.delete import delete, restore
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.models import LessonUnit, Module
from core.content.move import move, move_assignment, move_in_lesson, move_lesson
from core.content.revisions import Root
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from core.materials.link import link_material
from core.materials.models import LessonUnitMaterial
from tests import factories as make
from tests.integration.content.desk import Desk, each_kind
from tests.integration.content.school import School
from tests.integration.content.test_permissions import outsiders


async def order(desk: Desk, kind: Kind) -> list[str]:
    """Return the titles of a kind in their order, checking that they are numbered one by one."""
    rows = (
        await desk.session.execute(
            select(kind.root.position, kind.revision.title)
            .join(kind.revision, kind.root_column() == kind.root.id)
            .where(kind.root.class_id == desk.class_id, kind.root.deleted_at.is_(None), kind.root.position > 0)
            .order_by(kind.root.position)
        )
    ).all()
    assert len({row.position for row in rows}) == len(rows)
    return [row.title for row in rows]


@each_kind
@pytest.mark.parametrize(
    ("which", "to", "wanted"),
    [(3, 1, "4123"), (0, 2, "2134"), (0, 99, "2341"), (1, 1, "2134"), (2, 4, "1243"), (1, 2, "1234")],
)
async def test_a_thing_takes_the_number_it_is_given(desk: Desk, kind: Kind, which: int, to: int, wanted: str) -> None:
    if kind is MODULE:
        await delete(desk.session, desk.teacher, MODULE, desk.module_id)
    things = [await desk.create(kind, words) for words in "1234"]
    moved = await move(desk.session, desk.teacher, kind, things[which].id, to)
    assert await order(desk, kind) == list(wanted)
    assert (moved.before, moved.after) == (which + 1, min(to, 4))


@each_kind
async def test_one_row_says_so_and_a_move_to_where_it_stands_leaves_none(desk: Desk, kind: Kind) -> None:
    things = [await desk.create(kind, words) for words in "123"]
    if kind is MODULE:
        await move(desk.session, desk.teacher, kind, things[0].id, things[0].position + 1)
    async with desk.records(f"{kind.name}.move"):
        await move(desk.session, desk.teacher, kind, things[2].id, 1)
    async with desk.nothing_changes():
        await move(desk.session, desk.teacher, kind, things[2].id, 1)


async def test_what_students_call_it_changes_at_once_and_gaps_close(desk: Desk) -> None:
    lessons = [await desk.published(LESSON, words) for words in ("One", "Two", "Three", "Four")]
    await delete(desk.session, desk.teacher, LESSON, lessons[1].id)
    await move(desk.session, desk.teacher, LESSON, lessons[3].id, 3)
    numbers = [(each.number, each.title) for each in await list_lessons(desk.session, desk.class_id)]
    assert numbers == [("0.1", "One"), ("0.2", "Four"), ("0.3", "Three")]
    await restore(desk.session, desk.teacher, LESSON, lessons[1].id)
    assert len({each.number for each in await list_lessons(desk.session, desk.class_id)}) == 4


async def test_a_draft_and_what_is_live_stay_as_they_are(desk: Desk) -> None:
    first, root = [await desk.published(LESSON, words) for words in ("First", "Live")]
    await desk.edit(LESSON, root, "Draft")
    history = await desk.history(LESSON, root)
    await move(desk.session, desk.teacher, LESSON, root.id, 1)
    assert await desk.history(LESSON, root) == history
    assert (first.position, root.position) == (2, 1)


class TestLessonsBetweenModules:
    async def test_a_lesson_moves_to_a_place_and_leaves_the_numbers_it_left(self, desk: Desk) -> None:
        here = [await desk.published(LESSON, words) for words in ("A", "B", "C")]
        old, desk.module_id = desk.module_id, (await desk.create(MODULE, "Other")).id
        there = [await desk.create(LESSON, words) for words in ("X", "Y")]
        async with desk.records("lesson.move"):
            moved = await move_lesson(desk.session, desk.teacher, here[1].id, desk.module_id, 2)
        assert (moved.before, moved.after, moved.parent_before, moved.parent_after) == (2, 2, old, desk.module_id)
        assert [each.position for each in (*here, *there)] == [1, 2, 3, 1, 3]
        assert await desk.shown(LESSON, here[1]) is None  # the other module is a draft
        await desk.publish(MODULE, await desk.session.get_one(Module, desk.module_id))
        assert await desk.shown(LESSON, here[1]) == "B"
        await move_lesson(desk.session, desk.teacher, here[1].id, old)
        moved_back = await desk.session.get_one(LessonUnit, here[1].id)
        assert (moved_back.module_id, [each.position for each in here]) == (old, [1, 3, 2])

    async def test_out_of_a_deleted_module_and_into_none(self, desk: Desk) -> None:
        lesson = await desk.published(LESSON, "A")
        old, other = desk.module_id, await desk.published(MODULE, "Other")
        await delete(desk.session, desk.teacher, MODULE, old)
        await move_lesson(desk.session, desk.teacher, lesson.id, other.id)
        assert await desk.shown(LESSON, lesson) == "A"
        async with desk.nothing_changes():
            with pytest.raises(NotFound):
                await move_lesson(desk.session, desk.teacher, lesson.id, old)

    async def test_never_into_another_class(self, desk: Desk) -> None:
        lesson = await desk.create(LESSON)
        foreign = await make.module(desk.session, await make.class_(desk.session))
        async with desk.nothing_changes():
            with pytest.raises(InvalidInput):
                await move_lesson(desk.session, desk.teacher, lesson.id, foreign.id)


async def test_an_assignment_changes_what_it_belongs_to(desk: Desk) -> None:
    lesson, work = await desk.published(LESSON, "Phases"), await desk.published(ASSIGNMENT, "Observe")
    async with desk.records("assignment.move"):
        await move_assignment(desk.session, desk.teacher, work.id, lesson_unit_id=lesson.id)
    await move_assignment(desk.session, desk.teacher, work.id, module_id=desk.module_id)
    moved = await desk.session.get_one(Assignment, work.id)
    assert (moved.module_id, moved.lesson_unit_id) == (desk.module_id, None)
    foreign = await make.module(desk.session, await make.class_(desk.session))
    async with desk.nothing_changes():
        await move_assignment(desk.session, desk.teacher, work.id, module_id=desk.module_id)
        with pytest.raises(InvalidInput):
            await move_assignment(desk.session, desk.teacher, work.id, module_id=foreign.id)


class TestAssignmentsByTheNumberPeopleSee:
    """It counts the published ones, wherever drafts stand between them."""

    @staticmethod
    async def works(desk: Desk, titles: str) -> dict[str, Root]:
        """Return assignments of one-letter titles in their order; those of capital letters are published."""
        return {each: await (desk.published if each.isupper() else desk.create)(ASSIGNMENT, each) for each in titles}

    @pytest.mark.parametrize(
        ("titles", "which", "to", "wanted"),
        [
            ("aBC", "C", 1, "CaB"),
            ("aBC", "B", 2, "aCB"),
            ("aBC", "C", 2, "aBC"),
            ("aBcDE", "E", 2, "aBEcD"),
            ("aBcDE", "B", 2, "acDBE"),
            ("aBcD", "a", 2, "BacD"),  # number 2 once it is published
            ("aBcD", "a", 3, "BcDa"),
            ("ABcd", "d", 3, "ABdc"),  # what follows the last published one is counted on
            ("aBc", "a", 99, "Bca"),
            ("abc", "c", 2, "acb"),
        ],
    )
    async def test_a_number_is_one_among_the_published(
        self, desk: Desk, titles: str, which: str, to: int, wanted: str
    ) -> None:
        works = await self.works(desk, titles)
        await move(desk.session, desk.teacher, ASSIGNMENT, works[which].id, to)
        assert await order(desk, ASSIGNMENT) == list(wanted)
        if which.isupper():
            numbers = {each.title: each.number for each in await list_work(desk.session, desk.class_id)}
            assert numbers[which] == to

    async def test_what_it_belongs_to_and_its_number_change_together_in_one_row(self, desk: Desk) -> None:
        works = await self.works(desk, "aBCD")
        async with desk.records("assignment.move"):
            moved = await move_assignment(
                desk.session, desk.teacher, works["D"].id, module_id=desk.module_id, to=2
            )  # fmt: skip
        assert await order(desk, ASSIGNMENT) == list("aBDC")
        assert (moved.before, moved.after, moved.parent_before, moved.parent_after) == (4, 3, None, desk.module_id)


async def test_places_of_materials_are_counted_without_the_gaps_that_deleting_leaves(desk: Desk) -> None:
    things = [await desk.create(MATERIAL, words) for words in "1234"]
    await delete(desk.session, desk.teacher, MATERIAL, things[1].id)
    await move(desk.session, desk.teacher, MATERIAL, things[0].id, 2)
    assert await order(desk, MATERIAL) == list("314")


async def test_materials_are_ordered_within_a_lesson(desk: Desk) -> None:
    lesson = await desk.published(LESSON, "Phases")
    materials = [await desk.published(MATERIAL, words) for words in ("A", "B", "C")]
    for material in materials:
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
    async with desk.records("material.move"):
        await move_in_lesson(desk.session, desk.teacher, lesson.id, materials[2].id, 1)
    links = await desk.session.execute(select(LessonUnitMaterial.material_id).order_by(LessonUnitMaterial.position))
    assert list(links.scalars()) == [materials[2].id, materials[0].id, materials[1].id]
    with pytest.raises(NotFound):
        await move_in_lesson(desk.session, desk.teacher, lesson.id, (await desk.create(MATERIAL)).id, 1)
    assert [each.title for each in await list_materials(desk.session, desk.class_id)] == ["C", "A", "B"]
    await delete(desk.session, desk.teacher, MATERIAL, materials[0].id)
    await move_in_lesson(desk.session, desk.teacher, lesson.id, materials[2].id, 2)  # places are of what is there
    assert [each.title for each in await list_materials(desk.session, desk.class_id)] == ["B", "C"]


async def test_of_two_lessons_the_first_gives_a_material_its_place(desk: Desk) -> None:
    first, second = [await desk.published(LESSON, words) for words in ("Phases", "Tides")]
    loose, shared, own = [await desk.published(MATERIAL, words) for words in ("Loose", "Shared", "Own")]
    for lesson, material in ((second, shared), (second, own), (first, shared)):
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
    await move(desk.session, desk.teacher, MATERIAL, loose.id, 1)
    found = await list_materials(desk.session, desk.class_id)
    assert [(each.title, len(each.lessons)) for each in found] == [("Shared", 2), ("Own", 1), ("Loose", 0)]


async def test_only_a_teacher_of_the_class_moves_anything(desk: Desk) -> None:
    lesson, material, work = [await desk.create(kind) for kind in (LESSON, MATERIAL, ASSIGNMENT)]
    other = await desk.create(MODULE)
    await link_material(desk.session, desk.teacher, lesson.id, material.id)
    for actor in (await outsiders(desk.session, desk)).values():
        async with desk.nothing_changes():
            for verb in (
                move(desk.session, actor, LESSON, lesson.id, 2),
                move(desk.session, actor, MODULE, other.id, 1),
                move_lesson(desk.session, actor, lesson.id, other.id),
                move_assignment(desk.session, actor, work.id, lesson_unit_id=lesson.id),
                move_in_lesson(desk.session, actor, lesson.id, material.id, 1),
            ):
                with pytest.raises(NotPermitted):
                    await verb


@each_kind
async def test_nonsense_and_what_is_gone_are_refused(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    with pytest.raises(InvalidInput):
        await move(desk.session, desk.teacher, kind, root.id, 0)
    await delete(desk.session, desk.teacher, kind, root.id)
    with pytest.raises(NotFound):
        await move(desk.session, desk.teacher, kind, root.id, 1)


class TestAtOnce:
    async def test_two_moves_follow_one_another(self, school: School) -> None:
        lessons = [await school.do(lambda desk: desk.create(LESSON)) for _ in range(3)]
        outcome = await school.one_after_the_other(
            lambda desk: move(desk.session, desk.teacher, LESSON, lessons[0].id, 3),
            lambda desk: move(desk.session, desk.teacher, LESSON, lessons[1].id, 2),
        )
        assert outcome.after == 2
        assert sorted(await positions(school, lessons)) == [1, 2, 3]

    async def test_a_restored_lesson_and_a_new_one_get_two_numbers(self, school: School) -> None:
        gone = await school.do(lambda desk: desk.create(LESSON))
        await school.do(lambda desk: delete(desk.session, desk.teacher, LESSON, gone.id))
        made: Root = await school.one_after_the_other(
            lambda desk: restore(desk.session, desk.teacher, LESSON, gone.id), lambda desk: desk.create(LESSON)
        )
        assert sorted(await positions(school, [gone, made])) == [1, 2]

    async def test_two_restored_modules_get_two_numbers(self, school: School) -> None:
        gone = [await school.do(lambda desk: desk.create(MODULE)) for _ in range(2)]
        for each in gone:
            await school.do(lambda desk, each=each: delete(desk.session, desk.teacher, MODULE, each.id))  # type: ignore[misc]
        kept = await school.do(lambda desk: desk.create(MODULE))
        await school.one_after_the_other(
            *[lambda desk, each=each: restore(desk.session, desk.teacher, MODULE, each.id) for each in gone]
        )
        assert len(set(await positions(school, [*gone, kept], Module))) == 3

    async def test_a_lesson_that_was_moved_away_meanwhile_is_not_moved_within_its_old_module(
        self, school: School
    ) -> None:
        lessons = [await school.do(lambda desk: desk.create(LESSON)) for _ in range(2)]
        other = await school.do(lambda desk: desk.create(MODULE))
        outcome = await school.one_after_the_other(
            lambda desk: move_lesson(desk.session, desk.teacher, lessons[0].id, other.id),
            lambda desk: move(desk.session, desk.teacher, LESSON, lessons[0].id, 2),
        )
        assert isinstance(outcome, Conflict)

    async def test_many_at_once_lose_and_double_nothing(self, school: School) -> None:
        """Eight people move, create, delete and restore lessons of two modules at once; nobody waits in a circle."""
        modules = [school.module_id, (await school.do(lambda desk: desk.create(MODULE))).id]
        lessons = [(await school.do(lambda desk: desk.create(LESSON))).id for _ in range(6)]
        chance = random.Random(7)  # noqa: S311  (chance in a test)

        async def somebody() -> None:
            for _ in range(6):
                lesson, module, to = chance.choice(lessons), chance.choice(modules), chance.randint(1, 7)
                verbs: list[Any] = [
                    lambda desk, a=lesson, b=to: move(desk.session, desk.teacher, LESSON, a, b),
                    lambda desk, a=lesson, b=module, c=to: move_lesson(desk.session, desk.teacher, a, b, c),
                    lambda desk, a=module, b=to: move(desk.session, desk.teacher, MODULE, a, b),
                    lambda desk, a=lesson: delete(desk.session, desk.teacher, LESSON, a),
                    lambda desk, a=lesson: restore(desk.session, desk.teacher, LESSON, a),
                    lambda desk: desk.create(LESSON),
                ]
                try:
                    await school.do(chance.choice(verbs))
                except (Conflict, NotFound):
                    continue

        async with asyncio.timeout(60):
            await asyncio.gather(*[somebody() for _ in range(8)])
        async with school.sessions() as session:
            rows = (
                await session.execute(
                    select(LessonUnit.module_id, LessonUnit.position).where(LessonUnit.deleted_at.is_(None))
                )
            ).all()
            assert len(set(rows)) == len(rows)
            assert {row.module_id for row in rows} <= set(modules)
            created = await session.scalars(select(AuditLog.entity_id).where(AuditLog.action == "lesson.create"))
            assert set(created) == set(await session.scalars(select(LessonUnit.id)))


async def positions(school: School, things: list[Root], table: type[Root] = LessonUnit) -> list[int]:
    ids: list[UUID] = [each.id for each in things]
    async with school.sessions() as session:
        return list(await session.scalars(select(table.position).where(table.id.in_(ids))))
