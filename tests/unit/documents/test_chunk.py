"""How documents are cut into passages."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.documents.chunk import SIZE, chunk
from adapters.documents.parse import parse
from core.documents import Block, BlockKind, Document, Locator
from tests.unit.documents import samples

SENTENCE = "The sensor sends its value to the gateway every ten minutes. "


def markdown(source: str) -> Document:
    return parse(source.encode(), "a.md")


@pytest.mark.parametrize("name", samples.FORMATS)
def test_every_format_is_cut_the_same_way_every_time(name: str) -> None:
    document = parse(samples.FORMATS[name](), name)
    passages = chunk(document)
    assert passages
    assert passages == chunk(document)
    for passage in passages:
        assert passage.text.strip()
        assert passage.heading == " › ".join(passage.locator.headings)
        assert not passage.heading.startswith(samples.TITLE)


def test_a_record_of_180_words_is_one_passage() -> None:
    paragraphs = "\n\n".join(["word " * 29 + "end."] * 6)
    (passage,) = chunk(markdown(f"# Title\n\n## Part\n\n{paragraphs}"))
    assert len(passage.text.split()) == 180
    assert passage.heading == "Part"


def test_a_short_file_is_one_passage_with_its_headings_in_it() -> None:
    (passage,) = chunk(markdown("# Title\n\nIntro.\n\n## One\n\nFirst.\n\n## Two\n\nSecond."))
    assert passage.text == "Intro.\n\nOne\n\nFirst.\n\nTwo\n\nSecond."
    assert passage.heading == ""


def test_sections_are_not_mixed_and_subsections_are() -> None:
    long = SENTENCE * 10
    passages = chunk(markdown(f"# T\n\n## One\n\n{long}\n\n### Sub\n\nShort.\n\n## Two\n\n{long}"))
    assert [passage.heading for passage in passages] == ["One", "Two"]
    assert passages[0].text.endswith("Sub\n\nShort.")


def test_pages_slides_and_notes_are_never_mixed() -> None:
    pages = [chunk.locator.page for chunk in chunk(parse(samples.pdf(), "a.pdf"))]
    assert pages == [1, 2, 3, 4]
    slides = chunk(parse(samples.deck(), "a.pptx"))
    assert [(passage.locator.slide, passage.locator.notes) for passage in slides] == [
        (1, False), (2, False), (2, True), (3, False),
    ]  # fmt: skip
    assert slides[0].text == samples.TITLE
    assert "Pass a sensor" not in slides[1].text
    assert slides[1].heading == "How they work"


def test_a_long_paragraph_overlaps_by_whole_sentences() -> None:
    numbered = " ".join(f"Sentence {number} says something about the sensors." for number in range(100))
    passages = chunk(markdown(numbered))
    assert len(passages) > 2
    for before, after in pairwise(passages):
        assert after.text.startswith("Sentence")
        assert before.text.endswith(".")
        opening = after.text[: after.text.index(".") + 1]
        assert opening in before.text
    found = {int(number) for passage in passages for number in re.findall(r"Sentence (\d+)", passage.text)}
    assert found == set(range(100))


def test_code_and_tables_that_fit_stay_whole() -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(60))
    rows = "\n".join(f"| {number} | value {number} |" for number in range(50))
    source = f"## Part\n\n{SENTENCE * 12}\n\n```\n{code}\n```\n\n| n | v |\n|---|---|\n{rows}\n"
    texts = [passage.text for passage in chunk(markdown(source))]
    assert any(code in text for text in texts)
    assert any("n | v\n0 | value 0" in text and "49 | value 49" in text for text in texts)


def test_a_table_that_does_not_fit_repeats_its_header() -> None:
    rows = "\n".join(f"| {number} | a longer value for row {number} |" for number in range(200))
    passages = chunk(markdown(f"| Number | Value |\n|---|---|\n{rows}\n"))
    assert len(passages) > 3
    assert all(passage.text.startswith("Number | Value\n") for passage in passages)


def test_a_long_list_breaks_between_items_and_keeps_its_lead() -> None:
    items = "\n".join(f"{number}. {SENTENCE.strip()}" for number in range(1, 60))
    passages = chunk(markdown(f"## Steps\n\nDo this:\n\n{items}"))
    assert passages[0].text.startswith("Do this:\n\n1. The sensor")
    assert all(line[:1].isdigit() for passage in passages[1:] for line in passage.text.split("\n"))


def test_many_headings_without_text_are_still_cut() -> None:
    passages = chunk(markdown("".join(f"### Question number {number}\n\n" for number in range(300))))
    assert max(len(passage.text) for passage in passages) <= 1.35 * SIZE
    assert all(any(f"number {number}" in passage.text for passage in passages) for number in range(300))


def test_headings_without_text_are_not_lost() -> None:
    titles = [Block(BlockKind.HEADING, f"Topic {n}", Locator(page=n, headings=(f"Topic {n}",)), 1) for n in (1, 2)]
    assert [(passage.text, passage.heading) for passage in chunk(Document(tuple(titles)))] == [
        ("Topic 1", ""), ("Topic 2", ""),
    ]  # fmt: skip


blocks = st.lists(
    st.builds(
        lambda kind, words, level: Block(kind, " ".join(words), Locator(), level if kind is BlockKind.HEADING else 0),
        st.sampled_from(BlockKind),
        st.lists(st.sampled_from(["soil", "a", "sensor.", "moisture!", "x" * 90]), min_size=1, max_size=120),
        st.integers(1, 6),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(blocks=blocks, size=st.integers(200, SIZE))
def test_no_word_is_lost_and_no_passage_is_too_long(blocks: list[Block], size: int) -> None:
    passages = chunk(Document(tuple(blocks)), size=size, overlap=0)
    assert max((len(passage.text) for passage in passages), default=0) <= 1.35 * size
    kept = " ".join(passage.text for passage in passages)
    for block in blocks:
        if block.kind is not BlockKind.HEADING:
            assert all(word in kept for word in block.text.split())
    if all(block.kind is not BlockKind.HEADING for block in blocks):
        assert kept.split() == [word for block in blocks for word in block.text.split()]
