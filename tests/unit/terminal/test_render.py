"""What the terminal prints of a reply, and what it makes of a typed line."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from adapters.terminal.render import plain
from adapters.terminal.surface import TerminalResponder, read_line
from adapters.terminal.turn import serve
from core.events import Command, Control, Event, Message, Reaction
from core.ports import Responder
from core.replies import Audience, Choice, Choices, Citation, Field, Form, Note, Reply, Sources, Table, Text

ANSWER = UUID(int=7)
REPLY = Reply(
    (
        Text("Tides follow the Moon [1]."),
        Sources((Citation(1, "Tides", "p. 4", "The Moon\nmakes tides.", uuid4()),)),
        Note("Built in."),
        Choices((Choice("Try again", "answer.retry", str(ANSWER)),)),
    ),
    Audience.PERSON,
    ANSWER,
)


def responder() -> TerminalResponder:
    return TerminalResponder(Console(file=io.StringIO()))


def read(line: str, at: TerminalResponder) -> Event | None:
    return read_line(line, at, email="a@b.example", class_code="SKY")


def test_plain_text_has_every_part() -> None:
    assert list(plain(REPLY)) == [
        "Tides follow the Moon [1].",
        "[1] Tides, p. 4: “The Moon makes tides.”",
        "(Built in.)",
        "1) Try again",
    ]
    table = Table(("No.", "Lesson"), (("1.1", "The Moon"),), "Sky")
    assert list(plain(Reply((table,)))) == ["Sky", "No.\tLesson", "1.1\tThe Moon"]


async def test_what_one_turn_offers_is_numbered_through_and_the_next_begins_anew() -> None:
    several = Reply((*(Choices((Choice(f"{letter}", "press", letter),)) for letter in "ab"),))
    notice = Reply((Choices((Choice("c", "press", "c"),)),))

    async def dispatch(_: Event, to: Responder) -> None:
        await to.send(several)
        await to.send(notice)

    at = responder()
    for _ in range(2):
        event = read("/help", at)
        assert event is not None
        await serve(dispatch, event, at)
        chosen = [read(number, at) for number in "123"]
        assert [each.value for each in chosen if isinstance(each, Control)] == ["a", "b", "c"]
    assert at.console.file.getvalue().split() == ["1)", "a", "2)", "b", "3)", "c"] * 2  # type: ignore[attr-defined]
    at.show(notice)  # between two turns
    assert at.choices == notice.parts[0].choices  # type: ignore[union-attr]


async def test_a_notice_closes_no_form() -> None:
    form = Reply((Form("Your work", "send", (Field("text", "What you hand in"),)),))

    async def dispatch(_: Event, to: Responder) -> None:
        await to.send(form)
        await to.send(Reply((Text("Your grades are out."),)))

    at = responder()
    event = read("/submit", at)
    assert event is not None
    await serve(dispatch, event, at)
    printed = at.console.file.getvalue()  # type: ignore[attr-defined]
    assert printed.rstrip().endswith("What you hand in:"), "the question is asked again below the notice"
    sent = read("My essay.", at)
    assert isinstance(sent, Control)
    assert sent.fields == {"text": "My essay."}


def test_streamed_text_is_not_printed_twice() -> None:
    assert next(plain(REPLY, shown="Tides follow the Moon [1].")) == "[1] Tides, p. 4: “The Moon makes tides.”"


async def test_a_terminal_is_never_sent_control_characters() -> None:
    at = responder()
    stream = await at.begin(ANSWER, Audience.PERSON)
    await stream.append("red \x1b[31m alert\x07 \u202egnp")
    await stream.close(Reply((Text("red \x1b[31m alert"), Note("\x1b]0;title\x07")), answer_id=ANSWER))
    written = at.console.file.getvalue()  # type: ignore[attr-defined]
    assert "alert" in written
    assert not {"\x1b", "\x07", "\u202e"} & set(written)


def test_lines_become_events() -> None:
    at = responder()
    at.show(REPLY)
    command = read("/ask mode:CLASS why?", at)
    assert isinstance(command, Command)
    assert (command.name, command.text, command.place.class_code) == ("ask", "mode:CLASS why?", "SKY")
    reaction = read("+1", at)
    assert isinstance(reaction, Reaction)
    assert (reaction.message_id, reaction.added) == (str(ANSWER), True)
    choice = read("1", at)
    assert isinstance(choice, Control)
    assert (choice.action, choice.value) == ("answer.retry", str(ANSWER))
    assert read("   ", at) is None


@pytest.mark.parametrize("line", ["2", "²", "9" * 5000, "Why does the Moon have phases?"])
def test_what_refers_to_nothing_is_a_question(line: str) -> None:
    assert isinstance(read(line, responder()), Message)
