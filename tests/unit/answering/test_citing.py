"""Citations while they stream, and the sentences that support them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.answering.citing import CitationFilter, find_support, is_supported
from core.ports import Source


def stream(text: str, sources: int, *, size: int = 1) -> tuple[str, dict[int, int]]:
    citing = CitationFilter(sources)
    shown = "".join(citing.feed(text[at : at + size]) for at in range(0, len(text), size)) + citing.flush()
    return shown, citing.numbers


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Tides follow the Moon [3]. Also the Sun [1].", "Tides follow the Moon [1]. Also the Sun [2]."),
        ("Invented [9].", "Invented."),
        ("Both [2, 9] and [0].", "Both [1] and."),
        ("All [1-3]!", "All [1][2][3]!"),
        ("Other marks 【2†page 4】 and [Source 1] and [^2].", "Other marks [1] and [2] and [1]."),
        ("Not one: [see below] or [a](b).", "Not one: [see below] or [a](b)."),
        ("Code `xs[1]` stays, so does\n```\nxs[2] = 0\n```\nbut this [2] counts.",
         "Code `xs[1]` stays, so does\n```\nxs[2] = 0\n```\nbut this [1] counts."),
        ("An open [ at the end", "An open [ at the end"),
        ("Cut off [1", "Cut off [1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_numbers_are_checked_and_renumbered_however_the_text_arrives(written: str, shown: str, size: int) -> None:
    assert stream(written, 3, size=size)[0] == shown


@example("[1†`]`", 1)
@example(f"[1†{'a' * 46}]", 7)
@example(f"[1†{'a' * 45}]", 7)
@given(st.text(alphabet="ab [1239],`\n【】†-", max_size=60), st.integers(1, 7))
def test_what_is_shown_does_not_depend_on_how_the_text_was_cut(text: str, size: int) -> None:
    assert stream(text, 3, size=size) == stream(text, 3, size=1000)


def test_an_open_bracket_is_held_back_until_it_is_known() -> None:
    citing = CitationFilter(2)
    assert citing.feed("Yes [") == "Yes"
    assert citing.feed("2") == ""
    assert citing.feed("].") == " [1]."


SOURCES = (
    Source(1, "Tides", "p. 1", "The Sun also helps. Tides are caused by the gravity of the Moon. Fish do not mind."),
    Source(2, "Stars", "", "Stars twinkle because air bends their light."),
)


def test_the_supporting_sentence_is_verbatim_and_the_best_one() -> None:
    answer = "The Moon's gravity causes tides [1]. Twinkling is due to air. [2]"
    supports = find_support(answer, {1: 1, 2: 2}, SOURCES)
    assert [(s.number, s.quote) for s in supports] == [
        (1, "Tides are caused by the gravity of the Moon."),
        (2, "Stars twinkle because air bends their light."),
    ]
    assert all(s.quote in s.source.text for s in supports)
    assert is_supported(answer, supports)


def test_an_answer_that_its_source_does_not_carry_is_called_unsupported() -> None:
    answer = "Volcanoes and the gravity of Jupiter heat underground oceans, making tides of molten iron [1]."
    assert is_supported(answer, find_support(answer, {1: 1}, SOURCES)) is False
    assert is_supported("No citation at all.", []) is False


def test_words_cannot_judge_an_answer_in_another_language() -> None:
    answer = "Die Anziehungskraft unseres Trabanten bewirkt Ebbe und Flut [1]."
    assert is_supported(answer, find_support(answer, {1: 1}, SOURCES)) is None


def test_a_slides_lines_are_quoted_one_by_one() -> None:
    slide = "10 m\ntypical thickness of the main rings\n" + "The rings are 280,000 km wide: thinner than paper\n" * 2
    source = Source(1, "Saturn", "slide 6", slide + "Titan has lakes of methane")
    (support,) = find_support("Titan has lakes of methane [1].", {1: 1}, (source,))
    assert support.quote == "Titan has lakes of methane"


def test_claims_that_stand_in_the_source_are_quoted_together() -> None:
    answer = "The Sun also helps. [1]\nTides are caused by the gravity of the Moon. [1]"
    (support,) = find_support(answer, {1: 1}, SOURCES)
    assert support.quote == "The Sun also helps. Tides are caused by the gravity of the Moon."
