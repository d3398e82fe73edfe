"""Who may read the page behind a citation, and what stands on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.passage import show_passage
from core.classes.models import ClassMembership
from core.documents import Chunk, Locator
from core.enums import MembershipRole
from core.errors import NotFound
from core.materials.files import MEDIA_TYPES, WITHOUT_NOTES
from core.materials.source_page import open_original, open_page, open_passage
from tests import factories as make
from tests.answers import tell
from tests.cited import PAGES, QUOTE, Shelf, cite, shelve, write


async def may_open(session: AsyncSession, shelf: Shelf) -> bool:
    """Say whether the student may; the page, the passage and the file must be of one mind."""
    opened = []
    for reading in (open_passage, open_page, open_original):
        try:
            await reading(session, shelf.student.id, shelf.cited.id)
            opened.append(True)
        except NotFound:
            opened.append(False)
    try:
        await show_passage(session, shelf.student.id, shelf.answer_id, 1)
        opened.append(True)
    except NotFound:
        opened.append(False)
    assert len(set(opened)) == 1
    return opened[0]


async def test_a_page_is_whole_and_marks_what_is_cited(session: AsyncSession) -> None:
    shelf = await shelve(session)
    page = await open_page(session, shelf.student.id, shelf.cited.id, answer_id=shelf.answer_id)
    assert [[(run.text, run.cited, run.quoted) for run in block.runs] for block in page.blocks] == [
        [("Tides", False, False)],
        [
            ("Tides follow the Moon. ", False, False),
            ("Two bulges form. ", True, False),
            (QUOTE, True, True),
        ],
        [("Spring tides are higher.", True, False)],
    ]
    assert (page.passage.title, page.passage.place, page.passage.replaced) == ("Moon notes", "p. 2", False)
    assert page.before
    assert (page.before.chunk_id, page.before.place) == (shelf.chunks[0].id, "p. 1")
    assert page.after
    assert (page.after.chunk_id, page.after.place) == (shelf.chunks[3].id, "p. 3")
    assert page.original
    assert (page.original.filename, page.original.page) == ("moon.pdf", 2)
    plain = await open_page(session, shelf.student.id, shelf.cited.id, answer_id=shelf.answer_id, marked=False)
    assert not any(run.cited or run.quoted for block in plain.blocks for run in block.runs)


async def test_another_answers_quote_is_not_marked(session: AsyncSession) -> None:
    shelf = await shelve(session)
    page = await open_page(session, shelf.student.id, shelf.cited.id, answer_id=uuid4())
    assert not any(run.quoted for block in page.blocks for run in block.runs)


async def test_a_long_text_without_pages_is_read_on_in_parts(session: AsyncSession) -> None:
    shelf = await shelve(session, *(Chunk(f"Paragraph {n} of it.", Locator()) for n in range(30)))
    seen = set()
    at = shelf.chunks[0].id
    for _ in range(10):
        page = await open_page(session, shelf.student.id, at)
        seen |= {run.text for block in page.blocks for run in block.runs}
        if page.after is None:
            break
        at = page.after.chunk_id
    assert seen == {f"Paragraph {n} of it." for n in range(30)}


async def test_a_generation_is_never_mixed_with_another(session: AsyncSession) -> None:
    shelf = await shelve(session)
    revision = await make.published_revision(session, shelf.material)
    await write(session, revision, shelf.class_.id, Chunk("Cut anew.", Locator(page=2)))
    page = await open_page(session, shelf.student.id, shelf.cited.id)
    assert not page.passage.replaced
    assert "Cut anew." not in [run.text for block in page.blocks for run in block.runs]


async def _remove_member(session: AsyncSession, shelf: Shelf) -> None:
    await session.execute(
        update(ClassMembership).where(ClassMembership.app_user_id == shelf.student.id).values(deleted_at=func.now())
    )


async def _delete_person(_: AsyncSession, shelf: Shelf) -> None:
    shelf.student.deleted_at = func.now()


async def _delete_class(_: AsyncSession, shelf: Shelf) -> None:
    shelf.class_.deleted_at = func.now()


async def _unpublish(_: AsyncSession, shelf: Shelf) -> None:
    shelf.material.published_revision_id = None


async def _delete_material(_: AsyncSession, shelf: Shelf) -> None:
    shelf.material.deleted_at = func.now()


async def _hide_its_lesson(session: AsyncSession, shelf: Shelf) -> None:
    module = await make.module(session, shelf.class_)
    await make.link(session, await make.lesson(session, module, published=False), shelf.material)


async def _withdraw_after_replacing(session: AsyncSession, shelf: Shelf) -> None:
    await make.revision(session, shelf.material, published=True, processing_status="READY")
    shelf.material.published_revision_id = None


async def _delete_revision(session: AsyncSession, shelf: Shelf) -> None:
    old = await make.published_revision(session, shelf.material)
    await make.revision(session, shelf.material, published=True, processing_status="READY")
    old.deleted_at = func.now()


@pytest.mark.parametrize(
    "change",
    [
        _remove_member,
        _delete_person,
        _delete_class,
        _unpublish,
        _delete_material,
        _hide_its_lesson,
        _withdraw_after_replacing,
        _delete_revision,
    ],
)
async def test_what_was_open_is_shut_when_it_may_not_be_seen_any_more(
    session: AsyncSession, change: Callable[[AsyncSession, Shelf], Awaitable[None]]
) -> None:
    shelf = await shelve(session)
    assert await may_open(session, shelf)
    await change(session, shelf)
    await session.flush()
    assert not await may_open(session, shelf)


async def test_nobody_outside_the_class_opens_anything(session: AsyncSession) -> None:
    shelf = await shelve(session)
    elsewhere = await shelve(session)
    for stranger in (elsewhere.student.id, elsewhere.teacher.id, uuid4()):
        with pytest.raises(NotFound):
            await open_page(session, stranger, shelf.cited.id)
    with pytest.raises(NotFound):
        await open_page(session, shelf.student.id, uuid4())


async def test_a_replaced_version_still_opens_and_says_so(session: AsyncSession) -> None:
    shelf = await shelve(session)
    newer = await make.revision(
        session, shelf.material, title="Moon notes, 2nd edition", published=True, processing_status="READY"
    )
    await write(session, newer, shelf.class_.id, Chunk("All new.", Locator(page=2)))
    page = await open_page(session, shelf.student.id, shelf.cited.id, answer_id=shelf.answer_id)
    assert page.passage.replaced
    assert page.passage.title == "Moon notes"
    assert QUOTE in [run.text for block in page.blocks for run in block.runs]
    assert (await show_passage(session, shelf.student.id, shelf.answer_id, 1)).replaced


async def test_a_draft_is_shown_to_nobody(session: AsyncSession) -> None:
    shelf = await shelve(session)
    draft = await make.revision(session, shelf.material, processing_status="READY")
    (unseen,) = await write(session, draft, shelf.class_.id, Chunk("Not yet.", Locator(page=1)))
    for viewer in (shelf.student, shelf.teacher):
        with pytest.raises(NotFound):
            await open_page(session, viewer.id, unseen.id)


async def test_notes_that_are_kept_out_now_are_shut_in_older_versions_too(session: AsyncSession) -> None:
    deck = MEDIA_TYPES[".pptx"]
    shelf = await shelve(
        session,
        Chunk("Venus is hot.", Locator(slide=1)),
        Chunk("Ask them why.", Locator(slide=1, notes=True)),
        Chunk("Mars is cold.", Locator(slide=2)),
        media_type=deck,
        filename="planets.pptx",
    )
    slide, notes, _ = shelf.chunks
    page = await open_page(session, shelf.student.id, slide.id)
    assert page.after
    assert page.after.chunk_id == notes.id
    await make.revision(
        session, shelf.material, published=True, processing_status="READY", media_type=deck + WITHOUT_NOTES
    )
    with pytest.raises(NotFound):
        await open_page(session, shelf.student.id, notes.id)
    page = await open_page(session, shelf.student.id, slide.id)
    assert page.after
    assert page.after.place == "slide 2"


@pytest.mark.parametrize("suffix", [".pdf", ".txt", ".ipynb", ".pptx", ".docx", ".html", ".md"])
async def test_students_get_only_files_that_hide_nothing(session: AsyncSession, suffix: str) -> None:
    shelf = await shelve(session, media_type=MEDIA_TYPES[suffix], filename=f"moon{suffix}")
    taught = await open_original(session, shelf.teacher.id, shelf.cited.id)
    assert taught.media_type == MEDIA_TYPES[suffix]
    page = await open_page(session, shelf.student.id, shelf.cited.id)
    assert (page.original is not None) is (suffix in (".pdf", ".txt"))
    if page.original is None:
        with pytest.raises(NotFound):
            await open_original(session, shelf.student.id, shelf.cited.id)


async def test_a_teacher_of_another_class_is_a_student_here(session: AsyncSession) -> None:
    shelf = await shelve(session, *PAGES, media_type=MEDIA_TYPES[".ipynb"], filename="lab.ipynb")
    await make.enrol(session, (await shelve(session)).class_, shelf.student, MembershipRole.TEACHER)
    with pytest.raises(NotFound):
        await open_original(session, shelf.student.id, shelf.cited.id)


async def test_a_lessons_own_text_has_a_page_and_no_file(session: AsyncSession) -> None:
    shelf = await shelve(session)
    lesson = await make.lesson(session, await make.module(session, shelf.class_), "Tides in depth")
    revision = await make.published_revision(session, lesson)
    (chunk,) = await make.chunks(session, revision, "Water rises.", class_id=shelf.class_.id)
    page = await open_page(session, shelf.student.id, chunk.id)
    assert (page.passage.title, page.passage.text, page.original) == ("Tides in depth", "Water rises.", None)
    draft = await make.revision(session, lesson, body="Not yet.", processing_status="READY")
    (unseen,) = await make.chunks(session, draft, "Not yet.", class_id=shelf.class_.id)
    for hidden in (unseen.id, chunk.id):
        with pytest.raises(NotFound):
            await open_page(session, shelf.student.id, hidden)
        lesson.published_revision_id = None
        await session.flush()


async def test_an_answers_sources_are_for_those_who_were_shown_the_answer(session: AsyncSession) -> None:
    shelf = await shelve(session)
    classmate, stranger = await make.person(session, "Ben"), await make.person(session, "Eve")
    await make.enrol(session, shelf.class_, classmate)
    passage = await show_passage(session, shelf.student.id, shelf.answer_id, 1)
    assert (passage.title, passage.place, passage.quote) == ("Moon notes", "p. 2", QUOTE)
    assert passage.quote in passage.text
    for person in (classmate, shelf.teacher):  # it was in private
        with pytest.raises(NotFound):
            await show_passage(session, person.id, shelf.answer_id, 1)
    with pytest.raises(NotFound):
        await show_passage(session, shelf.student.id, shelf.answer_id, 2)

    shared = await tell(session, user_id=shelf.student.id, class_id=shelf.class_.id, thread="1.1")
    await cite(session, shared.answer_id, shelf.cited.id, QUOTE)
    assert await show_passage(session, classmate.id, shared.answer_id, 1) == passage
    with pytest.raises(NotFound):
        await show_passage(session, stranger.id, shared.answer_id, 1)
