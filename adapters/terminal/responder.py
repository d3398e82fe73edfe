"""Replies printed as they come, and what of them the next line may refer to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

from rich.console import Console

from adapters.terminal.filling import HOW_TO, Filling
from adapters.terminal.render import harmless, plain, render
from adapters.terminal.wrap import Wrapper
from core.errors import NotFound, Oversized, Unavailable
from core.events import Attachment
from core.ports import AnswerStream, LiveReply, Post, Profile
from core.replies import Audience, Choice, Choices, File, Form, Note, Part, Reply, Text, plain_name

FILL_IN_AGAIN = "form.again"  # served by the terminal itself
LARGEST_FILE = 20_000_000  # bytes


@dataclass(slots=True)
class TerminalResponder:
    """Prints replies; remembers the last answer for `+1`/`-1`, the last choices for a bare number, and a form."""

    console: Console
    last_answer: UUID | None = None
    thumb: str = ""  # ours that stands on the last answer
    writing: UUID | None = None
    choices: tuple[Choice, ...] = ()
    replies: int | None = None  # shown in the turn that is served; None between two
    filling: Filling | None = None
    sent: Form | None = None  # the last form that was sent, with what was typed
    failed: bool = False
    last: Reply | None = None  # what was shown last
    news: list[Reply] = field(default_factory=list)  # what became known while something else was being said

    async def send(self, reply: Reply) -> None:
        """Print a whole reply; its files are written, and the paths printed."""
        parts = [await asyncio.to_thread(_written, part) if isinstance(part, File) else part for part in reply.parts]
        self.show(replace(reply, parts=tuple(parts)))

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Print a whole reply; of what is put in its place, what is new is printed below."""
        await self.send(reply)
        return _TerminalReply(self, reply, self.last)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:  # noqa: ARG002  (all is private here)
        """Open an answer; its text appears as it is written."""
        self.writing = answer_id
        return _TerminalStream(self, Wrapper(self.console.width if self.console.is_terminal else sys.maxsize))

    async def open_thread(self, opening: Reply) -> str | None:  # noqa: ARG002  (there are no threads here)
        """Return None: everything is private here."""
        return None

    async def working(self) -> None:
        """Show nothing: the cursor waits under the question."""

    async def profile(self) -> Profile | None:
        """Return None: who somebody is was said when the chat was started."""
        return None

    async def shared(self) -> bool:
        """Return False: nobody else reads here."""
        return False

    async def readers(self) -> frozenset[str] | None:
        """Return None: nobody else reads here."""
        return None

    async def fetch(self, attachment: Attachment) -> bytes:
        """Read a file of this machine's. Raises `NotFound`, `Oversized`."""
        return await asyncio.to_thread(_read_file, attachment.reference)

    async def retract(self, posts: Sequence[Post]) -> None:
        """Do nothing: what is printed stands."""

    def show(self, reply: Reply, *, shown: str = "") -> None:
        """Print what of a reply has not been shown, and remember what may be referred to next."""
        form = next((part for part in reply.parts if isinstance(part, Form) and part.fields), None)
        if reply.failed and reply.field_errors and self.sent is not None and form is None:
            reply = replace(reply, parts=(*reply.parts, Choices((Choice("Fill in the form again", FILL_IN_AGAIN),))))
        self.failed, self.last = reply.failed, reply
        if reply.answer_id not in (None, self.last_answer):
            self.last_answer, self.thumb = reply.answer_id, ""
        follows = bool(self.replies)  # a notice after the reply of the same turn
        before = self.choices if follows else ()  # what one turn offers is numbered through
        self.choices = (*before, *(c for part in reply.parts if isinstance(part, Choices) for c in part.choices))
        if self.replies is not None:
            self.replies += 1
        if form is not None or not follows:
            self.filling = Filling(form) if form else None
        self.print(reply, numbered_from=len(before) + 1, shown=shown)
        if self.filling is not None:
            self.tell(f"{HOW_TO}\n{self.filling.question()}")

    def fill_in_again(self) -> None:
        """Ask again for the fields of the form that was sent last, each with what was typed."""
        if self.sent is not None:
            self.filling = Filling(self.sent)
            self.tell(f"{HOW_TO}\n{self.filling.question()}")

    def print(self, reply: Reply, *, numbered_from: int = 1, shown: str = "") -> None:
        """Print a reply, and remember nothing of it."""
        if self.console.is_terminal:
            for renderable in render(reply, numbered_from=numbered_from, shown=shown):
                self.console.print(renderable)
        else:
            # Past rich, which would turn the tabs of a table into spaces.
            self.console.file.writelines(f"{line}\n" for line in plain(reply, numbered_from=numbered_from, shown=shown))
            self.console.file.flush()

    def tell_news(self) -> None:
        """Print what became known meanwhile."""
        while self.news:
            self.print(self.news.pop(0))

    def tell(self, line: str, *, failed: bool = False) -> None:
        """Print something of the terminal's own."""
        self.failed = self.failed or failed
        self.console.out(line, highlight=False)


@dataclass(slots=True)
class _TerminalReply:
    """What was printed stands, so what is new in it is printed below; `printed` is how it was remembered."""

    responder: TerminalResponder
    shown: Reply
    printed: Reply | None

    async def change(self, reply: Reply) -> None:
        """Print what is new, between two turns; with what it is about, where something else was said since."""
        follows = self.responder.last is self.printed
        said = [part for part in reply.parts if isinstance(part, Text | Note)]
        new = tuple(part for part in said if not (follows and part in self.shown.parts))
        self.shown = reply
        self.responder.news.append(Reply(new))
        if self.responder.replies is None:
            self.responder.console.out("")  # the cursor stands where a line is typed
            self.responder.tell_news()


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


def _written(file: File) -> Part:
    """Write a file where only this account reads, and return what says so. Raises `Unavailable`."""
    try:
        path = Path(mkdtemp(prefix="homeroom-")) / plain_name(file.name)
        path.write_bytes(file.data)
    except OSError as error:
        raise Unavailable(f"The file can't be written here: {error.strerror}.") from error
    return Text(f"The file is at `{path}`.")


def _read_file(name: str) -> bytes:
    try:
        path = Path(name).expanduser()
        if path.stat().st_size > LARGEST_FILE:
            raise Oversized
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound(f"There is no file {name} that can be read.") from error
