"""Typed commands become options, and questions keep their colons."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS
from bot.commands.parse import parse_options
from core.errors import InvalidInput
from core.replies import Offer

ASK = COMMANDS["ask"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("why?", {"question": "why?"}),
        ("mode:class why?", {"mode": "class", "question": "why?"}),
        ("--mode CLASS --lesson 2.3 why?", {"mode": "CLASS", "lesson": "2.3", "question": "why?"}),
        ('lesson:"The Moon" why: because?', {"lesson": "The Moon", "question": "why: because?"}),
        ("ratio 3:4 mode:x", {"question": "ratio 3:4 mode:x"}),
        ("note:this is no option", {"question": "note:this is no option"}),
        ("", {}),
    ],
)
def test_options_come_first_and_the_rest_is_the_question(text: str, options: dict[str, str]) -> None:
    assert parse_options(ASK, text) == options


def test_places_are_filled_before_the_rest() -> None:
    grade = COMMANDS["grade"]
    typed = parse_options(grade, '"Bo Berg" essay 8,5 Well argued: see page 2')
    assert typed == {
        "person": "Bo Berg",
        "assignment": "essay",
        "score": "8,5",
        "feedback": "Well argued: see page 2",
    }
    assert parse_options(grade, "assignment:essay bo EX") == {"assignment": "essay", "person": "bo", "score": "EX"}


@pytest.mark.parametrize(
    ("command", "text", "says"),
    [
        ("ask", "--colour red why?", "no option"),
        ("grades", "all of them", "takes no"),
        ("ask", "mode:ALL x", "one of"),
    ],
)
def test_a_mistake_is_explained(command: str, text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        COMMANDS[command].check(parse_options(COMMANDS[command], text))


def test_a_required_option_is_asked_for() -> None:
    assert [option.name for option in ASK.missing({}, {})] == ["question"]
    form = ASK.form("ask", {"mode": "CLASS"}, {"lesson": (Offer("1.1 Light", "7"),)})
    assert [(field.name, field.value, field.required) for field in form.fields[:2]] == [
        ("question", "", True),
        ("mode", "CLASS", False),
    ]
    assert form.fields[2].options == (Offer("1.1 Light", "7"),)
    assert form.action == "command:ask"


def test_every_command_explains_itself() -> None:
    for name, command in COMMANDS.items():
        assert command.help[0].isupper()
        assert command.usage().startswith(f"Usage: /{name}")
        assert sum(option.rest for option in command.options) <= 1
