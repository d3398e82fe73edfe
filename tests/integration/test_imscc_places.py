"""Importing a package again whose pages stand elsewhere now: followed, unless somebody has moved them here since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from adapters.courses.import_path import import_path
from bot.console.courses import report_lines
from core.content.arrange import arrange, longest_rising
from core.content.create import create_lesson
from core.content.edit import edit_draft
from core.content.fields import LessonFields
from core.content.import_report import Fate, ImportReport
from core.content.kinds import LESSON, MODULE
from core.content.models import LessonUnit, Module
from core.content.move import move, move_lesson
from core.errors import NotPermitted
from tests.packages import item, manifest, pack, page, resource
from tests.pipelines import School

Outline = dict[str, str]  # the letters of the pages by module
START = {"sky": "abc", "tools": "xy"}


@pytest.fixture
def bring(school: School, tmp_path: Path) -> Callable[..., Awaitable[ImportReport]]:
    async def run(outline: Outline, *, publish: bool = False, **bodies: str) -> ImportReport:
        pages = [each for letters in outline.values() for each in letters]
        items = "".join(
            item(name, name.capitalize(), inside="".join(item(f"i-{each}", each.upper(), each) for each in letters))
            for name, letters in outline.items()
        )
        listed = [resource(each, "webcontent", f"{each}.html") for each in sorted(pages)]
        files = {f"{each}.html": page(each.upper(), f"<p>{bodies.get(each, each)}</p>") for each in pages}
        package = pack(tmp_path / "course.imscc", {"imsmanifest.xml": manifest(items, listed), **files})
        return await import_path(school.pipeline, school.teacher, school.class_id, package, publish=publish)

    return run


Bring = Callable[..., Awaitable[ImportReport]]


async def outline(school: School) -> Outline:
    """Return what stands where: the titles' letters by module, in order."""
    async with school.pipeline.sessions() as session:
        rows = await session.execute(
            text(
                "SELECT m.external_id AS module, string_agg(lower(r.title), '' ORDER BY l.position, l.id) AS lessons "
                "FROM modules m LEFT JOIN lesson_units l ON l.module_id = m.id AND l.deleted_at IS NULL "
                "LEFT JOIN lesson_unit_revisions r ON r.lesson_unit_id = l.id AND r.revision_number = 1 "
                "GROUP BY m.id ORDER BY m.position, m.id"
            )
        )
        return {row.module: row.lessons or "" for row in rows}


async def id_of(school: School, key: str) -> UUID:
    async with school.pipeline.sessions() as session:
        lesson = await session.scalar(select(LessonUnit.id).where(LessonUnit.external_id == key))
        module = await session.scalar(select(Module.id).where(Module.external_id == key))
        assert lesson or module, key
        return lesson or module  # type: ignore[return-value]


def moved(report: ImportReport) -> str:
    return "".join(entry.key for entry in report.of(Fate.MOVED))


async def audited(school: School) -> Counter[str]:
    return Counter({action: count for action, count in (await school.audited()).items() if action.endswith(".move")})


async def test_a_page_that_moved_to_another_module_moves_once(school: School, bring: Bring) -> None:
    await bring(START, publish=True)
    then = {"sky": "ac", "tools": "xby"}
    report = await bring(then)
    assert moved(report) == "b"
    assert "moved: lesson “B”: It belongs to another module now" in "\n".join(report_lines(report))
    assert await outline(school) == then
    assert not report.of(Fate.CHANGED) + report.of(Fate.CONFLICT)
    before = await school.audited()
    report = await bring(then)
    assert {entry.fate for entry in report.entries} == {Fate.UNCHANGED}
    assert await school.audited() == before


@pytest.mark.parametrize(
    ("then", "went", "rows"),
    [
        ({"sky": "bca", "tools": "xy"}, "a", {"lesson.move": 1}),
        ({"tools": "xy", "sky": "abc"}, "tools", {"module.move": 1}),
        ({"sky": "adbc", "tools": "xy"}, "", {"lesson.move": 1}),  # what is new takes its place
    ],
)
async def test_the_order_of_the_package_is_followed(
    school: School, bring: Bring, then: Outline, went: str, rows: dict[str, int]
) -> None:
    await bring(START)
    report = await bring(then)
    assert await outline(school) == then
    assert moved(report) == went
    assert await audited(school) == rows
    assert not moved(await bring(then))


async def test_what_a_teacher_moved_stays_and_is_reported_only_if_the_package_moved_it_too(
    school: School, bring: Bring
) -> None:
    await bring({**START, "more": "z"})
    async with school.pipeline.sessions.begin() as session:
        await move_lesson(session, school.teacher, await id_of(school, "b"), await id_of(school, "tools"))
    report = await bring({**START, "more": "z"})
    assert {entry.fate for entry in report.entries} == {Fate.UNCHANGED}
    report = await bring({"sky": "ac", "tools": "xy", "more": "zb"})
    assert [(entry.key, entry.reason) for entry in report.of(Fate.CONFLICT)] == [
        ("b", "The course has it somewhere else now, but somebody moved it here since. It was left where it is.")
    ]
    assert await outline(school) == {"sky": "ac", "tools": "xyb", "more": "z"}
    report = await bring({"sky": "ac", "tools": "xyb", "more": "z"})  # they agree again
    assert {entry.fate for entry in report.entries} == {Fate.UNCHANGED}


async def test_what_a_teacher_put_into_order_stays_so_and_is_noted(school: School, bring: Bring) -> None:
    await bring(START)
    async with school.pipeline.sessions.begin() as session:
        await move(session, school.teacher, LESSON, await id_of(school, "c"), 1)
    report = await bring({"sky": "acb", "tools": "yx"})
    assert await outline(school) == {"sky": "cab", "tools": "yx"}
    assert len(moved(report)) == 1
    (note,) = report.notes
    assert note.startswith("The lessons of module “Sky” stand in another order here than in the course, because some")


async def test_a_lesson_of_a_teachers_own_keeps_its_place_among_them(school: School, bring: Bring) -> None:
    await bring(START)
    async with school.pipeline.sessions.begin() as session:
        sky = await id_of(school, "sky")
        own = await create_lesson(session, school.teacher, sky, LessonFields("!", ""), queue=school.pipeline.queue)
        await move(session, school.teacher, LESSON, own.id, 2)
    await bring({"sky": "cba", "tools": "xy"})
    assert await outline(school) == {"sky": "c!ba", "tools": "xy"}


async def test_what_students_would_lose_by_a_move_is_said(school: School, bring: Bring) -> None:
    await bring(START, publish=True)
    report = await bring({"sky": "ac", "tools": "xy", "new": "b"})
    (entry,) = report.of(Fate.MOVED)
    assert entry.reason.endswith("Students don't see it until that module is published.")
    report = await bring({"sky": "ac", "tools": "xy", "new": "b"}, publish=True)
    async with school.pipeline.sessions() as session:
        seen = await session.scalars(text("SELECT title FROM published_lesson_units"))
        assert sorted(seen) == ["A", "B", "C", "X", "Y"]


async def test_of_a_draft_that_was_edited_before_it_was_published_only_what_is_known_is_said(
    school: School, bring: Bring
) -> None:
    await bring(START)
    async with school.pipeline.sessions.begin() as session:
        root = await id_of(school, "a")
        await edit_draft(session, school.teacher, LESSON, root, LessonFields("A", "Mine."), queue=school.pipeline.queue)
    for again in ({}, {"a": "other words"}):
        report = await bring(START, **again)
        (entry,) = report.of(Fate.CONFLICT)
        assert entry.key == "a"
        assert (
            "edited the draft before it was published, so whether the file changed since can't be told" in entry.reason
        )


async def test_only_teachers_arrange(school: School, bring: Bring) -> None:
    await bring(START)
    modules = [await id_of(school, "tools"), await id_of(school, "sky")]
    stranger = type(school.teacher).person(UUID(int=7), "test")
    async with school.pipeline.sessions.begin() as session:
        with pytest.raises(NotPermitted):
            await arrange(session, stranger, MODULE, modules)
    assert list(await outline(school)) == ["sky", "tools"]


@pytest.mark.parametrize(
    ("numbers", "length"), [([], 0), ([3], 1), ([2, 0, 1], 2), ([4, 3, 2, 1], 1), ([0, 8, 4, 12, 2, 10, 6, 14], 4)]
)
def test_as_few_as_possible_are_moved(numbers: list[int], length: int) -> None:
    stay = longest_rising(numbers)
    assert len(stay) == length
    assert [each for each in numbers if each in stay] == sorted(stay)
