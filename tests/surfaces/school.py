"""A school whose class meets on some surface: what people do there and what they see, in the same words for all.

A person, a channel, a thread and a post are what the surface calls them: ids as strings, and its own records of posts.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
from pydantic import SecretStr
from sqlalchemy import select, text

from adapters.models.openai import OpenAIChat
from adapters.models.retry import RetryPolicy
from bot.app import App
from bot.settings import Settings
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol
from core.classes.live import live_in
from core.enums import GlobalRole, LinkMethod, MembershipRole
from core.identity.link import link
from core.identity.link_codes import make_code
from core.identity.models import Workspace
from core.identity.people import add_person
from tests.fakes.openai_server import OpenAIServer, Reply

CODE = "NIGHTSKY"
OPERATOR = Actor.command_line()
PUBLIC_URL = "https://homeroom.test"
QUESTION = "Why does the Moon have phases?"
SENTENCE = "The Moon shines by reflected light and goes round the Earth in a month [1]. "
POLL = 0.02  # seconds


@dataclass(kw_only=True)
class School(ABC):
    """The bot, its model and the class. `channel` is where the class meets; `elsewhere` is bound to nothing."""

    channel: ClassVar[str] = ""
    elsewhere: ClassVar[str] = ""
    workspace: ClassVar[str] = ""  # as the platform calls it

    app: App
    provider: OpenAIServer
    class_id: UUID
    people: dict[str, UUID] = field(default_factory=dict)
    dies: bool = False  # whether the process ends with its work undone

    # What people do.

    @abstractmethod
    def arrive(self, user: str, name: str, **about: Any) -> None:
        """Add somebody to the platform, and to its channels."""

    @abstractmethod
    def new_user(self) -> str:
        """Return an id that nobody has yet."""

    @abstractmethod
    async def ask(self, user: str, question: str = QUESTION, channel: str = "", thread: str | None = None) -> Any:
        """Ask the bot in a channel where others read, by its name; return the message."""

    @abstractmethod
    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Any:
        """Write something in a channel, and wait until the bot has been told."""

    @abstractmethod
    async def write(self, user: str, text: str = QUESTION, thread: str | None = None) -> Any:
        """Write to the bot alone."""

    @abstractmethod
    async def type(self, user: str, typed: str, channel: str | None = None) -> Any:
        """Send a slash command: in a channel, or to the bot alone."""

    @abstractmethod
    async def attach(self, user: str, typed: str, field: str, file: tuple[str, bytes]) -> None:
        """Send a command with a file, by its name and bytes, the way the platform has it."""

    @abstractmethod
    async def press(self, user: str, post: Any, label: str) -> Any:
        """Press what shows a label under a post."""

    @abstractmethod
    async def react(self, user: str, post: Any, emoji: str, *, take_off: bool = False) -> None:
        """Put an emoji on a post, or take it off."""

    @abstractmethod
    async def take_back(self, post: Any) -> None:
        """Delete a message of a person's."""

    @abstractmethod
    async def edit(self, post: Any, text: str) -> None:
        """Change a question that was asked by the bot's name to another text."""

    async def patience(self) -> None:
        """Let what is not taken in come again sooner than on the real platform."""
        return

    async def show_stop(self) -> None:
        """Let the next two answers be written where a button stands under them."""
        return

    @abstractmethod
    def begin_saying(self, user: str, question: str) -> Any:
        """Ask where others read, without waiting; return the message."""

    @abstractmethod
    def begin_typing(self, user: str, typed: str) -> Any:
        """Send a command where others read, without waiting."""

    @abstractmethod
    def refused(self, typed: Any) -> bool:
        """Whether somebody was told that what they sent was not taken in."""

    @abstractmethod
    async def form(self, user: str) -> Any:
        """Wait for the form that a person has open."""

    @abstractmethod
    async def fill(self, user: str, form: Any, files: dict[str, tuple[str, bytes]] | None = None, **typed: str) -> str:
        """Send a form; return what it is said to be wrong with it, or nothing where it was taken."""

    # What people see.

    @abstractmethod
    def direct(self, user: str) -> str:
        """Where a person and the bot are alone."""

    @abstractmethod
    def answers(self, channel: str = "") -> Sequence[Any]:
        """The finished answers in a channel and its threads, each by its first part."""

    @abstractmethod
    def parts(self, channel: str) -> Sequence[Any]:
        """The posts that make up the finished answers in a channel, in order."""

    @abstractmethod
    def shown(self, channel: str = "") -> Sequence[Any]:
        """The bot's finished posts that everybody in a channel and its threads sees."""

    @abstractmethod
    def told(self, user: str) -> Sequence[Any]:
        """What a person alone was shown, wherever that was, in order; without answers."""

    @abstractmethod
    def half(self, asked: Any) -> Any:
        """Return the answer to a question while it is written; None where there is none."""

    @abstractmethod
    def silent(self) -> bool:
        """Whether the bot has said nothing that others could read."""

    @abstractmethod
    def text(self, post: Any) -> str:
        """Return what a post says, without what belongs to it."""

    @abstractmethod
    def everything(self, post: Any) -> str:
        """Return what a post says with its sources, notes and buttons."""

    @abstractmethod
    def thread_of(self, post: Any) -> str:
        """Return the thread that a post is in or begins."""

    @abstractmethod
    async def settled(self) -> None:
        """Wait until everything that was done is served."""

    @abstractmethod
    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something is so."""

    @abstractmethod
    def given_up_tasks(self) -> list[asyncio.Task[None]]:
        """What the process is serving."""

    @abstractmethod
    def check(self) -> None:
        """Check what always holds of what was shown, whatever was done."""

    # The same everywhere.

    async def newcomer(self, name: str, role: MembershipRole = MembershipRole.STUDENT, **about: Any) -> str:
        """Let somebody join as `join` does, and return what the platform calls them."""
        user = self.new_user()
        await self.join(user, name, role, **about)
        return user

    async def join(
        self,
        user: str,
        name: str,
        role: MembershipRole = MembershipRole.STUDENT,
        *,
        linked: bool = True,
        enrolled: bool = True,
        global_role: GlobalRole = GlobalRole.UNASSIGNED,
        **about: Any,
    ) -> UUID:
        """Add somebody to the platform and to the class's roster, and tie the two.

        `about` is what the platform says of them.
        """
        self.arrive(user, name, **about)
        async with self.app.sessions.begin() as session:
            person = await add_person(session, OPERATOR, address(name), name=name, role=global_role)
            if enrolled:
                await enrol(session, OPERATOR, self.class_id, person.id, role)
            if linked and self.workspace:
                await link(session, OPERATOR, await self.workspace_id(), user, person.id, LinkMethod.OPERATOR)
        self.people[user] = person.id
        return person.id

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return what the database holds."""
        async with self.app.sessions() as session:
            return list((await session.execute(text(statement), values)).all())

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.app.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def rewrite(self, statement: str, **values: Any) -> None:
        """Change, by an `UPDATE`, what the database lets nobody change."""
        table = statement.split()[1]
        async with self.app.sessions.begin() as session:
            await session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            await session.execute(text(statement), values)
            await session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))

    async def until_told(self, user: str, saying: str, count: int = 1) -> Any:
        """Wait until a person alone was told something so many times, and return the last."""

        def found() -> list[Any]:
            return [post for post in self.told(user) if saying in self.everything(post)]

        await self.until(lambda: len(found()) >= count)
        assert len(found()) == count, [self.everything(post) for post in self.told(user)]
        return found()[-1]

    async def until_answered(self, channel: str = "", count: int = 1, seconds: float = 10.0) -> Any:
        """Wait for so many answers, until nothing more is going on; return the last one."""
        await self.until(lambda: len(self.answers(channel)) >= count, seconds)
        await self.settled()
        answers = self.answers(channel)
        assert len(answers) == count, [self.everything(post) for post in answers]
        return answers[-1]

    async def begin_writing(self, user: str, *, alone: bool = False) -> Any:
        """Ask, and wait until half an answer stands there; the other half comes after `provider.release`."""
        self.provider.script(Reply(SENTENCE * 4, hold_after=20))
        asked = await (self.write(user) if alone else self.ask(user))
        await self.until(lambda: self.half(asked))
        await self.provider.held.wait()
        return asked

    async def statuses(self) -> list[str]:
        """How the answers that count ended, in order."""
        rows = await self.rows(
            "SELECT status FROM chat_messages WHERE role = 'ASSISTANT' AND deleted_at IS NULL ORDER BY created_at"
        )
        return [row.status for row in rows]

    @asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Let nobody reach the database until the end of the block."""
        url = self.app.engine.url
        control = await asyncpg.connect(
            url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        )
        try:
            await control.execute(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS false')
            await control.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", url.database
            )
            yield
        finally:
            await control.execute(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS true')
            await control.close()

    async def given_up(self) -> None:
        """Wait until the process serves nothing any more, whether or not it could note so."""
        if held := self.given_up_tasks():
            await asyncio.wait(held)

    async def lose_leases(self) -> None:
        """Let what is being served look as if its process had died some time ago."""
        await self.execute("UPDATE inbox_events SET lease_until = now() - interval '1 minute' WHERE state = 'WORKING'")

    async def trust_addresses(self) -> None:
        """Let the operator vouch for the workspace's addresses."""
        await self.execute("UPDATE workspaces SET email_trusted = true")

    async def code_for(self, user: str) -> str:
        """Have the operator make somebody's one-time code."""
        async with self.app.sessions.begin() as session:
            return (await make_code(session, OPERATOR, self.people[user])).code

    async def second_class(self, *users: str, code: str = "GARDEN", title: str = "The Garden") -> UUID:
        """Make another class that meets here, with these students; it has no material."""
        async with self.app.sessions.begin() as session:
            made = await create_class(session, OPERATOR, code, title=title)
            if self.workspace:
                await live_in(session, OPERATOR, made.id, await self.workspace_id())
            for user in users:
                await enrol(session, OPERATOR, made.id, self.people[user], MembershipRole.STUDENT)
            return made.id

    async def workspace_id(self) -> UUID:
        async with self.app.sessions() as session:
            wanted = select(Workspace.id).where(Workspace.external_id == self.workspace)
            return (await session.scalars(wanted)).one()

    async def inbox_empty(self) -> bool:
        """Whether everything that was stored is served, but for what waits for somebody."""
        return not await self.rows(
            "SELECT 1 FROM inbox_events WHERE state IN ('RECEIVED', 'WORKING') AND waits_until IS NULL"
        )


def address(name: str) -> str:
    """Return the address that somebody of this name has at the school."""
    return f"{name.split(maxsplit=1)[0].lower()}@school.example"


def model_of(provider: OpenAIServer) -> OpenAIChat:
    return OpenAIChat(
        "chat", api_key=provider.api_key, base_url=provider.base_url, retry=RetryPolicy(retries=0, first_wait=0.01)
    )


def settings_for(database_url: str, home: Path, **more: Any) -> Settings:
    return Settings(
        database_url=database_url,
        homeroom_home=home,
        secret_key=SecretStr("a key of the tests' own that is long enough"),
        public_url=PUBLIC_URL,
        **more,
    )
