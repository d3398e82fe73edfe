"""What students see through the `published_…` views, and what they never do."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.classes.models import Class
from core.content.models import LessonUnit, LessonUnitRevision, Module
from core.content.revisions import Root
from core.db import Entity
from core.enums import MembershipRole, ProcessingStatus
from core.identity.models import AppUser
from core.materials.models import Material
from core.schema.views import VIEWS
from tests import factories as make


@dataclass
class Course:
    """One of everything, all of it visible."""

    class_: Class
    module: Module
    lesson: LessonUnit
    material: Material
    loose: Material
    assignment: Assignment
    student: AppUser


@pytest.fixture
async def course(session: AsyncSession) -> Course:
    class_ = await make.class_(session)
    module = await make.module(session, class_)
    lesson = await make.lesson(session, module)
    material = await make.material(session, class_, lessons=(lesson,))
    loose = await make.material(session, class_, "Glossary")
    assignment = await make.assignment(session, class_, in_lesson=lesson)
    student = await make.person(session)
    await make.enrol(session, class_, student)
    grade = await make.grade(session, assignment, student, released=True)
    grade.extension_due_at = func.now()
    for root in (lesson, material, loose):
        revision = await make.published_revision(session, root)
        await make.chunks(session, revision, "The Moon turns.", class_id=class_.id)
    return Course(class_, module, lesson, material, loose, assignment, student)


async def seen(session: AsyncSession) -> dict[str, int]:
    """Return how many rows each view has, without "published_" and without what is empty."""
    await session.flush()
    counts = {name: await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in VIEWS}
    return {name.removeprefix("published_"): found for name, found in counts.items() if found}


async def hide(session: AsyncSession, row: Entity) -> None:
    row.deleted_at = func.now()
    await session.flush()


ALL = {
    "modules": 1,
    "lesson_units": 1,
    "materials": 2,
    "lesson_unit_materials": 1,
    "assignments": 1,
    "sources": 3,
    "chunks": 3,
    "grades": 1,
    "extensions": 1,
}
WITHOUT_LESSON = {"modules": 1, "materials": 1, "sources": 1, "chunks": 1}
WITHOUT_MODULE = {"materials": 1, "sources": 1, "chunks": 1}
WITHOUT_MATERIAL = ALL | {"materials": 1, "sources": 2, "chunks": 2}
del WITHOUT_MATERIAL["lesson_unit_materials"]
WITHOUT_ASSIGNMENT = {name: each for name, each in ALL.items() if name not in {"assignments", "grades", "extensions"}}

# What is left when one thing is hidden; what hangs on it goes with it.
LEFT = {
    "module": WITHOUT_MODULE,
    "lesson": WITHOUT_LESSON,
    "material": WITHOUT_MATERIAL,
    "assignment": WITHOUT_ASSIGNMENT,
}


async def test_everything_published_is_seen(session: AsyncSession, course: Course) -> None:
    assert await seen(session) == ALL


@pytest.mark.parametrize("name", LEFT)
async def test_an_unpublished_thing_hides_itself_and_what_hangs_on_it(
    session: AsyncSession, course: Course, name: str
) -> None:
    root: Root = getattr(course, name)
    root.published_revision_id = None
    assert await seen(session) == LEFT[name]


@pytest.mark.parametrize("name", LEFT)
async def test_a_deleted_thing_hides_itself_and_what_hangs_on_it(
    session: AsyncSession, course: Course, name: str
) -> None:
    await hide(session, getattr(course, name))
    assert await seen(session) == LEFT[name]


@pytest.mark.parametrize("name", LEFT)
async def test_a_deleted_revision_hides_the_thing(session: AsyncSession, course: Course, name: str) -> None:
    await hide(session, await make.published_revision(session, getattr(course, name)))
    assert await seen(session) == LEFT[name]


async def test_a_deleted_class_hides_everything(session: AsyncSession, course: Course) -> None:
    await hide(session, course.class_)
    assert await seen(session) == {}


async def test_nothing_that_was_never_published_is_seen(session: AsyncSession, course: Course) -> None:
    module = await make.module(session, course.class_, published=False)
    lesson = await make.lesson(session, module)  # published, in a module that is not
    draft = await make.lesson(session, course.module, published=False)
    for revision in await session.scalars(
        select(LessonUnitRevision).where(LessonUnitRevision.lesson_unit_id.in_([lesson.id, draft.id]))
    ):
        await make.chunks(session, revision, "Unseen.", class_id=course.class_.id)
    await make.material(session, course.class_, published=False)
    await make.assignment(session, course.class_, published=False)
    await make.assignment(session, course.class_, in_module=module)
    await make.assignment(session, course.class_, in_lesson=lesson)
    assert await seen(session) == ALL


async def test_a_new_draft_changes_nothing(session: AsyncSession, course: Course) -> None:
    for root in (course.module, course.lesson, course.material, course.assignment):
        await make.revision(session, root, title="Not yet")
    titles = await session.scalars(
        text(
            "SELECT title FROM published_modules UNION SELECT title FROM published_lesson_units"
            " UNION SELECT title FROM published_materials UNION SELECT title FROM published_assignments"
        )
    )
    assert set(titles) == {"The sky", "The Moon", "Moon notes", "Glossary", "Observe the Moon"}


async def test_the_newest_publication_is_seen_with_its_own_chunks(session: AsyncSession, course: Course) -> None:
    revision = await make.revision(session, course.loose, title="Glossary, second edition", published=True)
    assert (await seen(session))["chunks"] == 2  # PENDING: the class waits for it
    revision.processing_status = ProcessingStatus.READY
    await make.chunks(session, revision, "Apogee: the farthest point.", class_id=course.class_.id)
    assert await seen(session) == ALL
    texts = await session.scalars(
        text("SELECT text FROM published_chunks WHERE material_id = :id"), {"id": course.loose.id}
    )
    assert list(texts) == ["Apogee: the farthest point."]


async def test_only_the_live_generation_of_chunks_is_seen(session: AsyncSession, course: Course) -> None:
    revision = await make.published_revision(session, course.lesson)
    await make.chunks(session, revision, "First half.", "Second half.", class_id=course.class_.id)
    texts = await session.scalars(
        text("SELECT text FROM published_chunks WHERE lesson_unit_id = :id ORDER BY ordinal"), {"id": course.lesson.id}
    )
    assert list(texts) == ["First half.", "Second half."]


@pytest.mark.parametrize(
    "status", [ProcessingStatus.PENDING, ProcessingStatus.PROCESSING, ProcessingStatus.FAILED], ids=str
)
async def test_a_material_is_seen_only_when_it_is_ready(
    session: AsyncSession, course: Course, status: ProcessingStatus
) -> None:
    revision = await make.published_revision(session, course.material)
    revision.processing_status = status
    assert await seen(session) == WITHOUT_MATERIAL


async def test_a_material_is_seen_while_one_of_its_lessons_is(session: AsyncSession, course: Course) -> None:
    hidden = await make.lesson(session, course.module, published=False)
    await make.link(session, hidden, course.material)
    assert await seen(session) == ALL
    course.lesson.published_revision_id = None
    assert await seen(session) == WITHOUT_LESSON


async def test_a_material_taken_out_of_all_lessons_belongs_to_the_class(session: AsyncSession, course: Course) -> None:
    place = await make.link(session, await make.lesson(session, course.module, published=False), course.loose)
    assert (await seen(session))["materials"] == 1
    await hide(session, place)
    assert await seen(session) == ALL


async def test_every_row_names_the_class_it_belongs_to(session: AsyncSession, course: Course) -> None:
    other = await make.class_(session)
    for view in VIEWS:
        if view != "published_lesson_unit_materials":
            statement = text(f"SELECT count(*) FROM {view} WHERE class_id = :id")
            assert await session.scalar(statement, {"id": other.id}) == 0
            assert await session.scalar(statement, {"id": course.class_.id}) == ALL[view.removeprefix("published_")]


async def test_what_hangs_on_another_class_is_not_seen(session: AsyncSession, course: Course) -> None:
    other = await make.class_(session)
    foreign = await make.lesson(session, course.module)
    foreign.class_id = other.id
    elsewhere = await make.material(session, other, lessons=(course.lesson,))
    await make.assignment(session, other, in_lesson=course.lesson)
    await make.assignment(session, other, in_module=course.module)
    assert await seen(session) == ALL
    assert elsewhere.class_id == other.id


@pytest.mark.parametrize("state", ["not released", "teacher now", "left the class", "deleted"])
async def test_a_grade_is_seen_when_released_to_a_student_of_the_class(
    session: AsyncSession, course: Course, state: str
) -> None:
    other = await make.person(session, "Grace")
    role = MembershipRole.TEACHER if state == "teacher now" else MembershipRole.STUDENT
    membership = await make.enrol(session, course.class_, other, role)
    row = await make.grade(session, course.assignment, other, released=state != "not released")
    if state == "left the class":
        await hide(session, membership)
    if state == "deleted":
        await hide(session, row)
    assert await seen(session) == ALL
