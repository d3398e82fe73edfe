from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import docx
import pptx
import pytest
from obstore.store import MemoryStore
from sqlalchemy import select, text, update

from adapters.courses.import_folder import import_folder
from adapters.storage import ObjectStorage
from core.assignments.models import AssignmentRevision
from core.audit.record import Actor
from core.content.create import Origin
from core.content.delete import delete
from core.content.edit import edit_draft
from core.content.fields import LessonFields
from core.content.import_lock import only_import
from core.content.import_report import Fate, ImportReport
from core.content.import_writing import Write, write_all
from core.content.imported import load_known
from core.content.kinds import LESSON, MODULE
from core.content.models import LessonUnit, LessonUnitRevision, Module
from core.content.publish import publish
from core.errors import Conflict, NotPermitted, StorageUnavailable
from core.materials.link import unlink_material
from core.materials.models import LessonUnitMaterial
from tests import factories
from tests.pipelines import DeadEmbedder, School
from tests.unit.documents.samples import deck, pdf

SECRET = "The magnitude is minus twelve."
COURSE = {
    "course.yaml": "assignments: [{path: 01-sky/01-moon.assignment.md, due: +14d, points: 50}]",
    "01-sky/README.md": "# The Sky\n\nLook up.",
    "01-sky/01-moon.md": "# The Moon\n\nThe Moon circles the Earth.",
    "01-sky/01-moon.assignment.md": "# Moon diary\n\nDraw it every night.",
    "01-sky/01-moon.answer-key.md": f"# Moon diary\n\n{SECRET}",
    "01-sky/01-moon.quiz.json": f'{{"answer": "{SECRET}"}}',
    "01-sky/02-stars/README.md": "# Stars\n\nThey twinkle.",
    "02-tools/01-scope.md": "# Telescopes\n\nBigger gathers more light.",
    "syllabus.md": "# Syllabus\n\nWe meet at dusk.",
    "solutions/week1.md": SECRET,
}
ALL = {"module": 2, "lesson": 3, "material": 2, "assignment": 1}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "astronomy"
    for name, content in COURSE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "01-sky/02-stars/guide.pdf").write_bytes(pdf(pages=2))
    return root


async def bring(school: School, folder: Path, **options: Any) -> ImportReport:
    return await import_folder(school.pipeline, school.teacher, school.class_id, folder, **options)


async def rows(school: School, statement: str) -> list[Any]:
    async with school.pipeline.sessions() as session:
        return list(await session.scalars(text(statement)))


async def lesson_id(school: School, key: str) -> UUID:
    async with school.pipeline.sessions() as session:
        found = await session.scalar(select(LessonUnit.id).where(LessonUnit.external_id == key))
        assert found is not None
        return found


async def edit(school: School, key: str, body: str) -> None:
    async with school.pipeline.sessions.begin() as session:
        fields = LessonFields("The Moon", body)
        root = await lesson_id(school, key)
        await edit_draft(session, school.teacher, LESSON, root, fields, queue=school.pipeline.queue)


def fates(report: ImportReport, fate: Fate) -> list[str]:
    return [entry.key for entry in report.of(fate)]


async def test_a_course_arrives_as_drafts_processed_and_is_published_on_demand(school: School, course: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    report = await bring(school, course, progress=lambda *step: steps.append(step))
    assert report.count(Fate.CREATED) == ALL
    assert not report.of(Fate.FAILED)
    assert (steps[-1][0], steps[-1][1]) == (8, 8)
    assert not await rows(school, "SELECT 1 FROM published_modules UNION ALL SELECT 1 FROM published_materials")
    report = await bring(school, course, publish=True)
    assert (report.count(Fate.UNCHANGED), report.count(Fate.PUBLISHED)) == (ALL, ALL)
    sources = set(await rows(school, "SELECT external_id FROM published_sources WHERE chunk_count > 0"))
    lessons = {"01-sky/01-moon.md", "01-sky/02-stars/README.md", "02-tools/01-scope.md"}
    assert sources == lessons | {"01-sky/02-stars/guide.pdf", "syllabus.md"}
    linked = "SELECT m.external_id FROM published_lesson_unit_materials JOIN materials m ON m.id = material_id"
    assert await rows(school, linked) == ["01-sky/02-stars/guide.pdf"]


async def test_every_change_leaves_one_audit_row(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    assert max((await school.audited()).values()) > 1
    doubled = "SELECT action FROM audit_logs GROUP BY action, entity_id HAVING count(*) > 1"
    assert not await rows(school, doubled)
    assert await school.audited() == {
        **{f"{kind}.create": number for kind, number in ALL.items()},
        **{f"{kind}.publish": number for kind, number in ALL.items()},
        "lesson.process": 3,
        "material.process": 2,
    }


async def test_what_is_for_teachers_reaches_no_table(school: School, course: Path) -> None:
    report = await bring(school, course, publish=True)
    assert {left.path for left in report.kept_out} == {
        "01-sky/01-moon.answer-key.md", "01-sky/01-moon.quiz.json", "solutions/week1.md",
    }  # fmt: skip
    for table in ("material_chunks", "lesson_unit_revisions", "assignment_revisions", "module_revisions"):
        assert not await rows(school, f"SELECT 1 FROM {table} t WHERE t::text LIKE '%minus twelve%'")


async def test_answers_in_any_format_reach_no_table(school: School, course: Path) -> None:
    cell = {"cell_type": "code", "source": SECRET, "metadata": {"tags": ["solution"]}, "outputs": []}
    asked = {"cell_type": "markdown", "source": "# Homework\n\nHow bright is it?", "metadata": {}}
    (course / "01-sky/homework1.ipynb").write_text(json.dumps({"nbformat": 4, "cells": [asked, cell]}))
    (course / "01-sky/quiz-1.txt").write_text(f"How bright is it?\n\nAnswer: {SECRET}")
    (course / "01-sky/quiz-2.html").write_text(f"<p>How bright is it?</p><p>Correct answer: {SECRET}</p>")
    word = docx.Document()
    word.add_heading("Week 1 Answer Key", 1)
    word.add_paragraph(SECRET)
    word.save(str(course / "01-sky/week1.docx"))
    report = await bring(school, course, publish=True)
    assert not report.of(Fate.FAILED)
    kept_out = {left.path: left.reason for left in report.kept_out}
    assert kept_out["01-sky/quiz-1.txt"] == kept_out["01-sky/quiz-2.html"] == "a quiz with its answers marked"
    assert kept_out["01-sky/week1.docx"] == "looks like answers"
    assert not await rows(school, "SELECT 1 FROM material_chunks t WHERE t::text LIKE '%minus twelve%'")
    assert report.count(Fate.PUBLISHED) == {**ALL, "material": 3}


async def test_what_is_kept_from_students_later_is_unpublished(school: School, course: Path) -> None:
    (course / "01-sky/moon-map.txt").write_text("Map of the Moon, with its seas.")
    (course / "01-sky/03-dusk.md").write_text("# Dusk\n\nFirst it gets dark.\n\nThen it stays dark.")
    await bring(school, course, publish=True)
    (course / "01-sky/01-moon.md").write_text("---\naudience: teachers\n---\n# The Moon\n\nThe Moon circles the Earth.")
    (course / "01-sky/moon-map.txt").rename(course / "01-sky/map-answers.txt")
    (course / "01-sky/03-dusk.md").rename(course / "01-sky/03-dusk.answer-key.md")
    (course / "syllabus.md").write_text("Who?\n\nCorrect answer: me\n\nWhat?\n\nCorrect answer: this")
    report = await bring(school, course, publish=True)
    withdrawn = {"01-sky/01-moon.md", "01-sky/moon-map.txt", "01-sky/03-dusk.md", "syllabus.md"}
    assert {entry.key: entry.reason for entry in report.of(Fate.WITHDRAWN)}.keys() == withdrawn
    assert not report.of(Fate.VANISHED)
    visible = "SELECT external_id FROM published_lesson_units UNION SELECT external_id FROM published_materials"
    assert not withdrawn & set(await rows(school, visible))
    audited = await school.audited()
    assert (audited["lesson.unpublish"], audited["material.unpublish"]) == (2, 2)
    report = await bring(school, course, publish=True)
    assert not report.of(Fate.WITHDRAWN)
    assert {entry.key for entry in report.of(Fate.VANISHED) if "STILL" in entry.reason} == set()


async def test_a_description_that_is_kept_from_students_later_is_named(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    (course / "01-sky/README.md").write_text("---\naudience: teachers\n---\n# The Sky\n\nLook up.")
    report = await bring(school, course)
    assert [note.startswith("The module 01-sky is STILL VISIBLE") for note in report.notes] == [True]
    assert not (await bring(school, course, publish=True)).notes
    assert set(await rows(school, "SELECT description FROM published_modules")) == {""}


async def test_what_waits_for_its_text_is_withdrawn_too(school: School, course: Path) -> None:
    dead = replace(school, pipeline=replace(school.pipeline, embedder=DeadEmbedder()))
    await bring(dead, course, publish=True)
    (course / "syllabus.md").rename(course / "syllabus-answers.md")
    report = await bring(dead, course)
    assert fates(report, Fate.WITHDRAWN) == ["syllabus.md"]
    await school.work()
    assert not await rows(school, "SELECT 1 FROM published_materials WHERE external_id = 'syllabus.md'")


async def test_a_lesson_that_becomes_an_assignment_is_said_to_be_visible_still(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    (course / "course.yaml").write_text("assignments: [{path: 02-tools/01-scope.md}]")
    (course / "02-tools/02-more.md").write_text("# More")
    (entry,) = (await bring(school, course)).of(Fate.VANISHED)
    assert (entry.kind, entry.key) == ("lesson", "02-tools/01-scope.md")
    assert entry.reason.startswith("It is an assignment of the course now, but the lesson is STILL VISIBLE")


async def test_what_somebody_wrote_alike_meanwhile_is_unchanged(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    moon = "01-sky/01-moon.md"
    async with school.pipeline.sessions() as session:
        source = await session.scalar(select(LessonUnit.import_source).limit(1))
        known = (await load_known(session, school.class_id, str(source), LESSON))[moon]
    await edit(school, moon, "The same words.")
    await school.work()
    async with school.pipeline.sessions.begin() as session:
        await publish(session, school.teacher, LESSON, known.root.id)
    fields = LessonFields("The Moon", "The same words.")
    write = Write(LESSON, Origin(str(source), moon), fields, school.class_id, known=known)
    (written,) = await write_all(school.pipeline, school.teacher, [write])
    assert [entry.fate for entry in written.entries] == [Fate.UNCHANGED]
    assert not written.to_publish


async def test_importing_the_same_course_again_changes_nothing(school: School, course: Path, tmp_path: Path) -> None:
    await bring(school, course, publish=True)
    count = "SELECT count(*) FROM audit_logs UNION ALL SELECT count(*) FROM material_chunks"
    before = await rows(school, count)
    async with school.pipeline.sessions.begin() as session:  # as if the first import had been a week ago
        await session.execute(text("ALTER TABLE assignment_revisions DISABLE TRIGGER USER"))
        await session.execute(update(AssignmentRevision).values(due_at=text("due_at - interval '7 days'")))
    report = await bring(school, shutil.copytree(course, tmp_path / "elsewhere" / "renamed"), publish=True)
    assert report.count(Fate.UNCHANGED) == ALL
    assert {entry.fate for entry in report.entries} == {Fate.UNCHANGED}
    assert await rows(school, count) == before


async def test_a_changed_file_is_one_new_draft_and_what_is_live_stays(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    (course / "01-sky/01-moon.md").write_text("# The Moon\n\nIt is made of rock.")
    (course / "01-sky/02-stars/guide.pdf").write_bytes(pdf(pages=3))
    report = await bring(school, course)
    assert set(fates(report, Fate.CHANGED)) == {"01-sky/01-moon.md", "01-sky/02-stars/guide.pdf"}
    live = "SELECT body FROM published_lesson_units WHERE external_id = '01-sky/01-moon.md'"
    assert await rows(school, live) == ["The Moon circles the Earth."]
    (course / "01-sky/01-moon.md").write_text("# The Moon\n\nIt is made of grey rock.")
    await bring(school, course)
    drafts = await rows(school, "SELECT version FROM lesson_unit_revisions WHERE visibility_state = 'DRAFT'")
    assert drafts == [2]
    report = await bring(school, course, publish=True)
    assert set(fates(report, Fate.PUBLISHED)) == {"01-sky/01-moon.md", "01-sky/02-stars/guide.pdf"}
    assert await rows(school, live) == ["It is made of grey rock."]


async def test_a_persons_edit_is_never_overwritten(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    moon = "01-sky/01-moon.md"
    await edit(school, moon, "My own words.")
    report = await bring(school, course, publish=True)
    assert moon in fates(report, Fate.UNCHANGED)
    assert not report.of(Fate.PUBLISHED)
    (course / moon).write_text("# The Moon\n\nThe file's new words.")
    for step in ("draft", "published"):
        report = await bring(school, course, publish=True)
        assert fates(report, Fate.CONFLICT) == [moon], step
        assert not report.of(Fate.PUBLISHED), step
        newest = "SELECT body FROM lesson_unit_revisions ORDER BY revision_number DESC LIMIT 1"
        assert await rows(school, newest) == ["My own words."], step
        await school.work()
        async with school.pipeline.sessions.begin() as session:
            if step == "draft":
                await publish(session, school.teacher, LESSON, await lesson_id(school, moon))


async def test_what_vanished_is_reported_and_what_was_deleted_stays_so(school: School, course: Path) -> None:
    await bring(school, course, publish=True)
    (course / "syllabus.md").unlink()
    (course / "02-tools/02-new.md").write_text("# New")
    async with school.pipeline.sessions.begin() as session:
        tools = await session.scalar(select(Module.id).where(Module.external_id == "02-tools"))
        assert tools is not None
        await delete(session, school.teacher, MODULE, tools)
    report = await bring(school, course, publish=True)
    assert fates(report, Fate.VANISHED) == ["syllabus.md"]
    assert "STILL VISIBLE" in report.of(Fate.VANISHED)[0].reason
    assert fates(report, Fate.DELETED) == ["02-tools"]
    assert [(entry.key, entry.reason) for entry in report.of(Fate.FAILED)] == [
        ("02-tools/02-new.md", "Its module was deleted.")
    ]
    assert len(await rows(school, "SELECT 1 FROM published_materials WHERE external_id = 'syllabus.md'")) == 1


async def test_a_link_that_a_teacher_took_out_is_not_made_again(school: School, course: Path) -> None:
    await bring(school, course)
    async with school.pipeline.sessions.begin() as session:
        (link,) = await session.scalars(select(LessonUnitMaterial))
        await unlink_material(session, school.teacher, link.lesson_unit_id, link.material_id)
    (course / "01-sky/01-moon.pdf").write_bytes(pdf(pages=1))
    await bring(school, course)
    living = "SELECT m.external_id FROM lesson_unit_materials k JOIN materials m ON m.id = k.material_id"
    assert await rows(school, f"{living} WHERE k.deleted_at IS NULL") == ["01-sky/01-moon.pdf"]


async def test_files_that_fail_stop_nothing(school: School, course: Path) -> None:
    (course / "01-sky/locked.pdf").write_bytes(pdf(password="secret"))
    (course / "materials").mkdir()
    (course / "materials/nothing.docx").write_bytes(b"")
    (course / "01-sky/03-huge.md").write_text("# Huge\n\n" + "word " * 250_000)
    for _ in range(2):
        report = await bring(school, course, publish=True)
        reasons = {entry.key: entry.reason for entry in report.of(Fate.FAILED)}
        assert reasons.keys() == {"01-sky/locked.pdf", "materials/nothing.docx", "01-sky/03-huge.md"}
        assert "password" in reasons["01-sky/locked.pdf"]
        assert "1,000,000" in reasons["01-sky/03-huge.md"]
    assert len(await rows(school, "SELECT 1 FROM published_lesson_units")) == 3


async def test_without_a_model_texts_wait_in_the_queue_and_are_published_then(school: School, course: Path) -> None:
    dead = replace(school, pipeline=replace(school.pipeline, embedder=DeadEmbedder()))
    report = await bring(dead, course, publish=True)
    assert report.count(Fate.QUEUED) == {"lesson": 3, "material": 2}
    assert report.count(Fate.PUBLISHED) == {"module": 2, "assignment": 1}
    await school.work()
    assert len(await rows(school, "SELECT 1 FROM published_sources WHERE chunk_count > 0")) == 5


async def test_an_import_that_broke_off_is_taken_up_where_it_stopped(school: School, course: Path) -> None:
    class FailingStorage(ObjectStorage):
        async def put(self, key: str, data: bytes) -> None:
            raise StorageUnavailable

        async def get(self, key: str) -> bytes:
            raise StorageUnavailable

    broken = replace(school, pipeline=replace(school.pipeline, storage=FailingStorage(MemoryStore())))
    with pytest.raises(StorageUnavailable):
        await bring(broken, course, publish=True)
    report = await bring(school, course, publish=True)
    assert report.count(Fate.UNCHANGED) == {"module": 2, "lesson": 3}
    assert report.count(Fate.CREATED) == {"material": 2, "assignment": 1}
    assert report.count(Fate.PUBLISHED) == ALL


async def test_two_courses_in_one_class_keep_apart(school: School, course: Path, tmp_path: Path) -> None:
    await bring(school, course)
    other = tmp_path / "handouts"
    (other / "01-sky").mkdir(parents=True)
    (other / "syllabus.md").write_text("# Another syllabus")
    (other / "01-sky/01-sun.md").write_text("# The Sun\n\nHot.")
    report = await bring(school, other)
    assert report.count(Fate.CREATED) == {"module": 1, "lesson": 1, "material": 1}
    assert not report.of(Fate.VANISHED)


async def test_speaker_notes_are_found_unless_the_course_keeps_them_out(school: School, course: Path) -> None:
    file, retitled = course / "01-sky/01-moon.pptx", course.parent / "retitled.pptx"
    file.write_bytes(deck())
    slides = pptx.Presentation(str(file))
    slides.slides[0].shapes.title.text = "Another title"
    slides.save(str(retitled))
    notes = "SELECT count(*) FROM published_chunks WHERE locator ? 'notes'"
    report = await bring(school, course, publish=True)
    assert await rows(school, notes) == [1]
    assert report.notes[-1].startswith("The speaker notes of 1 slide can be found")
    (course / "course.yaml").write_text("speaker_notes: false")
    by_worker, by_import = replace(school.pipeline, embedder=DeadEmbedder()), school.pipeline
    for pipeline, version in ((by_worker, file.read_bytes()), (by_import, retitled.read_bytes())):
        file.write_bytes(version)
        report = await bring(replace(school, pipeline=pipeline), course, publish=True)
        assert "01-sky/01-moon.pptx" in fates(report, Fate.CHANGED)
        assert report.notes[-1].startswith("The speaker notes of 1 slide were left out")
        await school.work()
        assert await rows(school, notes) == [0]
    assert "01-sky/01-moon.pptx" in fates(await bring(school, course, publish=True), Fate.UNCHANGED)


async def test_two_imports_into_one_class_never_run_at_once(school: School, course: Path) -> None:
    running, go_on = asyncio.Event(), asyncio.Event()

    class SlowStorage(ObjectStorage):
        async def put(self, key: str, data: bytes) -> None:
            running.set()
            await go_on.wait()
            await school.pipeline.storage.put(key, data)

        async def get(self, key: str) -> bytes:
            return await school.pipeline.storage.get(key)

    slow = replace(school, pipeline=replace(school.pipeline, storage=SlowStorage(MemoryStore())))
    first = asyncio.create_task(bring(slow, course))
    await running.wait()
    idle = "SELECT state FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid != pg_backend_pid()"
    idle += " AND datname = current_database()"
    assert await rows(school, idle) == ["idle"]
    with pytest.raises(Conflict, match="An import into this class is running"):
        await bring(school, course)
    go_on.set()
    assert (await first).count(Fate.CREATED) == ALL
    assert (await bring(school, course)).count(Fate.UNCHANGED) == ALL


async def test_an_import_that_dies_lets_the_next_one_in(school: School, course: Path) -> None:
    with pytest.raises(StorageUnavailable):
        async with only_import(school.pipeline.sessions, school.class_id):
            raise StorageUnavailable
    async with only_import(school.pipeline.sessions, school.class_id):
        kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        assert await rows(
            school, f"{kill} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert (await bring(school, course)).count(Fate.CREATED) == ALL


async def test_only_teachers_import(school: School, course: Path) -> None:
    async with school.pipeline.sessions.begin() as session:
        student = await factories.person(session, "Ada")
    with pytest.raises(NotPermitted):
        await bring(replace(school, teacher=Actor.person(student.id, "test")), course)
    async with school.pipeline.sessions() as session:
        assert not list(await session.scalars(select(LessonUnitRevision)))
