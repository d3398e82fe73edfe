"""The terminal surface: lines in, neutral events out, replies printed as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePath
from uuid import uuid4

from rich.console import Console

from adapters.terminal.filling import CANCEL, Filling, as_number
from adapters.terminal.responder import FILL_IN_AGAIN, TerminalResponder
from adapters.terminal.turn import Dispatch, serve
from core.enums import Platform
from core.events import Attachment, Command, Control, Event, Message, Place, Reaction, Sender
from core.replies import Choice, Form

__all__ = ["KEYS", "TerminalResponder", "chat", "read_line"]

KEYS = "+1 and -1 rate the last answer, +0 takes that back; Ctrl-C stops an answer; /help, /quit"
_CHANNEL = "terminal"
_THUMBS = ("+1", "-1")
_TAKE_BACK = "+0"


async def chat(
    dispatch: Dispatch, lines: AsyncIterator[str], console: Console, *, email: str, class_code: str | None
) -> bool:
    """Turn lines into events until they end or say `/quit`; say whether the last one succeeded."""
    responder = TerminalResponder(console)
    async for line in lines:
        if line.strip() in ("/quit", "/exit"):
            break
        event = read_line(line, responder, email=email, class_code=class_code)
        if event is None:
            continue
        responder.failed = False
        if isinstance(event, Reaction):
            await _react(dispatch, event, responder)
        else:
            await serve(dispatch, event, responder)
        console.out("")
    if responder.filling is not None:
        responder.tell("The form was not sent.", failed=True)
    return not responder.failed


async def _react(dispatch: Dispatch, event: Reaction, responder: TerminalResponder) -> None:
    """Put the thumb on the answer, or take it off. There is one at most, so the other one goes first."""
    if event.added and responder.thumb not in ("", event.emoji):
        await serve(dispatch, replace(event, key=str(uuid4()), emoji=responder.thumb, added=False), responder)
    if not responder.failed:
        await serve(dispatch, event, responder)
    if not responder.failed:
        responder.thumb = event.emoji if event.added else ""
        responder.tell("Noted, thank you." if event.added else "Taken back.")


def read_line(line: str, responder: TerminalResponder, *, email: str, class_code: str | None) -> Event | None:
    """Turn one typed line into an event: a command, a reaction to the last answer, a choice, or a question.

    None when there is nothing to serve: an empty line, a field of a form that is not complete yet, or a reaction to
    nothing, about which the responder then tells. Never raises.
    """
    text = line.strip()
    key = str(uuid4())
    sender = Sender(Platform.TERMINAL, email)
    place = Place(_CHANNEL, private=True, class_code=class_code)
    if responder.filling is not None:
        form, fields = responder.filling.form, _fill(line, responder, responder.filling)
        responder.sent = form.filled_in(fields) if fields is not None else None
        return None if fields is None else _sent(form, fields, key, sender, place)
    if text in (*_THUMBS, _TAKE_BACK):
        emoji = responder.thumb if text == _TAKE_BACK else text
        if responder.last_answer is None or not emoji:
            nothing = "answer to react to" if responder.last_answer is None else "reaction to take back"
            responder.tell(f"There is no {nothing} yet.", failed=True)
            return None
        answer = str(responder.last_answer)
        return Reaction(key=key, sender=sender, place=place, emoji=emoji, added=text in _THUMBS, message_id=answer)
    if 0 < (number := as_number(text)) <= len(responder.choices):
        return _chosen(responder.choices[number - 1], responder, key, sender, place)
    responder.sent = None
    if text.startswith("/"):
        name, _, rest = text[1:].partition(" ")
        return Command(key=key, sender=sender, place=place, name=name, text=rest)
    return Message(key=key, sender=sender, place=place, text=text) if text else None


def _chosen(choice: Choice, responder: TerminalResponder, key: str, sender: Sender, place: Place) -> Control | None:
    if choice.action == FILL_IN_AGAIN:
        responder.fill_in_again()
        return None
    responder.sent = None
    return Control(key=key, sender=sender, place=place, action=choice.action, value=choice.value)


def _sent(form: Form, fields: dict[str, str], key: str, sender: Sender, place: Place) -> Control:
    """Return a form that was sent; what was typed where a file is asked for is its path."""
    paths = {each.name: fields.pop(each.name) for each in form.fields if each.file}
    files = {name: Attachment(PurePath(path).name, path) for name, path in paths.items() if path}
    return Control(
        key=key, sender=sender, place=place, action=form.action, value=form.value, fields=fields, files=files
    )


def _fill(line: str, responder: TerminalResponder, filling: Filling) -> dict[str, str] | None:
    """Take a line for the form that is open, and return the fields once it is complete."""
    if line.strip() == CANCEL:
        responder.filling = None
        responder.tell("The form is dropped.")
        return None
    said = filling.take(line)
    if filling.asked is None:
        responder.filling = None
        return filling.values
    if said:
        responder.tell(said)
    return None
