"""Create, edit and revert: drafts come and go, and students see none of it."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.content.create import Origin, create_assignment, create_lesson, create_material
from core.content.delete import delete
from core.content.edit import edit_draft
from core.content.fields import AssignmentFields, FileFields, LessonFields, ModuleFields
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.publish import publish
from core.content.revert import revert
from core.enums import ProcessingStatus
from core.errors import Conflict, InvalidInput, NotFound
from core.materials.models import LessonUnitMaterial
from tests import factories as make
from tests.integration.content.desk import Desk, each_indexed, each_kind, fields


@each_kind
async def test_a_new_thing_is_a_draft_that_nobody_sees(desk: Desk, kind: Kind) -> None:
    async with desk.records(f"{kind.name}.create"):
        root = await desk.create(kind)
    assert await desk.history(kind, root) == [(1, "First", "DRAFT", False)]
    assert await desk.shown(kind, root) is None
    draft = await desk.draft(kind, root)
    assert {name: getattr(draft, name) for name in asdict(fields(kind, "First"))} == asdict(fields(kind, "First"))
    assert root.class_id == desk.class_id
    assert (root.created_by_user_id, draft.created_by_user_id) == (desk.teacher.user_id,) * 2
    assert desk.queue.jobs == ([(f"process_{kind.name}", draft.id)] if kind.indexed else [])


@each_kind
async def test_things_are_numbered_in_the_order_they_are_made(desk: Desk, kind: Kind) -> None:
    first = await desk.create(kind)
    assert [(await desk.create(kind)).position - first.position for _ in range(2)] == [1, 2]


@each_kind
async def test_editing_writes_the_one_draft(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    desk.queue.drain()
    async with desk.records(f"{kind.name}.edit"):
        draft = await desk.edit(kind, root, "Second")
    assert await desk.history(kind, root) == [(1, "Second", "DRAFT", False)]
    assert draft.version == 2
    assert desk.queue.jobs == ([(f"process_{kind.name}", draft.id)] if kind.indexed else [])


@each_kind
async def test_editing_what_is_live_begins_a_draft_and_leaves_the_live_one(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    async with desk.records(f"{kind.name}.edit"):
        await desk.edit(kind, root, "Second")
    assert await desk.history(kind, root) == [(1, "First", "PUBLISHED", False), (2, "Second", "DRAFT", False)]
    assert await desk.shown(kind, root) == "First"


@each_indexed
async def test_edited_text_is_processed_again_whatever_became_of_it(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    await desk.fail(kind, root, "Damaged.")
    draft = await desk.edit(kind, root, "Second")
    assert draft.processing_status is ProcessingStatus.PENDING
    assert (draft.failure_code, draft.failure_reason) == (None, None)


@each_kind
async def test_saying_the_same_again_changes_nothing(desk: Desk, kind: Kind) -> None:
    drafted, live = await desk.create(kind, "Same"), await desk.published(kind, "Same")
    desk.queue.drain()
    async with desk.nothing_changes():
        assert await desk.edit(kind, drafted, "Same") is None
        assert await desk.edit(kind, live, "Same") is None
    assert desk.queue.jobs == []


async def test_a_number_with_more_places_than_are_kept_is_the_same_number_again(desk: Desk) -> None:
    thirds = AssignmentFields("Thirds", points=Decimal(100) / 3, weight=Decimal(2) / 3)
    root = await create_assignment(desk.session, desk.teacher, desk.class_id, thirds)
    desk.session.expunge_all()
    async with desk.nothing_changes():
        assert await edit_draft(desk.session, desk.teacher, ASSIGNMENT, root.id, thirds, queue=desk.queue) is None


@each_kind
@pytest.mark.parametrize("saw", [0, 1, 3])
async def test_an_edit_of_a_draft_that_moved_on_is_refused_with_both_texts(desk: Desk, kind: Kind, saw: int) -> None:
    root = await desk.create(kind)
    await desk.edit(kind, root, "Theirs")
    async with desk.nothing_changes():
        with pytest.raises(Conflict) as refused:
            await desk.edit(kind, root, "Mine", expected_version=saw)
    assert refused.value.data["mine"] == asdict(fields(kind, "Mine"))
    assert refused.value.data["theirs"] == asdict(fields(kind, "Theirs"))
    assert (await desk.edit(kind, root, "Mine", expected_version=2)).version == 3


@each_kind
async def test_an_edit_of_a_draft_that_was_published_meanwhile_is_refused(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    with pytest.raises(Conflict) as refused:
        await desk.edit(kind, root, "Mine", expected_version=1)
    assert refused.value.data["theirs"] == asdict(fields(kind, "First"))
    assert (await desk.edit(kind, root, "Mine", expected_version=0)).revision_number == 2


@each_kind
async def test_what_the_session_read_earlier_hides_no_conflict(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    draft = await desk.draft(kind, root)  # a preview, say
    await desk.session.execute(
        update(kind.revision)
        .where(kind.revision.id == draft.id)
        .values(version=7)
        .execution_options(synchronize_session=False)
    )
    with pytest.raises(Conflict):
        await desk.edit(kind, root, "Mine", expected_version=1)


@each_kind
async def test_an_import_marks_its_drafts_as_nobodys(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    assert (await desk.edit(kind, root, "Imported", imported=True)).updated_by_user_id is None
    assert (await desk.edit(kind, root, "By hand")).updated_by_user_id == desk.teacher.user_id


@each_kind
async def test_reverting_copies_an_old_revision_into_a_new_draft(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First", "Second")
    desk.queue.drain()
    async with desk.records(f"{kind.name}.revert"):
        draft = await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)
    assert {name: getattr(draft, name) for name in asdict(fields(kind, "First"))} == asdict(fields(kind, "First"))
    assert (await desk.history(kind, root))[-1] == (3, "First", "DRAFT", False)
    assert await desk.shown(kind, root) == "Second"
    assert desk.queue.jobs == ([(f"process_{kind.name}", draft.id)] if kind.indexed else [])


@each_kind
async def test_reverting_over_a_draft_keeps_it_in_the_history(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    await desk.edit(kind, root, "Second thoughts")
    await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)
    await revert(desk.session, desk.teacher, kind, root.id, 2, queue=desk.queue)
    assert await desk.history(kind, root) == [
        (1, "First", "PUBLISHED", False),
        (2, "Second thoughts", "DRAFT", True),
        (3, "First", "DRAFT", True),
        (4, "Second thoughts", "DRAFT", False),
    ]


@each_kind
@pytest.mark.parametrize("number", [-1, 0, 2, 2**31, 10**30])
async def test_there_is_no_reverting_to_what_never_was(desk: Desk, kind: Kind, number: int) -> None:
    root = await desk.create(kind)
    async with desk.nothing_changes():
        with pytest.raises(NotFound, match="no revision"):
            await revert(desk.session, desk.teacher, kind, root.id, number, queue=desk.queue)


@each_kind
async def test_numbers_are_never_reused(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind, "1")
    for number in (2, 3):  # each takes the place of the draft before
        await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)
        assert (await desk.draft(kind, root)).revision_number == number
    await desk.publish(kind, root)
    await delete(desk.session, desk.teacher, kind, root.id)
    await desk.session.execute(
        update(kind.revision)
        .where(kind.root_column() == root.id, kind.revision.id != root.published_revision_id)
        .values(deleted_at=func.now())
    )
    root.deleted_at = None
    assert (await desk.edit(kind, root, "4")).revision_number == 4


@each_kind
async def test_there_is_nothing_to_do_with_what_never_was(desk: Desk, kind: Kind) -> None:
    nowhere = uuid4()
    for verb in (
        edit_draft(desk.session, desk.teacher, kind, nowhere, fields(kind, "?"), queue=desk.queue),
        revert(desk.session, desk.teacher, kind, nowhere, 1, queue=desk.queue),
        publish(desk.session, desk.teacher, kind, nowhere),
        delete(desk.session, desk.teacher, kind, nowhere),
    ):
        with pytest.raises(NotFound, match=f"no such {kind.name}"):
            await verb


class TestPlaces:
    """What a thing is made under."""

    async def test_a_material_is_linked_to_lessons_once_each_in_order(self, desk: Desk) -> None:
        lessons = [await desk.create(LESSON, words) for words in ("One", "Two")]
        wanted = (lessons[1].id, lessons[0].id, lessons[1].id)
        for position in (1, 2):
            material = await create_material(
                desk.session, desk.teacher, desk.class_id, _file("Notes"), queue=desk.queue, lesson_unit_ids=wanted
            )
            links = await desk.session.scalars(
                select(LessonUnitMaterial).where(LessonUnitMaterial.material_id == material.id)
            )
            assert {(link.lesson_unit_id, link.position) for link in links} == {
                (lesson.id, position) for lesson in lessons
            }

    async def test_nothing_is_made_under_another_classs_things(self, desk: Desk, session: AsyncSession) -> None:
        other = await make.class_(session)
        module = await make.module(session, other)
        lesson = await make.lesson(session, module)
        for module_id, lesson_id in ((module.id, None), (None, lesson.id)):
            with pytest.raises(InvalidInput, match="another class"):
                await create_assignment(
                    session, desk.teacher, desk.class_id, AssignmentFields("Work"),
                    module_id=module_id, lesson_unit_id=lesson_id,
                )  # fmt: skip
        with pytest.raises(InvalidInput, match="own class"):
            await create_material(
                session, desk.teacher, desk.class_id, _file("Notes"), queue=desk.queue, lesson_unit_ids=(lesson.id,)
            )

    async def test_an_assignment_has_one_parent_at_most(self, desk: Desk) -> None:
        lesson = await desk.create(LESSON)
        with pytest.raises(InvalidInput, match="not to both"):
            await create_assignment(
                desk.session, desk.teacher, desk.class_id, AssignmentFields("Work"),
                module_id=desk.module_id, lesson_unit_id=lesson.id,
            )  # fmt: skip

    async def test_nothing_is_made_under_what_is_deleted(self, desk: Desk) -> None:
        lesson = await desk.create(LESSON)
        await delete(desk.session, desk.teacher, LESSON, lesson.id)
        with pytest.raises(NotFound):
            await create_assignment(
                desk.session, desk.teacher, desk.class_id, AssignmentFields("Work"), lesson_unit_id=lesson.id
            )
        await delete(desk.session, desk.teacher, MODULE, desk.module_id)
        with pytest.raises(NotFound):
            await create_lesson(desk.session, desk.teacher, desk.module_id, LessonFields("Two"), queue=desk.queue)


class TestWhatIsWritten:
    """What people write is checked as it comes in."""

    def test_titles_are_one_clean_line(self) -> None:
        assert ModuleFields("  The\x00 \n sky ").title == "The sky"
        assert len(LessonFields("x" * 400).title) == 300
        for empty in ("", " \n ", "\x00"):
            with pytest.raises(InvalidInput, match="title"):
                AssignmentFields(empty)

    @pytest.mark.parametrize("number", ["-1", "99999.01", "NaN", "Infinity"])
    def test_numbers_have_bounds(self, number: str) -> None:
        with pytest.raises(InvalidInput, match="Points"):
            AssignmentFields("Work", points=Decimal(number))
        with pytest.raises(InvalidInput, match="Weight"):
            AssignmentFields("Work", weight=Decimal(number))

    async def test_the_largest_numbers_fit(self, desk: Desk) -> None:
        most = AssignmentFields("Work", points=Decimal(99_999), weight=Decimal(99_999))
        root = await create_assignment(desk.session, desk.teacher, desk.class_id, most)
        assert (await desk.draft(ASSIGNMENT, root)).weight == 99_999

    def test_a_text_has_an_end(self) -> None:
        with pytest.raises(InvalidInput, match="1,000,000"):
            LessonFields("Long", "x" * 1_000_001)


async def test_an_import_is_remembered_on_the_root(desk: Desk) -> None:
    origin = Origin("folder:a", "a.md")
    root = await create_material(
        desk.session, desk.teacher, desk.class_id, _file("Notes"), queue=desk.queue, origin=origin
    )
    draft = await desk.draft(MATERIAL, root)
    assert (root.import_source, root.external_id, draft.updated_by_user_id) == ("folder:a", "a.md", None)


def _file(title: str) -> FileFields:
    return FileFields(title, "files/1", "notes.md", "text/markdown", 5, b"\0" * 32)
