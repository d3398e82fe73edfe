"""A diff as Markdown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from markdown_it import MarkdownIt

from bot.commands.changes import show_diff
from core.content.diff import diff_content

ZONE = ZoneInfo("Europe/Zurich")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("The Moon is old.", "The Moon is round.", "**Text**: The Moon is ~~old~~ **round**."),
        ("# One\n\n- a", "# One\n\n- a\n- b\n- c", "**Text**: # One\n\n- a\n- **b**\n- **c**"),
        ("It is bold.", "It is **bold**.", "**Text**: It is **`**`**\u200abold\u200a**`**`**."),
        ("It is **old**.", "It is **new**.", r"**Text**: It is \*\*~~old~~ **new**\*\*."),
        ("See [old](u) `x_y`.", "See [new](u) `x_y`.", r"**Text**: See \[~~old~~ **new**\](u) \`x\_y\`."),
        ("The Moon.", "The Moon!", "**Text**: The Moon\u200a~~.~~ **!**"),
        ("- a\n- b", "- a\n  - b", "**Text**: - a\n**␣␣**- b"),
        ("if x:\n    y", "if x:\n  y", "**Text**: if x:\n~~␣␣␣␣~~ **␣␣**\u200ay"),
        ("if x:\n    y is old", "if x:\n    y is new", "**Text**: if x:\n\u00a0\u00a0\u00a0\u00a0y is ~~old~~ **new**"),
        ("a " * 40 + "old", "a " * 40 + "new", "**Text**: … " + "a " * 12 + "~~old~~ **new**"),
    ],
)
def test_words_are_marked_within_their_lines(before: str, after: str, shown: str) -> None:
    assert show_diff(diff_content({"body": before}, {"body": after}), ZONE) == shown


@pytest.mark.parametrize(
    ("before", "after", "went", "came"),
    [
        ("It is **old**.", "It is **new**.", "old", "new"),
        ("The Moon.", "The Moon!", ".", "!"),
        ("It is bold.", "It is **bold**.", "", "****"),
        ("if x:\n    y", "if x:\n  y", "␣␣␣␣", "␣␣"),
    ],
)
def test_a_reader_of_markdown_marks_what_changed(before: str, after: str, went: str, came: str) -> None:
    shown = show_diff(diff_content({"body": before}, {"body": after}), ZONE)
    page = MarkdownIt("commonmark").enable("strikethrough").render(shown)
    said = [re.sub(r"</?code>", "", each) for each in re.findall(r"<(?:s|strong)>(.*?)</(?:s|strong)>", page)]
    assert "".join(said) == f"Text{went}{came}"
    assert "~~" not in re.sub(r"<.*?>", "", page)


def test_titles_and_file_names_are_no_markdown() -> None:
    assert show_diff(diff_content(None, {"title": "The __init__ method"}), ZONE) == (
        r"**Title** (new): The \_\_init\_\_ method"
    )
    before, after = [{"filename": name, "byte_size": 5, "sha256": name.encode()} for name in ("a*b.md", "c.md")]
    assert show_diff(diff_content(before, after), ZONE) == r"**File**: ~~a\*b.md (1 kB)~~ **c.md (1 kB)**"


def test_values_are_shown_in_the_class_time_zone() -> None:
    before = {"points": Decimal(10), "due_at": None}
    after = {"points": Decimal("12.50"), "due_at": datetime(2030, 7, 1, 21, 59, tzinfo=UTC)}
    assert show_diff(diff_content(before, after), ZONE) == (
        "**Points**: ~~10~~ **12.5**\n\n**Due**: ~~none~~ **Mon 1 July 2030, 23:59 CEST**"
    )


def test_what_is_too_long_says_so() -> None:
    long = {"title": "T", "body": "word " * 5_000}
    new = show_diff(diff_content(None, long), ZONE)
    assert new.startswith("**Title** (new): T")
    assert len(new) < 1_000
    many = "\n".join(f"line {number} stays " + "so " * 30 + f"\nold {number}" for number in range(500))
    changed = show_diff(diff_content({"body": many}, {"body": many.replace("old", "new")}), ZONE)
    assert changed.endswith("… (there is more)")
    assert len(changed) < 4_000
    whole = show_diff(diff_content({"body": "old " * 5_000}, {"body": "new " * 5_000}), ZONE)
    assert whole.count("…") == 2
