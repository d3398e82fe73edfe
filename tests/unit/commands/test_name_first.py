"""Commands that begin with a name: options may follow it, and hold several words."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS
from bot.commands.parse import parse_options
from core.errors import InvalidInput

PUBLISH = COMMANDS["publish"]
CREATE = COMMANDS["lesson"].find("create")[0]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        ("2.3", {"name": "2.3"}),
        ("The solid Earth", {"name": "The solid Earth"}),
        ("The Earth at:tomorrow 08:00", {"name": "The Earth", "at": "tomorrow 08:00"}),
        ("2 at:Fri 8:00 whole:yes", {"name": "2", "at": "Fri 8:00", "whole": "yes"}),
        ('at:"Fri 8:00" The Earth', {"name": "The Earth", "at": "Fri 8:00"}),
        ("whole:yes The Earth", {"name": "The Earth", "whole": "yes"}),
        ("--whole yes --at Fri 8:00", {"whole": "yes", "at": "Fri 8:00"}),
        ("“The Earth” AT:Fri 8:00", {"name": "The Earth", "at": "Fri 8:00"}),
        ("Look at: the sky", {"name": "Look", "at": "the sky"}),
        ("What: a sky", {"name": "What: a sky"}),
    ],
)
def test_a_name_comes_first_or_last(text: str, options: dict[str, str]) -> None:
    assert parse_options(PUBLISH, text) == options


def test_words_that_nothing_takes_are_refused() -> None:
    assert parse_options(CREATE, "2 title:Granite") == {"module": "2", "title": "Granite"}
    with pytest.raises(InvalidInput, match="takes no “3”"):
        parse_options(CREATE, "3 title:Granite module:2")
