from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from core.admin.models import AdminKnowledgeSettings
from core.audit.record import Actor
from core.content.create import create_lesson, create_module
from core.content.edit import edit_draft
from core.content.fields import LessonFields, ModuleFields
from core.content.kinds import LESSON, MATERIAL
from core.content.models import LessonUnitRevision
from core.content.publish import Publication, publish
from core.documents import Reading
from core.enums import ActionState, ProcessingStatus
from core.errors import (
    Empty,
    InvalidInput,
    ModelUnavailable,
    NotFound,
    NotPermitted,
    Oversized,
    Unreadable,
    WrongType,
)
from core.inbox.models import ScheduledAction
from core.materials.files import LARGEST_FILE
from core.materials.link import link_material, unlink_material
from core.materials.models import LessonUnitMaterial, MaterialChunk, MaterialRevision
from core.materials.process import process_material
from core.materials.queueing import queue_processing
from core.materials.upload import replace_file, upload_material
from tests import factories
from tests.pipelines import DeadEmbedder, School
from tests.unit.documents.samples import pdf, scan
from tests.unit.documents.test_failures import bomb

MOON = b"# The Moon\n\nThe Moon circles the Earth in a month.\n\n## Tides\n\nIt raises the tides.\n"


async def upload(school: School, data: bytes = MOON, filename: str = "moon.md") -> tuple[UUID, UUID]:
    """Return the material's id and its draft's."""
    p = school.pipeline
    material = await upload_material(
        p.sessions, p.storage, p.queue, school.teacher, school.class_id, data=data, filename=filename
    )
    return material.id, (await material_draft(school, material.id)).id


async def material_draft(school: School, material_id: UUID) -> MaterialRevision:
    async with school.pipeline.sessions() as session:
        found = await session.scalar(
            select(MaterialRevision)
            .where(MaterialRevision.material_id == material_id)
            .order_by(MaterialRevision.revision_number.desc())
            .limit(1)
        )
        assert found is not None
        return found


async def write_lesson(school: School, body: str) -> tuple[UUID, UUID]:
    """Return the lesson's id and its draft's."""
    async with school.pipeline.sessions.begin() as session:
        module = await create_module(session, school.teacher, school.class_id, ModuleFields("Sky"))
        lesson = await create_lesson(
            session, school.teacher, module.id, LessonFields("The Moon", body), queue=school.pipeline.queue
        )
        draft = await session.scalar(
            select(LessonUnitRevision.id).where(LessonUnitRevision.lesson_unit_id == lesson.id)
        )
        assert draft is not None
        return lesson.id, draft


async def chunks(school: School, revision_id: UUID) -> list[MaterialChunk]:
    async with school.pipeline.sessions() as session:
        rows = await session.scalars(
            select(MaterialChunk).where(MaterialChunk.revision_id == revision_id).order_by(MaterialChunk.ordinal)
        )
        return list(rows)


async def test_an_upload_becomes_searchable_through_the_queue(school: School) -> None:
    material_id, draft_id = await upload(school, pdf(pages=4), "field-guide.pdf")
    assert (await material_draft(school, material_id)).processing_status is ProcessingStatus.PENDING
    await school.work()
    draft = await material_draft(school, material_id)
    made = await chunks(school, draft_id)
    assert (draft.processing_status, draft.title, draft.media_type) == ("READY", "Field guide", "application/pdf")
    assert (draft.page_count, draft.chunk_generation, draft.chunk_count) == (4, 1, len(made))
    assert draft.token_count == sum(chunk.token_count for chunk in made) > 0
    assert [chunk.locator["page"] for chunk in made] == sorted(chunk.locator["page"] for chunk in made)
    assert {chunk.generation for chunk in made} == {1}
    assert await school.audited(material_id) == {"material.create": 1, "material.process": 1}


@pytest.mark.parametrize(
    ("data", "filename", "code", "sentence"),
    [
        (pdf(password="secret"), "locked.pdf", "encrypted", "password"),
        (b"%PDF-1.7\nnothing of the kind", "broken.pdf", "corrupt", "damaged"),
        (b"no deck at all", "deck.pptx", "corrupt", "something else"),
        (b" \n\n ", "blank.md", "empty", "no text"),
        (scan(), "scan.pdf", "scanned_only", "OCR"),
        (bytes(range(256)) * 8, "photo.txt", "wrong_type", "can't be read"),
        (bomb(), "bomb.docx", "zip_bomb", "unpacks"),
    ],
    ids=["encrypted", "corrupt", "not what it is called", "empty", "scanned", "binary", "bomb"],
)
async def test_a_file_that_cannot_be_read_fails_with_a_reason(
    school: School, data: bytes, filename: str, code: str, sentence: str
) -> None:
    material_id, draft_id = await upload(school, data, filename)
    async with school.pipeline.sessions.begin() as session:
        assert await publish(session, school.teacher, MATERIAL, material_id) is Publication.QUEUED
    await school.work()
    draft = await material_draft(school, material_id)
    assert (draft.processing_status, draft.failure_code, draft.chunk_generation) == ("FAILED", code, 0)
    assert sentence in (draft.failure_reason or "")
    assert draft.visibility_state == "DRAFT"
    assert not await chunks(school, draft_id)
    assert (await school.audited(material_id))["material.process"] == 1
    async with school.pipeline.sessions() as session:
        assert await session.scalar(select(ScheduledAction.state)) is ActionState.FAILED


async def test_what_waited_for_its_text_is_published_with_it(school: School) -> None:
    material_id, draft_id = await upload(school)
    async with school.pipeline.sessions.begin() as session:
        assert await publish(session, school.teacher, MATERIAL, material_id) is Publication.QUEUED
    await school.work()
    async with school.pipeline.sessions() as session:
        assert list(await session.scalars(text("SELECT revision_id FROM published_materials"))) == [draft_id]


@pytest.mark.parametrize("body", ["", "  ", "<!-- to be written -->", "Look: the Moon."])
async def test_a_lesson_may_be_empty(school: School, body: str) -> None:
    lesson_id, draft_id = await write_lesson(school, body)
    await school.work()
    made = await chunks(school, draft_id)
    async with school.pipeline.sessions() as session:
        draft = await session.get_one(LessonUnitRevision, draft_id)
    assert (draft.processing_status, draft.chunk_count, len(made)) == ("READY", draft.chunk_count, draft.chunk_count)
    assert [chunk.text for chunk in made] == ([body] if body.startswith("Look") else [])
    assert (await school.audited(lesson_id))["lesson.process"] == 1


async def test_a_claim_whose_worker_died_is_taken_up(school: School) -> None:
    material_id, draft_id = await upload(school)
    async with school.pipeline.sessions.begin() as session:
        await session.execute(update(MaterialRevision).values(processing_status=ProcessingStatus.PROCESSING))
    await school.work()
    assert (await material_draft(school, material_id)).processing_status is ProcessingStatus.READY
    assert len(await chunks(school, draft_id)) > 0


async def test_workers_that_meet_store_one_result(school: School) -> None:
    material_id, draft_id = await upload(school)
    await asyncio.gather(*(process_material(school.pipeline, draft_id) for _ in range(3)))
    assert {chunk.generation for chunk in await chunks(school, draft_id)} == {1}
    assert (await school.audited(material_id))["material.process"] == 1


async def test_a_draft_edited_while_it_is_read_gets_no_stale_chunks(school: School) -> None:
    lesson_id, draft_id = await write_lesson(school, "The Moon is made of cheese.")
    readings = []

    async def read(data: bytes, filename: str, *, size: int, overlap: int) -> Reading:
        readings.append(data)
        if len(readings) == 1:
            async with school.pipeline.sessions.begin() as session:
                fields = LessonFields("The Moon", "The Moon is made of rock.")
                await edit_draft(session, school.teacher, LESSON, lesson_id, fields, queue=school.pipeline.queue)
        return await school.pipeline.read(data, filename, size=size, overlap=overlap)

    await school.work(replace(school.pipeline, read=read))
    assert [chunk.text for chunk in await chunks(school, draft_id)] == ["The Moon is made of rock."]
    assert len(readings) == 2
    assert (await school.audited(lesson_id))["lesson.process"] == 1


async def test_a_new_text_is_a_new_generation_and_the_old_one_stays(school: School) -> None:
    lesson_id, draft_id = await write_lesson(school, "Old text.")
    await school.work()
    async with school.pipeline.sessions.begin() as session:
        fields = LessonFields("The Moon", "New text.")
        await edit_draft(session, school.teacher, LESSON, lesson_id, fields, queue=school.pipeline.queue)
    await school.work()
    made = {(chunk.generation, chunk.text) for chunk in await chunks(school, draft_id)}
    assert made == {(1, "Old text."), (2, "New text.")}


async def test_without_a_model_it_waits_then_fails_and_can_be_tried_again(school: School) -> None:
    material_id, draft_id = await upload(school)
    dead = replace(school.pipeline, embedder=DeadEmbedder())
    with pytest.raises(ModelUnavailable):
        await process_material(dead, draft_id)
    assert (await material_draft(school, material_id)).processing_status is ProcessingStatus.PENDING
    await school.work(dead)
    draft = await material_draft(school, material_id)
    assert (draft.processing_status, draft.failure_code) == ("FAILED", "model_unavailable")
    assert "could not be processed" in (draft.failure_reason or "")
    async with school.pipeline.sessions.begin() as session:
        await queue_processing(session, school.pipeline.queue, MATERIAL, draft_id)
    await school.work()
    draft = await material_draft(school, material_id)
    assert (draft.processing_status, draft.failure_code) == ("READY", None)
    assert (await school.audited(material_id))["material.process"] == 2


async def test_vectors_of_another_model_are_never_stored(school: School) -> None:
    _, draft_id = await upload(school)
    async with school.pipeline.sessions.begin() as session:
        await session.execute(update(AdminKnowledgeSettings).values(embedding_model="another"))
    with pytest.raises(ModelUnavailable, match="changed"):
        await process_material(school.pipeline, draft_id)
    assert not await chunks(school, draft_id)


async def test_a_file_that_is_gone_says_so(school: School) -> None:
    material_id, _ = await upload(school)
    async with school.pipeline.sessions.begin() as session:
        await session.execute(update(MaterialRevision).values(storage_key="materials/gone"))
    await school.work()
    assert (await material_draft(school, material_id)).failure_code == "file_missing"


@pytest.mark.parametrize(
    ("data", "filename", "refused"),
    [(b"", "a.md", Empty), (bytes(LARGEST_FILE + 1), "a.md", Oversized), (b"MZ", "a.exe", WrongType)],
    ids=["empty", "oversized", "wrong type"],
)
async def test_what_can_be_refused_at_once_leaves_nothing(
    school: School, tmp_path: Path, data: bytes, filename: str, refused: type[Unreadable]
) -> None:
    with pytest.raises(refused):
        await upload(school, data, filename)
    assert not stored(tmp_path)


async def test_only_teachers_upload(school: School, tmp_path: Path) -> None:
    async with school.pipeline.sessions.begin() as session:
        student = await factories.person(session, "Ada")
    stranger = replace(school, teacher=Actor.person(student.id, "test"))
    with pytest.raises(NotPermitted):
        await upload(stranger)
    assert not stored(tmp_path)


async def test_a_new_file_is_a_new_draft_and_the_same_file_is_none(school: School) -> None:
    material_id, draft_id = await upload(school)
    await school.work()
    async with school.pipeline.sessions.begin() as session:
        await publish(session, school.teacher, MATERIAL, material_id)
    p = school.pipeline
    again = partial(replace_file, p.sessions, p.storage, p.queue, school.teacher, material_id, filename="moon.md")
    assert await again(data=MOON) is None
    draft = await again(data=MOON + b"\nAnd it rises in the east.\n")
    assert draft is not None
    assert (draft.revision_number, draft.title, draft.id != draft_id) == (2, "Moon", True)
    await school.work()
    assert any("rises" in chunk.text for chunk in await chunks(school, draft.id))
    async with p.sessions() as session:
        assert list(await session.scalars(text("SELECT revision_id FROM published_materials"))) == [draft_id]


async def test_a_link_is_made_once_taken_back_and_revived(school: School) -> None:
    material_id, _ = await upload(school)
    lesson_id, _ = await write_lesson(school, "Text.")
    links = []
    for act in (link_material, link_material, unlink_material, link_material):
        async with school.pipeline.sessions.begin() as session:
            links.append(await act(session, school.teacher, lesson_id, material_id))
    async with school.pipeline.sessions() as session:
        (link,) = await session.scalars(select(LessonUnitMaterial))
    assert link.deleted_at is None
    assert await school.audited(link.id) == {"material.link": 2, "material.unlink": 1}
    async with school.pipeline.sessions.begin() as session:
        await unlink_material(session, school.teacher, lesson_id, material_id)
        with pytest.raises(NotFound):
            await unlink_material(session, school.teacher, lesson_id, material_id)
        elsewhere = await factories.material(session, await factories.class_(session))
        with pytest.raises(InvalidInput, match="own class"):
            await link_material(session, school.teacher, lesson_id, elsewhere.id)


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "storage").rglob("*") if path.is_file()]
