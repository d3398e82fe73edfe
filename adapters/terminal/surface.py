"""The terminal surface: lines in, neutral events out, replies printed as they come."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from rich.console import Console

from adapters.terminal.render import harmless, plain, render
from adapters.terminal.wrap import Wrapper
from core.enums import Platform
from core.events import Command, Control, Event, Message, Place, Reaction, Sender
from core.ports import AnswerStream, Responder
from core.replies import Audience, Choice, Choices, Form, Reply

Dispatch = Callable[[Event, Responder], Awaitable[None]]
_CHANNEL = "terminal"
_REACTIONS = {"+1": ("+1", True), "-1": ("-1", True)}


@dataclass(slots=True)
class TerminalResponder:
    """Prints replies; remembers the last answer for `+1`/`-1` and the last choices for a bare number."""

    console: Console
    last_answer: UUID | None = None
    writing: UUID | None = None
    choices: tuple[Choice, ...] = ()
    form: Form | None = None
    failed: bool = False

    async def send(self, reply: Reply) -> None:
        """Print a whole reply."""
        self.show(reply)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:  # noqa: ARG002  (all is private here)
        """Open an answer; its text appears as it is written."""
        self.writing = answer_id
        return _TerminalStream(self, Wrapper(self.console.width if self.console.is_terminal else sys.maxsize))

    def show(self, reply: Reply, *, shown: str = "") -> None:
        """Print what of a reply has not been shown, and remember what may be referred to next."""
        self.failed = reply.failed
        self.last_answer = reply.answer_id or self.last_answer
        self.choices = tuple(c for part in reply.parts if isinstance(part, Choices) for c in part.choices)
        self.form = next((part for part in reply.parts if isinstance(part, Form)), None)
        if self.console.is_terminal:
            for renderable in render(reply, shown=shown):
                self.console.print(renderable)
        else:
            # Past rich, which would turn the tabs of a table into spaces.
            self.console.file.writelines(f"{line}\n" for line in plain(reply, shown=shown))
            self.console.file.flush()


@dataclass(slots=True)
class _TerminalStream:
    responder: TerminalResponder
    wrapper: Wrapper
    shown: list[str] = field(default_factory=list)

    async def append(self, text: str) -> None:
        """Print more of the answer."""
        self.shown.append(text)
        self._print(self.wrapper.feed(harmless(text)))

    async def close(self, reply: Reply) -> None:
        """End the line, and print sources, notes and choices."""
        self.responder.writing = None
        if self.shown:
            self._print(f"{self.wrapper.flush()}\n")
        self.responder.show(reply, shown="".join(self.shown))

    def _print(self, text: str) -> None:
        self.responder.console.out(text, end="", highlight=False)


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
        if responder.form is not None and isinstance(event, Control):
            responder.form = None
        async with _stop_on_interrupt(dispatch, responder, event):
            await dispatch(event, responder)
        if isinstance(event, Reaction) and not responder.failed:
            console.out("Noted, thank you.", highlight=False)
        console.out("")
    return not responder.failed


def read_line(line: str, responder: TerminalResponder, *, email: str, class_code: str | None) -> Event | None:
    """Turn one typed line into an event: a command, a reaction to the last answer, a choice, or a question."""
    text = line.strip()
    key = str(uuid4())
    sender = Sender(Platform.TERMINAL, email)
    place = Place(_CHANNEL, private=True, class_code=class_code)
    if not text:
        return None
    if text in _REACTIONS and responder.last_answer is not None:
        emoji, added = _REACTIONS[text]
        return Reaction(
            key=key, sender=sender, place=place, emoji=emoji, added=added, message_id=str(responder.last_answer)
        )
    if text.isdecimal() and 0 < int(text) <= len(responder.choices):
        chosen = responder.choices[int(text) - 1]
        return Control(key=key, sender=sender, place=place, action=chosen.action, value=chosen.value)
    if text.startswith("/"):
        name, _, rest = text[1:].partition(" ")
        return Command(key=key, sender=sender, place=place, name=name, text=rest)
    return Message(key=key, sender=sender, place=place, text=text)


@contextlib.asynccontextmanager
async def _stop_on_interrupt(dispatch: Dispatch, responder: TerminalResponder, event: Event) -> AsyncIterator[None]:
    """While an answer is written, Ctrl-C asks for Stop, as the button does elsewhere."""
    loop = asyncio.get_running_loop()
    pending: set[asyncio.Task[None]] = set()

    def interrupt() -> None:
        if responder.writing is None:
            raise KeyboardInterrupt
        control = Control(
            key=str(uuid4()), sender=event.sender, place=event.place, action="answer.stop", value=str(responder.writing)
        )
        task = asyncio.ensure_future(dispatch(control, responder))
        pending.add(task)

    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or no such signals here
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if pending:
            await asyncio.gather(*pending)
