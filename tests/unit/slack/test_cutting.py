from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.cutting import ROOM, cut, escaped_length, shown_end

WORDS = "because of what we know of light "
CODE = "```py\n" + "line = 1\n" * 700 + "```"  # 6,300 characters


def paragraphs(count: int) -> str:
    return "\n\n".join(f"{number} {WORDS * 15}" for number in range(count))


def stream(text: str, step: int) -> tuple[str, str]:
    """Show a text as it comes, and return what the message holds in the end and the rest."""
    shown = 0
    for at in range(step, len(text) + step, step):
        end = shown_end(text[:at], shown)
        assert shown <= end <= len(text[:at])
        shown = end
    head, rest = cut(text, shown)
    assert head.startswith(text[:shown]), "what is shown stays"
    return head, rest


def test_a_text_that_fits_is_not_cut() -> None:
    text = paragraphs(20)
    assert stream(text, 100) == (text, "")


def test_the_cut_is_at_a_paragraphs_end() -> None:
    head, rest = stream(paragraphs(40), 100)
    assert head.endswith("\n\n")
    assert re.match(r"\d+ because", rest)


def test_code_is_not_torn() -> None:
    text = f"{paragraphs(12)}\n\n{CODE}\n\nThe end."
    head, rest = stream(text, 100)
    assert "```" not in head
    assert rest == f"{CODE}\n\nThe end."


def test_code_longer_than_a_message_is_closed_and_opened_again() -> None:
    text = "Look:\n\n````py\n" + "line = 1\n" * 3_000 + "````\nThat is all."
    head, rest = stream(text, 70)
    assert head.endswith("line = 1\n````")
    assert rest.startswith("````py\nline = 1\n")
    assert len(head.splitlines()) + len(rest.splitlines()) == len(text.splitlines()) + 2


@pytest.mark.parametrize("mark", ["> ", ">> ", ""])
def test_code_in_a_quotation_is_closed_and_opened_again_in_it(mark: str) -> None:
    lines = ["Look:", "```py", *["line = 1"] * 3_000, "> ```" if not mark else "line = 2", "```", "That is all."]
    text = "".join(f"{mark}{line}\n" for line in lines) + "\nAnd more."
    head, rest = stream(text, 70)
    assert head.endswith(f"{mark}line = 1\n{mark.strip()}```")
    assert rest.startswith(f"{mark}```py\n{mark}line = 1\n")
    assert rest.endswith("\nAnd more.")


def test_a_line_of_a_quotation_goes_on_as_one() -> None:
    head, rest = stream(f"> {WORDS * 500}\n\nThe end.", 90)
    assert rest.startswith("> ")
    assert head + rest.removeprefix("> ") == f"> {WORDS * 500}\n\nThe end."


def test_one_endless_paragraph_is_cut_between_words() -> None:
    head, rest = stream(WORDS * 500, 90)
    assert head.endswith(" ")
    assert head + rest == WORDS * 500


@pytest.mark.parametrize("text", ["<" * 20_000, "a" * 20_000, "```\n" + "<" * 20_000 + "\n```"])
def test_even_what_has_no_places_to_cut_fits(text: str) -> None:
    head, rest = stream(text, 500)
    assert escaped_length(head) <= ROOM
    assert (head + rest).count("<") == text.count("<")


PARTS = st.sampled_from(
    ["word ", "Sentence. ", "\n", "\n\n", "```\n", "```py\n", "~~~\n", "> ", "> ```\n", "<", "x" * 300, WORDS * 30]
)


@given(st.lists(PARTS, max_size=60).map("".join), st.integers(200, 3_000))
def test_nothing_is_lost_and_everything_fits(text: str, step: int) -> None:
    head, rest = stream(text, step)
    assert escaped_length(head) <= ROOM
    letters = re.sub(r"[\s`~>]|py", "", head + rest)
    assert letters == re.sub(r"[\s`~>]|py", "", text)
