"""What a search finds, in what order, and what it never shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.content.models import LessonUnitRevision, Module
from core.enums import ProcessingStatus
from core.errors import StaleEmbedding
from core.materials.models import DEFAULT_DIMENSION, LessonUnitMaterial, MaterialRevision
from tests import factories as make
from tests.integration.retrieval.library import Library, directions, knowledge_settings, write


@pytest.fixture
async def library(session: AsyncSession) -> Library:
    await knowledge_settings(session)
    library = await Library.open(session)
    await write(session, library.lesson, ["The Moon pulls the sea."])
    await write(session, library.linked, ["Spring tides follow the full Moon."])
    await write(session, library.loose, ["Moonstone is a mineral; the Moon is not."])
    return library


async def test_a_class_is_searched_whole_and_a_lesson_with_its_materials(library: Library) -> None:
    everything = await library.texts("Moon")
    assert len(everything) == 3
    assert set(await library.texts("Moon", library.lesson)) == {
        "The Moon pulls the sea.",
        "Spring tides follow the full Moon.",
    }


async def test_a_hit_says_where_it_stands(library: Library, session: AsyncSession) -> None:
    library.linked.external_id = "week-1/tides.pdf"
    await session.flush()
    hit, *_ = await library.ask("spring tides")
    assert (hit.title, hit.context, hit.locator.page) == ("Moon notes", "Moon notes", 1)
    assert (hit.material_id, hit.material_revision_id) == (library.linked.id, library.linked.published_revision_id)
    assert (hit.lesson_unit_id, hit.lesson_unit_revision_id) == (None, None)
    assert (hit.source, hit.kind) == ("week-1/tides.pdf", "FILE")
    lesson, *_ = await library.ask("sea")
    assert (lesson.lesson_unit_id, lesson.kind, lesson.material_id) == (library.lesson.id, None, None)


async def hide_draft(session: AsyncSession, library: Library) -> None:
    draft = await make.revision(session, library.loose)
    await write(session, library.loose, ["Unreleased exam key."], revision=draft)


async def hide_old_generation(session: AsyncSession, library: Library) -> None:
    await write(session, library.loose, ["Unreleased exam key."])
    await write(session, library.loose, ["Revised."])


async def hide_unpublished(session: AsyncSession, library: Library) -> None:
    await write(session, library.loose, ["Unreleased exam key."])
    library.loose.published_revision_id = None


async def hide_deleted(session: AsyncSession, library: Library) -> None:
    await write(session, library.loose, ["Unreleased exam key."])
    library.loose.deleted_at = func.now()


async def hide_module(session: AsyncSession, library: Library) -> None:
    await write(session, library.lesson, ["Unreleased exam key."])
    await write(session, library.linked, ["Unreleased exam key."])
    (await session.get_one(Module, library.lesson.module_id)).published_revision_id = None


async def hide_unready(session: AsyncSession, library: Library) -> None:
    await write(session, library.loose, ["Unreleased exam key."])
    revision = await session.get_one(MaterialRevision, library.loose.published_revision_id)
    revision.processing_status = ProcessingStatus.FAILED


async def hide_other_class(session: AsyncSession, library: Library) -> None:
    other = await Library.open(session)
    for root in (other.lesson, other.linked, other.loose):
        await write(session, root, ["Unreleased exam key."])


async def hide_class(session: AsyncSession, library: Library) -> None:
    await write(session, library.loose, ["Unreleased exam key."])
    library.class_.deleted_at = func.now()


@pytest.mark.parametrize(
    "hide",
    [
        hide_draft,
        hide_old_generation,
        hide_unpublished,
        hide_deleted,
        hide_module,
        hide_unready,
        hide_other_class,
        hide_class,
    ],
)
@pytest.mark.parametrize("semantic", [False, True])
async def test_what_students_may_not_see_is_never_found(
    library: Library, session: AsyncSession, hide: Callable[[AsyncSession, Library], Awaitable[None]], semantic: bool
) -> None:
    await hide(session, library)
    await session.flush()
    nearest = directions({DEFAULT_DIMENSION - 1: 1})[0]
    for lesson in (None, library.lesson):
        hits = await library.ask("the unreleased exam key", nearest, semantic=semantic, lesson=lesson)
        assert "Unreleased exam key." not in [hit.text for hit in hits]


async def test_a_lesson_shows_nothing_that_was_taken_out_of_it(library: Library, session: AsyncSession) -> None:
    link = await session.scalar(select(LessonUnitMaterial).where(LessonUnitMaterial.material_id == library.linked.id))
    assert link is not None
    link.deleted_at = func.now()
    await session.flush()
    assert await library.texts("Moon", library.lesson) == ["The Moon pulls the sea."]
    library.lesson.published_revision_id = None
    await session.flush()
    assert await library.texts("Moon", library.lesson) == []


async def test_a_query_of_another_embedding_model_is_stale(library: Library) -> None:
    with pytest.raises(StaleEmbedding):
        await library.ask("Moon", np.ones(8, dtype=np.float32), model="another-space", semantic=True)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "🌒🌓🌔",
        "the of and",
        "هل يسحب القمر البحر؟",
        "月は海を引っ張りますか",
        "\x00\ud800",
        r"'moon' & ( | !:* \' \\",
        "moon " * 8_000,
        " ".join(f"word{number}" for number in range(6_000)),
    ],
    ids=["empty", "blank", "emoji", "stop words", "arabic", "japanese", "controls", "syntax", "long", "many words"],
)
@pytest.mark.parametrize("semantic", [False, True])
async def test_any_question_is_answered_or_finds_nothing(library: Library, question: str, semantic: bool) -> None:
    hits = await library.ask(question, directions({0: 1})[0], semantic=semantic)
    assert all("Moon" in hit.text for hit in hits)
    assert bool(hits) == ("moon" in question)


async def test_words_inside_paths_names_and_unspaced_scripts_are_found(library: Library, session: AsyncSession) -> None:
    texts = [
        "An input/output pin.",
        "Call read_sensor_value twice.",
        "It was “serendipity”—pure…luck.",
        "月は海を引っ張ります。",
        "ดวงจันทร์ดึงน้ำทะเล",
    ]
    await write(session, library.loose, texts)
    found = [
        (await library.texts(question))[0] for question in ("output", "sensor", "serendipity", "海を引く力", "จันทร์")
    ]
    assert found == texts


async def test_equal_passages_come_in_the_order_of_the_document(library: Library, session: AsyncSession) -> None:
    await write(session, library.loose, ["Ebb and flow."] * 12)
    hits = await library.ask("ebb flow", limit=12)
    assert [hit.locator.page for hit in hits] == list(range(1, 13))
    assert [hit.score for hit in hits] == [1.0] * 12


async def test_meaning_and_words_are_weighed_together(library: Library, session: AsyncSession) -> None:
    texts = ["Tides rise twice a day.", "Water levels change with lunar gravity.", "Tides of people.", "Knitting."]
    vectors = directions({0: 1}, {0: 1, 1: 0.3}, {2: 1}, {3: 1})
    await write(session, library.loose, texts, vectors=vectors)
    hits = await library.ask("tides", directions({0: 1})[0], semantic=True)
    by_text = {hit.text: hit for hit in hits}
    # Both legs, then each alone: meaning weighs twice what words weigh. What is neither near nor worded alike is left.
    assert [hit.text for hit in hits if hit.text in texts] == texts[:3]
    assert by_text[texts[0]].score == pytest.approx(1, abs=0.1)
    assert by_text[texts[1]].similarity == pytest.approx(1 / np.sqrt(1.09), abs=1e-5)
    assert by_text[texts[1]].coverage == 0
    assert "Knitting." not in by_text


async def test_hashed_words_never_reorder_what_the_words_found_but_fill_up(
    library: Library, session: AsyncSession
) -> None:
    texts = ["Estuaries are brackish.", "An estuary; estuaries; estuary!", "Brackisch spelling mistake.", "Knitting."]
    vectors = directions({0: 1}, {1: 1}, {0: 1, 2: 0.5}, {3: 1})
    await write(session, library.loose, texts, vectors=vectors)
    assert await _loose(library, "estuary") == [texts[1], texts[0], texts[2]]
    assert await _loose(library, "brackich") == [texts[0], texts[2]]


async def _loose(library: Library, question: str) -> list[str]:
    hits = await library.ask(question, directions({0: 1})[0])
    return [hit.text for hit in hits if hit.material_id == library.loose.id]


async def test_the_nearest_by_meaning_are_found_in_a_large_class(library: Library, session: AsyncSession) -> None:
    dice = np.random.default_rng(7)
    vectors = dice.standard_normal((1_500, DEFAULT_DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await write(session, library.loose, [f"Passage {number}." for number in range(1_500)], vectors=vectors)
    (await knowledge_settings(session)).minimum_similarity = 0.0
    await session.flush()
    for place in (3, 700, 1_499):
        query = vectors[place] + 0.5 * vectors[(place * 7) % 1_500] + 0.3 * vectors[(place * 11) % 1_500]
        exact = np.argsort(-(vectors @ query), kind="stable")[:3]
        hits = await library.ask(
            "", np.asarray(query / np.linalg.norm(query), dtype=np.float32), semantic=True, limit=3
        )
        assert [hit.text for hit in hits] == [f"Passage {number}." for number in exact]


async def test_the_limit_is_the_settings_unless_given(library: Library, session: AsyncSession) -> None:
    await write(session, library.loose, [f"Moon phase {number}." for number in range(12)])
    (await knowledge_settings(session)).top_k = 5
    await session.flush()
    assert len(await library.ask("Moon")) == 5
    assert len(await library.ask("Moon", limit=9)) == 9


async def test_a_lessons_own_revision_is_named(library: Library, session: AsyncSession) -> None:
    hit, *_ = await library.ask("sea")
    revision = await session.get_one(LessonUnitRevision, hit.lesson_unit_revision_id)
    assert revision.id == library.lesson.published_revision_id
