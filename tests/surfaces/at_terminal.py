"""The school at the terminal: everybody has one of their own, and types its lines."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from adapters.terminal.filling import END, Filling
from adapters.terminal.surface import TerminalResponder, chat
from bot.bootstrap import open_app
from bot.dispatch import dispatch
from core.classes.enrol import get_class
from core.events import Event
from core.ports import Responder
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.school import CODE, POLL, QUESTION, School, address, model_of, settings_for
from tests.surfaces.slack_posts import SECRET

_LINES = {"👍": "+1", "👎": "-1"}
_QUIT = "/quit"


@dataclass(eq=False)
class Block:
    """A line that was typed, and what was printed for it. `labels` are the choices under it."""

    line: str
    text: str = ""
    labels: tuple[str, ...] = ()
    answer: UUID | None = None
    served: bool = False


@dataclass
class Terminal:
    """One person's terminal; `idle` while it waits for a line."""

    output: io.StringIO = field(default_factory=io.StringIO)
    lines: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    blocks: list[Block] = field(default_factory=list)
    responder: TerminalResponder | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _read: int = 0

    async def typed(self) -> AsyncIterator[str]:
        """Yield the lines as they are typed."""
        while True:
            self.look(served=True)
            self.idle.set()
            line = await self.lines.get()
            self.blocks.append(Block(line))
            yield line

    def look(self, *, served: bool = False) -> None:
        """Read what has been printed since."""
        printed = self.output.getvalue()[self._read :]
        if not self.blocks:
            return
        block = self.blocks[-1]
        block.text, block.served = printed.strip(), served
        if served:
            self._read += len(printed)
            if self.responder is not None:
                block.labels = tuple(choice.label for choice in self.responder.choices)

    def overhear(self) -> None:
        """Add to what was printed last what has been printed since by itself."""
        printed = self.output.getvalue()[self._read :]
        if self.blocks and self.blocks[-1].served and printed:
            self.blocks[-1].text = f"{self.blocks[-1].text}\n{printed.strip()}"
            self._read += len(printed)

    @property
    def filling(self) -> Filling | None:
        return self.responder.filling if self.responder else None


@dataclass(kw_only=True)
class TerminalSchool(School):
    """The bot and people at terminals, where nobody else reads along."""

    terminals: dict[str, Terminal] = field(default_factory=dict)
    chats: list[asyncio.Task[bool]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def arrive(self, user: str, name: str, **about: Any) -> None:
        assert not about, "a terminal knows nothing of people"
        terminal = self.terminals[user] = Terminal()

        async def serve(event: Event, responder: Responder) -> None:
            assert isinstance(responder, TerminalResponder)
            terminal.responder, before = responder, responder.last_answer
            await dispatch(self.app, event, responder)
            if responder.last_answer != before and terminal.blocks:
                terminal.blocks[-1].answer = responder.last_answer

        console = Console(file=terminal.output, width=200, force_terminal=False)
        talking = chat(serve, terminal.typed(), console, email=address(name), class_code=None)
        self.chats.append(asyncio.create_task(talking))

    def new_user(self) -> str:
        return f"person {next(self._numbers)}"

    async def ask(self, user: str, question: str = QUESTION, channel: str = "", thread: str | None = None) -> Block:
        raise AssertionError("nobody else reads at a terminal")

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Block:
        raise AssertionError("nobody else reads at a terminal")

    async def write(self, user: str, text: str = QUESTION, thread: str | None = None) -> Block:
        terminal = self.terminals[user]
        await terminal.idle.wait()
        terminal.idle.clear()
        count = len(terminal.blocks)
        terminal.lines.put_nowait(text)
        await self.until(lambda: len(terminal.blocks) > count)
        return terminal.blocks[-1]

    async def type(self, user: str, typed: str, channel: str | None = None) -> Block:
        assert channel is None, "there are no channels at a terminal"
        return await self.write(user, typed)

    async def attach(self, user: str, typed: str, field: str, file: tuple[str, bytes]) -> None:
        name, content = file
        path = self.app.settings.homeroom_home / name
        path.write_bytes(content)
        await self.type(user, f"{typed} {field}:{path}")

    async def press(self, user: str, post: Block, label: str) -> Block:
        await self.terminals[user].idle.wait()
        assert self.terminals[user].blocks[-1] is post, "only what was shown last can be chosen"
        assert label in post.labels, f"nothing here shows “{label}”: {post.labels}"
        return await self.write(user, str(post.labels.index(label) + 1))

    async def react(self, user: str, post: Block, emoji: str, *, take_off: bool = False) -> None:
        responder = self.terminals[user].responder
        assert responder is not None
        assert responder.last_answer == post.answer, "only the last answer can be judged"
        await self.write(user, "+0" if take_off else _LINES[emoji])
        await self.settled()

    async def take_back(self, post: Block) -> None:
        raise AssertionError("what is typed is typed")

    async def edit(self, post: Block, text: str) -> None:
        raise AssertionError("what is typed is typed")

    def begin_saying(self, user: str, question: str) -> Block:
        raise AssertionError("nobody else reads at a terminal")

    def begin_typing(self, user: str, typed: str) -> Block:
        raise AssertionError("nobody else reads at a terminal")

    def refused(self, typed: Block) -> bool:
        raise AssertionError("what is typed is always taken in")

    async def form(self, user: str) -> Filling:
        terminal = self.terminals[user]
        await self.until(lambda: terminal.filling is not None)
        assert terminal.filling is not None
        return terminal.filling

    async def fill(
        self, user: str, form: Filling, files: dict[str, tuple[str, bytes]] | None = None, **typed: str
    ) -> str:
        assert not files, "files are named by their path here"
        terminal = self.terminals[user]
        block: Block | None = None
        while terminal.filling is form and form.asked is not None:
            asked = form.asked
            value = typed.get(asked.name, "")
            block = await self.write(user, value)
            if asked.long and value:
                block = await self.write(user, END)
            await terminal.idle.wait()
        assert block is not None
        assert terminal.responder is not None
        return block.text if terminal.responder.failed else ""

    def direct(self, user: str) -> str:
        return user

    def answers(self, channel: str = "") -> Sequence[Block]:
        return [block for block in self.terminals[channel].blocks if block.answer and block.served]

    def parts(self, channel: str) -> Sequence[Block]:
        return self.answers(channel)

    def shown(self, channel: str = "") -> Sequence[Block]:
        return []

    def told(self, user: str) -> Sequence[Block]:
        self.terminals[user].overhear()
        return [block for block in self.terminals[user].blocks if not block.answer and block.served and block.text]

    def half(self, asked: Block) -> Block | None:
        for terminal in self.terminals.values():
            if asked in terminal.blocks and not asked.served:
                terminal.look()
                return asked if asked.text else None
        return None

    def silent(self) -> bool:
        return True

    def text(self, post: Block) -> str:
        return post.text

    def everything(self, post: Block) -> str:
        return post.text

    def thread_of(self, post: Block) -> str:
        return next(user for user, terminal in self.terminals.items() if post in terminal.blocks)

    async def settled(self) -> None:
        for terminal in self.terminals.values():
            await asyncio.wait_for(terminal.idle.wait(), 10)

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        async def look() -> None:
            while not condition():  # noqa: ASYNC110  (nothing tells of what is printed)
                await asyncio.sleep(POLL)

        await asyncio.wait_for(look(), seconds)

    def given_up_tasks(self) -> list[asyncio.Task[None]]:
        return []

    def check(self) -> None:
        for terminal in self.terminals.values():
            printed = terminal.output.getvalue()
            assert not SECRET.search(printed), printed
            assert not {"\x1b", "\x00", "\x07"} & set(printed)


@asynccontextmanager
async def open_school(
    provider: OpenAIServer, database_url: str, home: Path, **changed: Any
) -> AsyncIterator[TerminalSchool]:
    """Run the bot for people at terminals until the end of the block; `changed` are settings."""
    settings = settings_for(database_url, home, **changed)
    async with open_app(settings, models=[model_of(provider)]) as app:
        async with app.sessions() as session:
            class_id = (await get_class(session, CODE)).id
        school = TerminalSchool(app=app, provider=provider, class_id=class_id)
        try:
            yield school
            await school.settled()
        finally:
            for terminal in school.terminals.values():
                terminal.lines.put_nowait(_QUIT)
            await asyncio.wait_for(asyncio.gather(*school.chats), 10)
    school.check()
