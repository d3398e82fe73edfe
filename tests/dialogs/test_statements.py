"""Publishing a module takes as many statements as that of a small one, however much is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, select

from bot.app import App
from core.classes.models import ChannelBinding
from core.content.create import create_assignment, create_lesson, create_material
from core.content.due import Outcome, run_due
from core.content.edit import edit_draft
from core.content.fields import AssignmentFields, FileFields, LessonFields
from core.content.kinds import LESSON, MATERIAL
from core.enums import VisibilityState
from core.materials.link import link_material
from tests import factories as make
from tests.dialogs.graded import Course, actor, open_course
from tests.dialogs.test_authoring import acts, id_of
from tests.dialogs.test_class_commands import words
from tests.processing import finish


class Counter:
    """How many statements each step takes."""

    def __init__(self) -> None:
        self.statements: dict[str, list[str]] = {}
        self.step: list[str] = []

    def note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.step.append(statement)

    def begin(self, name: str) -> None:
        self.step = self.statements[name] = []


@asynccontextmanager
async def counted(app: App) -> AsyncIterator[Counter]:
    counter = Counter()
    async with app.sessions() as session:
        engine = (await session.connection()).engine.sync_engine
    event.listen(engine, "before_cursor_execute", counter.note)
    yield counter
    event.remove(engine, "before_cursor_execute", counter.note)


async def course_of(app: App, lessons: int) -> Course:
    """Return a class with a channel and a module of so many lessons, each with a material and an assignment in it."""
    course = await open_course(app)
    tess = course.tess
    await tess.type("/module create Rocks")
    module_id = await id_of(course, "module", "Rocks")
    async with app.sessions.begin() as session:
        binding = ChannelBinding(workspace_id=tess.workspace_id, channel_id=course.code, class_id=course.class_id)
        await make.add(session, binding)
        for number in range(lessons):
            empty = number == 0
            text = LessonFields(f"L{number}", "" if empty else "Granite is hard.")
            queue = app.pipeline.queue
            lesson = await create_lesson(session, actor(tess), module_id, text, queue=queue)
            file = FileFields(f"M{number}", f"files/{number}", f"{number}.md", "text/markdown", 5, str(number).encode())
            material = await create_material(session, actor(tess), course.class_id, file, queue=queue)
            await link_material(session, actor(tess), lesson.id, material.id)
            work = AssignmentFields(f"A{number}")
            await create_assignment(session, actor(tess), course.class_id, work, lesson_unit_id=lesson.id)
    return course


async def written_again(course: Course, lessons: int) -> None:
    async with course.app.sessions.begin() as session:
        for number in range(lessons):
            lesson_id = await id_of(course, "lesson", f"L{number}")
            text = LessonFields(f"L{number}", f"Text {number} is another.")
            queue = course.app.pipeline.queue
            await edit_draft(session, actor(course.tess), LESSON, lesson_id, text, queue=queue)


async def finished(course: Course) -> None:
    """Let the workers be through with every text."""
    async with course.app.sessions.begin() as session:
        for kind in (LESSON, MATERIAL):
            drafts = await session.scalars(
                select(kind.revision)
                .join(kind.root, kind.root_column() == kind.root.id)
                .where(kind.root.class_id == course.class_id, kind.revision.visibility_state == VisibilityState.DRAFT)
            )
            for draft in drafts.all():
                await finish(session, kind, draft.id, draft.title)


async def statements(app: App, lessons: int) -> dict[str, list[str]]:
    course = await course_of(app, lessons)
    tess = course.tess
    async with counted(app) as counter:
        counter.begin("plan")
        await tess.type("/publish 1 whole")
        counter.begin("queue")
        assert "as soon as its text is ready" in words(await tess.press("Publish when ready"))
        counter.begin("call off")
        await tess.press("Cancel it")
        counter.begin("processing")
        await finished(course)
        await tess.type('/publish 1 whole at:"in 2 days"')
        counter.begin("schedule")
        assert f"{3 * lessons + 1} together" in words(await tess.press("Schedule it"))
        counter.begin("list")
        await tess.type("/publish")
        counter.begin("show")
        assert "Waits" in words(await tess.type("/lesson show L1"))
        counter.begin("clock")
        (ran,) = await due(course, days=3)
        assert ran is Outcome.DONE
        counter.begin("writing")
        await written_again(course, lessons)
        await finished(course)
        await tess.type("/publish 1 whole")
        counter.begin("now")
        assert f"({lessons} published together)" in words(await tess.press("Publish"))
    assert (await acts(course)).count("lesson.publish") == 2 * lessons
    return {name: done for name, done in counter.statements.items() if name not in ("processing", "writing")}


async def due(course: Course, *, days: int) -> list[Outcome]:
    return [each.outcome for each in await run_due(course.app.sessions, datetime.now(UTC) + timedelta(days=days))]


async def test_as_many_statements_for_a_large_module_as_for_a_small_one(app: App) -> None:
    few, many = 2, 7
    small, large = await statements(app, few), await statements(app, many)
    more = {name: len(done) - len(small[name]) for name, done in large.items()}
    # One for each lesson more would be five. One or two depend on what the garbage collector has left in a session.
    assert all(each < (many - few) // 2 + 1 for each in more.values()), more
