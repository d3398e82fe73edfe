"""A diff as Markdown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.commands.changes import show_diff
from core.content.diff import diff_content

ZONE = ZoneInfo("Europe/Zurich")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("The Moon is old.", "The Moon is round.", "**Text**: The Moon is ~~old~~ **round**."),
        ("# One\n\n- a", "# One\n\n- a\n- b\n- c", "**Text**: # One\n\n- a\n- **b**\n- **c**"),
        ("It is bold.", "It is **bold**.", "**Text**: It is **`**`**bold**`**`**."),
        ("a " * 40 + "old", "a " * 40 + "new", "**Text**: … " + "a " * 12 + "~~old~~ **new**"),
    ],
)
def test_words_are_marked_within_their_lines(before: str, after: str, shown: str) -> None:
    assert show_diff(diff_content({"body": before}, {"body": after}), ZONE) == shown


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
