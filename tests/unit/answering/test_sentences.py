from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.sentences import split_sentences


def split(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It is 3.14 exactly.", "No. 5 is e.g. larger, cf. Fig. 2 and Eq. 7.", "Done."],
        ["Dr. Smith met J. K. Rowling in the U.S. Army.", "They spoke."],
        ["He lives in the U.S.", "The law differs there.", "Take vitamin C.", "It helps."],
        ["Use Acme Inc. products, nails, screws etc.", "They hold."],
        ["It rained in 1999.", "20 people came!", "Really?", "Yes…", "And then?!"],
        ['"Why?" he asked.', '"No."', "(She left.)", "“Never.”", "Silence."],
        ["Known since long.[12]", "Next.[3][4]", "End."],
        ["Visit example.com or run a.b.c now.", "Version 2.0.1 is out."],
        ["Am 3. Oktober 1990 kam z.B. die Einheit.", "Im 19. Jahrhundert nicht.", "Nr. 5 lebt."],
        ["Hard-wrapped text about the\nUnited States goes on.", "And\non."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_chinese_and_japanese_full_stops_need_no_space() -> None:
    sentences = ["私は学生です。", "彼は「本当？」と聞いた。", "はい！"]
    assert split("".join(sentences)) == sentences


def test_paragraphs_items_rows_and_headings_are_borders() -> None:
    text = (
        "Sensors\nA sensor is a device that measures\n\n- one. Two\n* three\n1. First. Second\n| a | b |\n| c | d |\nx"
    )

    assert split(text) == [
        "Sensors", "A sensor is a device that measures", "- one.", "Two", "* three", "1. First.", "Second",
        "| a | b |", "| c | d |", "x",
    ]  # fmt: skip


@given(st.text(alphabet=st.sampled_from("aZ1 .?!\n\t\"'”)[]-|#。」 Dr.éЖ光"), max_size=80) | st.text(max_size=80))
def test_sentences_are_quotes_in_order_and_nothing_is_lost(text: str) -> None:
    sentences = split_sentences(text)

    end = 0
    kept = []
    for sentence in sentences:
        assert sentence.start >= end
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        kept.append(sentence.text)
        end = sentence.end
    assert "".join("".join(kept).split()) == "".join(text.split())
