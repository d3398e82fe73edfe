"""Whole conversations at the terminal, with a bot that only notes what it is sent."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from rich.console import Console

from adapters.terminal.surface import chat
from core.events import Command, Control, Event, Message, Reaction
from core.ports import Responder
from core.replies import Field, Form, Reply, Text, as_shown, say

FORM = Form(
    "Correct the answer",
    "answer.correct",
    (
        Field("title", "Title", value="Tides"),
        Field("text", "Text", long=True),
        Field("audience", "Shown to", value="class", options=as_shown(("class", "teachers"))),
        Field("reason", "Reason", required=False),
    ),
    value="7",
)


@dataclass(slots=True)
class Notes:
    """Keeps what it is sent. Answers messages, shows a form for a command, and refuses what is in `refused`."""

    events: list[Event] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    async def serve(self, event: Event, responder: Responder) -> None:
        self.events.append(event)
        match event:
            case Message(text=text):
                await responder.send(Reply((Text(f"heard {text}"),), answer_id=UUID(int=len(self.events))))
            case Command():
                await responder.send(Reply((Text("Here."), FORM)))
            case Reaction() if event.emoji in self.refused:
                await responder.send(say("Not now.", failed=True))

    def reactions(self) -> list[tuple[str, str, bool]]:
        return [(e.message_id[-1], e.emoji, e.added) for e in self.events if isinstance(e, Reaction)]


async def talk(notes: Notes, *lines: str) -> tuple[str, bool]:
    """Say these lines, and return what was printed and whether the last one succeeded."""

    async def said() -> AsyncIterator[str]:
        for line in lines:
            yield f"{line}\n"

    output = io.StringIO()
    succeeded = await chat(notes.serve, said(), Console(file=output, width=200), email="a@b.example", class_code="SKY")
    return output.getvalue(), succeeded


async def fill(*lines: str) -> tuple[dict[str, str], str]:
    """Return the fields sent for these lines, and what was printed."""
    notes = Notes()
    printed, _ = await talk(notes, "/correct", *lines)
    sent = notes.events[-1]
    assert isinstance(sent, Control), printed
    assert (sent.action, sent.value) == ("answer.correct", "7")
    return dict(sent.fields), printed


async def test_a_form_is_filled_field_by_field() -> None:
    fields, printed = await fill("New tides", "# One", "", "  * two", ".", "2", "Typo")
    assert fields == {"title": "New tides", "text": "# One\n\n  * two", "audience": "teachers", "reason": "Typo"}
    asked = ("Correct the answer", "Title [Tides]:", "Text, ending with", "Shown to [class]:  1) class", "Reason (opt")
    assert [printed.index(each) for each in asked] == sorted(printed.index(each) for each in asked)


async def test_empty_lines_keep_values_and_needed_fields_are_asked_for_again() -> None:
    fields, printed = await fill("/clear", "", "", ".", "/quiet", ".", "nobody", "3", "9" * 5000, "", "/clear")
    assert fields == {"title": "Tides", "text": "/quiet", "audience": "class", "reason": ""}
    assert printed.count("This one is needed.") == 3
    assert printed.count("is none of the options.") == 3


async def test_a_form_can_be_dropped() -> None:
    notes = Notes()
    printed, succeeded = await talk(notes, "/correct", "New", "half", "/cancel", "Why?")
    assert "The form is dropped." in printed
    assert succeeded
    assert [type(event) for event in notes.events] == [Command, Message]


async def test_half_a_form_is_never_sent() -> None:
    notes = Notes()
    printed, succeeded = await talk(notes, "/correct", "New", "half")
    assert "The form was not sent." in printed
    assert not succeeded
    assert [type(event) for event in notes.events] == [Command]


async def test_one_thumb_at_most_stands_on_an_answer() -> None:
    notes = Notes()
    printed, _ = await talk(notes, "Why?", "+1", "-1", "-1", "+0", "+1", "And why?", "-1")
    assert notes.reactions() == [
        ("1", "+1", True),
        ("1", "+1", False),
        ("1", "-1", True),
        ("1", "-1", True),
        ("1", "-1", False),
        ("1", "+1", True),
        (str(len(notes.events) - 1), "-1", True),
    ]
    assert printed.count("Noted") == 5
    assert printed.count("Taken back.") == 1


@pytest.mark.parametrize("line", ["+1", "-1", "+0"])
async def test_a_reaction_to_nothing_is_no_question(line: str) -> None:
    notes = Notes()
    assert await talk(notes, line) == ("There is no answer to react to yet.\n", False)
    assert notes.events == []


async def test_no_thumb_can_be_taken_back_that_was_not_given() -> None:
    notes = Notes(refused=("+1",))
    printed, succeeded = await talk(notes, "Why?", "+1", "+0")
    assert printed.endswith("Not now.\n\nThere is no reaction to take back yet.\n")
    assert not succeeded
    assert notes.reactions() == [("1", "+1", True)]
