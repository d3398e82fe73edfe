"""Streamed text is wrapped between words, however it arrives."""

from __future__ import annotations

from textwrap import fill

from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.wrap import Wrapper

TEXT = "Venus never gets further than 47 degrees from the Sun, and Mercury never more than 28 degrees. [1]"


def wrap(text: str, width: int, size: int) -> str:
    wrapper = Wrapper(width)
    return "".join(wrapper.feed(text[at : at + size]) for at in range(0, len(text), size)) + wrapper.flush()


def test_lines_break_where_a_typesetter_would_break_them() -> None:
    assert wrap(TEXT, 30, 3) == fill(TEXT, 30)
    assert wrap("one\n\ntwo three", 80, 1) == "one\n\ntwo three"
    assert wrap("月" * 3 + " " + "月" * 3, 8, 1) == "月月月\n月月月"


@given(st.text(alphabet="ab \n", max_size=80), st.integers(3, 20), st.integers(1, 9))
def test_no_word_is_lost_or_broken(text: str, width: int, size: int) -> None:
    assert wrap(text, width, size).split() == text.split()
    assert wrap(text, width, size) == wrap(text, width, 1000)
