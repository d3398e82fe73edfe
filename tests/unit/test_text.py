"""Text as it comes in."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.content.fields import AssignmentFields, LessonFields
from core.errors import InvalidInput
from core.text import clean, one_line


@pytest.mark.parametrize("turn", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_a_title_turns_no_other_text_round(turn: str) -> None:
    assert one_line(f"exam{turn}gpj.exe", 300) == "examgpj.exe"
    assert LessonFields(f"{turn}Moon").title == "Moon"
    assert turn in clean(f"a{turn}b")  # a text may be of two directions


def test_letters_of_any_script_and_their_marks_stay() -> None:
    for title in (
        "\u05d0\u05d1\u200f!",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f52c",
    ):
        assert one_line(title, 300) == title


@pytest.mark.parametrize("name", ["points", "weight"])
def test_what_is_wrong_is_said_at_its_field(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        AssignmentFields("Essay", **{name: Decimal(-1)})  # type: ignore[arg-type]  # either number
    assert refused.value.data["field"] == name
    with pytest.raises(InvalidInput) as refused:
        LessonFields(" ")
    assert refused.value.data["field"] == "title"
