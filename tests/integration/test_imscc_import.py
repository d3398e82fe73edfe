from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from adapters.courses.import_path import import_path
from bot.console.courses import report_lines
from core.assignments.models import AssignmentRevision
from core.audit.record import Actor
from core.content.edit import edit_draft
from core.content.fields import LessonFields
from core.content.import_report import Fate, ImportReport
from core.content.kinds import LESSON
from core.content.models import LessonUnit
from core.errors import InvalidInput, NotPermitted
from tests import factories
from tests.packages import SECRET, canvas_course, item, listed, manifest, pack, page, resource
from tests.pipelines import School

ALL = {"module": 2, "lesson": 2, "material": 2, "assignment": 2}
Files = dict[str, str | bytes]


@pytest.fixture
def bring(school: School, tmp_path: Path) -> Callable[..., Awaitable[ImportReport]]:
    async def run(files: Files, **options: Any) -> ImportReport:
        package = pack(tmp_path / "course.imscc", files)
        return await import_path(school.pipeline, school.teacher, school.class_id, package, **options)

    return run


Bring = Callable[..., Awaitable[ImportReport]]


async def rows(school: School, statement: str) -> list[Any]:
    async with school.pipeline.sessions() as session:
        return list(await session.scalars(text(statement)))


def fates(report: ImportReport, fate: Fate) -> list[tuple[str, str]]:
    return [(entry.kind, entry.key) for entry in report.of(fate)]


async def lesson_id(school: School, key: str) -> UUID:
    async with school.pipeline.sessions() as session:
        return (await session.scalars(select(LessonUnit.id).where(LessonUnit.external_id == key))).one()


async def test_everything_arrives_as_a_draft_and_is_published_on_demand(school: School, bring: Bring) -> None:
    steps: list[tuple[int, int, str]] = []
    report = await bring(canvas_course(), progress=lambda *step: steps.append(step))
    assert report.count(Fate.CREATED) == ALL
    assert not report.of(Fate.FAILED)
    assert steps[-1][:2] == (8, 8)
    assert not await rows(school, "SELECT 1 FROM published_modules UNION ALL SELECT 1 FROM published_materials")
    report = await bring(canvas_course(), publish=True)
    assert (report.count(Fate.UNCHANGED), report.count(Fate.PUBLISHED)) == (ALL, ALL)
    sources = set(await rows(school, "SELECT external_id FROM published_sources WHERE chunk_count > 0"))
    assert sources == {"p1", "p3", "f1", "f2"}
    linked = "SELECT m.external_id FROM published_lesson_unit_materials JOIN materials m ON m.id = material_id"
    assert set(await rows(school, linked)) == {"f1", "f2"}
    async with school.pipeline.sessions() as session:
        diary = (
            await session.scalars(select(AssignmentRevision).where(AssignmentRevision.title == "Moon diary"))
        ).one()
        assert (diary.points, diary.weight) == (Decimal(50), Decimal(60))
        assert diary.due_at == datetime(2026, 10, 5, 21, 59, tzinfo=UTC)


async def test_an_unchanged_package_changes_nothing(school: School, bring: Bring) -> None:
    await bring(canvas_course())
    before = await rows(school, "SELECT id FROM audit_logs")
    for _ in range(2):
        report = await bring(canvas_course())
        assert report.count(Fate.UNCHANGED) == ALL
        assert len(report.entries) == sum(ALL.values())
    assert await rows(school, "SELECT id FROM audit_logs") == before
    for table in ("module_revisions", "lesson_unit_revisions", "material_revisions", "assignment_revisions"):
        assert await rows(school, f"SELECT count(*) FROM {table}") == [2]


async def test_one_page_changed_changes_one_draft(school: School, bring: Bring) -> None:
    await bring(canvas_course(), publish=True)
    files = canvas_course()
    files["wiki_content/telescopes.html"] = page("Telescopes", "<p>Smaller is lighter.</p>")
    before = await school.audited()
    report = await bring(files)
    assert fates(report, Fate.CHANGED) == [("lesson", "p3")]
    assert len(report.of(Fate.UNCHANGED)) == sum(ALL.values()) - 1
    assert (await school.audited() - before).keys() == {"lesson.edit", "lesson.process"}


async def test_things_are_known_by_their_identifiers_when_they_are_renamed(school: School, bring: Bring) -> None:
    await bring(canvas_course())
    files = {
        name.replace("the-moon", "luna").replace("map.txt", "atlas.txt"): each for name, each in canvas_course().items()
    }
    for name in ("imsmanifest.xml", "course_settings/module_meta.xml"):
        renamed = str(files[name]).replace("the-moon", "luna").replace("map.txt", "atlas.txt")
        files[name] = renamed.replace("The Moon", "Luna").replace("g1234567890abcdef12", "g-exported-from-a-copy")
    report = await bring(files)
    assert fates(report, Fate.CHANGED) == [("lesson", "p1")]
    assert not report.of(Fate.CREATED) + report.of(Fate.VANISHED)


async def test_what_a_person_edited_since_is_reported_and_left(school: School, bring: Bring) -> None:
    await bring(canvas_course(), publish=True)
    async with school.pipeline.sessions.begin() as session:
        fields = LessonFields("Telescopes", "Mine.")
        root = await lesson_id(school, "p3")
        await edit_draft(session, school.teacher, LESSON, root, fields, queue=school.pipeline.queue)
    assert not (await bring(canvas_course())).of(Fate.CONFLICT)
    files = canvas_course()
    files["wiki_content/telescopes.html"] = page("Telescopes", "<p>Smaller is lighter.</p>")
    report = await bring(files, publish=True)
    assert fates(report, Fate.CONFLICT) == [("lesson", "p3")]
    assert "conflict: lesson “Telescopes”: " in "\n".join(report_lines(report))
    assert await rows(school, "SELECT body FROM lesson_unit_revisions WHERE visibility_state = 'DRAFT'") == ["Mine."]


async def test_an_assignment_that_moved_in_the_package_moves_here(school: School, bring: Bring) -> None:
    await bring(canvas_course())
    files = canvas_course()
    for name, diary, telescopes in (
        ("imsmanifest.xml", item("i3", "Moon diary", "a1"), item("i7", "Telescopes", "p3")),
        (
            "course_settings/module_meta.xml",
            listed("i3", "Assignment", "Moon diary", "a1", 4),
            listed("i7", "WikiPage", "Telescopes", "p3", 1),
        ),
    ):
        said = str(files[name])
        assert diary in said
        files[name] = said.replace(diary, "").replace(telescopes, telescopes + diary)
    above = "SELECT m.external_id FROM assignments a JOIN modules m ON m.id = a.module_id WHERE a.external_id = 'a1'"
    assert await rows(school, above) == ["m1"]
    report = await bring(files)
    assert fates(report, Fate.MOVED) == [("assignment", "a1")]
    assert await rows(school, above) == ["m2"]
    assert not (await bring(files)).of(Fate.MOVED)


async def test_answers_reach_no_table_and_are_withdrawn_when_they_turn_up_later(school: School, bring: Bring) -> None:
    await bring(canvas_course(), publish=True)
    files = canvas_course()
    files["web_resources/map.txt"] = f"Who?\n\nCorrect answer: {SECRET}\n\nWhat?\n\nCorrect answer: B"
    files["wiki_content/the-moon.html"] = page("Moon quiz", f"<p>How bright?</p><p>Correct answer: {SECRET}</p>")
    report = await bring(files)
    assert set(fates(report, Fate.WITHDRAWN)) == {("lesson", "p1"), ("material", "f1")}
    lines = report_lines(report)
    assert "kept from students: 3 things" in lines
    assert "  Map: gives the answers to its questions" in lines
    assert "  The Sky › The Moon: a quiz with its answers marked" in lines
    for table in ("material_chunks", "lesson_unit_revisions", "assignment_revisions", "module_revisions"):
        assert not await rows(school, f"SELECT 1 FROM {table} t WHERE t::text LIKE '%minus twelve%'")


async def test_what_the_package_lost_is_named_by_its_title(school: School, bring: Bring) -> None:
    await bring(canvas_course())
    files = canvas_course()
    moon = resource("p1", "webcontent", "wiki_content/the-moon.html")
    files["imsmanifest.xml"] = manifest(item("m1", "The Sky", inside=item("i1", "The Moon", "p1")), [moon])
    for name in ("module_meta.xml", "assignment_groups.xml"):
        del files[f"course_settings/{name}"]
    report = await bring(files)
    assert {report.name(entry) for entry in report.of(Fate.VANISHED)} == {
        "module “Tools”", "lesson “Telescopes”", "material “Map”", "material “Optics”", "assignment “Moon diary”",
        "assignment “Essay”",
    }  # fmt: skip


async def test_packages_that_cannot_be_imported_leave_nothing(school: School, tmp_path: Path, bring: Bring) -> None:
    with pytest.raises(InvalidInput, match="no course package"):
        await bring({"readme.txt": "Hi."})
    async with school.pipeline.sessions.begin() as session:
        stranger = Actor.person((await factories.person(session, "Deneb")).id, "test")
    with pytest.raises(NotPermitted):
        await import_path(school.pipeline, stranger, school.class_id, tmp_path / "nothing-was-read.imscc")
    assert not await rows(school, "SELECT 1 FROM modules")
