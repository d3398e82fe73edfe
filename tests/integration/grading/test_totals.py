"""Totals, by hand: the rules one at a time. `tests/properties/test_grades.py` tries them all together."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.audit.record import Actor
from core.errors import NotPermitted
from core.grading.aggregate import draft_totals, published_totals
from tests import factories as make
from tests.integration.grading.room import Room


async def test_a_module_spans_its_own_and_its_lessons_work_and_is_no_mean_of_means(room: Room) -> None:
    module = await make.module(room.session, room.class_)
    lesson = await make.lesson(room.session, module)
    for title, score, place in (("One", "10", lesson), ("Two", "10", lesson), ("Three", "4", None)):
        work = await room.assignment(title, in_lesson=place, in_module=None if place else module)
        await room.save(work, room.ada, score)
    await room.save(await room.assignment("Four"), room.ada, "0")
    await room.release()
    seen = await room.seen(room.ada)
    assert [(each.name, each.total.percent) for each in seen.lessons] == [("0.0 The Moon", Decimal(100))]
    assert [(each.name, each.total.percent) for each in seen.modules] == [("0 The sky", Decimal(80))]
    assert seen.overall is not None
    assert (seen.overall.percent, seen.overall.counted) == (Decimal(60), 4)


async def test_weights_simple_means_and_dropping(room: Room) -> None:
    for title, weight, score in (("Exam", 3, "5"), ("Quiz", 1, "9"), ("Test", 1, "0"), ("Extra", 0, "10")):
        await room.save(await room.assignment(title, weight=weight), room.ada, score)
    await room.release()
    assert await room.overall(room.ada) == 48  # (15 + 9) / 50
    await room.set(drop_lowest=1)
    assert await room.overall(room.ada) == 60
    await room.set(grade_average="simple")
    assert await room.overall(room.ada) == 80
    await room.set(drop_lowest=20)  # never all of them
    assert await room.overall(room.ada) == 100


async def test_excused_is_out_and_missing_is_zero_once_it_is_released_as_missing(room: Room) -> None:
    essay, quiz, test = [await room.assignment(title) for title in ("Essay", "Quiz", "Test")]
    await room.save(essay, room.ada, "8")
    await room.save(quiz, room.ada, "EX")
    await room.release()
    await room.save(test, room.ada, "MI")
    assert await room.overall(room.ada) == 80
    drafts = await draft_totals(room.session, room.teacher, room.id)
    assert drafts[room.ada.id][room.id].percent == 40
    assert (await published_totals(room.session, room.teacher, room.id))[room.ada.id][room.id].percent == 80
    await room.release()
    assert await room.overall(room.ada) == 40
    await room.set(missing_as_zero=False)
    assert await room.overall(room.ada) == 80
    assert await room.overall(room.bo) is None


@pytest.mark.parametrize(("points", "scores", "percent"), [
    (3, ("1", "1", "1"), "33.33"),
    (3, ("2", "2", "2"), "66.67"),
    (8, ("1", "1"), "12.50"),
    (800, ("1",), "0.13"),  # 0.125, rounded up as on paper
    (7, ("1", "2", "4"), "33.33"),
    (10, ("11.5",), "115.00"),
])  # fmt: skip
async def test_rounding_is_once_at_the_end_and_as_on_paper(
    room: Room, points: int, scores: tuple[str, ...], percent: str
) -> None:
    for score in scores:
        await room.save(await room.assignment(points=points), room.ada, score)
    await room.release()
    assert await room.overall(room.ada) == Decimal(percent)


async def test_only_teachers_see_everybodys(room: Room) -> None:
    for totals in (draft_totals, published_totals):
        with pytest.raises(NotPermitted):
            await totals(room.session, Actor.person(room.ada.id, "test"), room.id)
    with pytest.raises(NotPermitted):
        await room.seen(await make.person(room.session))


async def test_of_equally_low_grades_the_heaviest_is_dropped(room: Room) -> None:
    await room.set(drop_lowest=1)
    for title, weight, score in (("Light", 1, "5"), ("Heavy", 3, "5"), ("Other", 1, "10")):
        await room.save(await room.assignment(title, weight=weight), room.ada, score)
    await room.release()
    assert await room.overall(room.ada) == 75
