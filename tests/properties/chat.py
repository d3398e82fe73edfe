"""A school that lives in a workspace: events go through the whole bot, and all that comes back can be searched."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from adapters.documents.chunk import chunk
from adapters.documents.parse import parse
from adapters.models.extractive import ExtractiveChat
from adapters.models.lexical import LexicalEmbedder
from adapters.secrets import Secrets
from adapters.storage import open_storage
from bot.app import App
from bot.dispatch import dispatch
from bot.following import Following
from bot.notifying import KINDS, Notifier
from bot.settings import Settings
from bot.web.app import make_web
from bot.web.links import source_link
from core.answering.answer import Answering
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.documents import Reading
from core.enums import LinkMethod, Platform
from core.errors import NotFound
from core.events import Attachment, Command, Control, Event, Page, Place, Sender, Visit
from core.identity.link import link
from core.identity.models import Workspace
from core.inbox.notify import take_notifications
from core.materials.process import Pipeline
from core.ports import Addressee, AnswerStream, LiveReply, Post, Profile, Shown
from core.replies import Audience, Choice, Choices, Citation, File, Form, Reply, Sources, Table
from tests.properties.school import School
from tests.properties.things import MARK, Room
from tests.properties.world import World

WORKSPACE = "T1"
ZONE = ZoneInfo("Asia/Kolkata")
PUBLIC_URL = "https://homeroom.test"
# Time goes by in the database: what was a while ago is so much longer ago, and what is to come is so much nearer.
_AGE = (
    "UPDATE scheduled_actions SET due_at = due_at - {by}, retry_at = retry_at - {by} WHERE state = 'PENDING'",
    "UPDATE notifications SET state_changed_at = state_changed_at - {by}",
)


@dataclass
class Screen:
    """What one event brings back to who caused it, and to where it was; `typed` are the marks that stood in it."""

    typed: set[str] = field(default_factory=set)

    files: Mapping[str, bytes] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    threads: int = 0

    async def send(self, reply: Reply) -> None:
        self.replies.append(reply)

    async def send_live(self, reply: Reply) -> LiveReply | None:
        self.replies.append(reply)
        return None

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        del answer_id, audience
        return _Stream(self)

    async def open_thread(self, opening: Reply) -> str | None:
        del opening  # their own question
        self.threads += 1
        return uuid4().hex

    async def working(self) -> None:
        return

    async def profile(self) -> Profile | None:
        return None

    async def shared(self) -> bool:
        return False

    async def readers(self) -> frozenset[str] | None:
        return None

    async def fetch(self, attachment: Attachment) -> bytes:
        if attachment.reference not in self.files:
            raise NotFound
        return self.files[attachment.reference]

    async def retract(self, posts: Sequence[Post]) -> None:
        raise AssertionError(posts)

    @property
    def failed(self) -> bool:
        return any(reply.failed for reply in self.replies)

    @property
    def rendered(self) -> str:
        """All that came back."""
        return "\n".join([*self.written, *map(rendered, self.replies)])

    @property
    def marks(self) -> set[str]:
        return set(MARK.findall(self.rendered))

    def tables(self) -> list[Table]:
        return [part for reply in self.replies for part in reply.parts if isinstance(part, Table)]

    def choices(self) -> list[Choice]:
        parts = (part for reply in self.replies for part in reply.parts)
        return [choice for part in parts if isinstance(part, Choices) for choice in part.choices]

    def forms(self) -> list[Form]:
        return [part for reply in self.replies for part in reply.parts if isinstance(part, Form)]

    def cited(self) -> list[tuple[UUID | None, Citation]]:
        """Return the citations, with the answer's id."""
        return [
            (reply.answer_id, each)
            for reply in self.replies
            for part in reply.parts
            if isinstance(part, Sources)
            for each in part.citations
        ]


@dataclass
class _Stream:
    screen: Screen

    async def append(self, text: str) -> None:
        self.screen.written.append(text)

    async def close(self, reply: Reply) -> None:
        self.screen.replies.append(reply)


def rendered(reply: Reply) -> str:
    """Return all that a reply holds, and so all that any surface can make of it, now or when it is pressed."""
    files = (part.data.decode(errors="replace") for part in reply.parts if isinstance(part, File))
    return "\n".join([repr(reply), *files])


@dataclass
class Posts:
    """The workspace's end of what is told unasked."""

    posts: list[tuple[Addressee, Reply]] = field(default_factory=list)

    async def tell(
        self,
        to: Addressee,
        reply: Reply,
        notice: UUID,
        *,
        since: datetime | None = None,
        settle: Callable[[str], Any],
    ) -> Shown:
        del notice, since, settle
        self.posts.append((to, reply))
        return Shown(to.workspace_id, to.channel_id or to.user_id, (f"{len(self.posts)}.0",))

    async def find(self, to: Addressee, notice: UUID, *, since: datetime) -> Shown | None:
        raise AssertionError((to, notice, since))

    async def change(self, shown: Shown, reply: Reply) -> None:
        raise AssertionError((shown, reply))

    async def remove(self, shown: Shown) -> None:
        raise AssertionError(shown)

    def take(self) -> list[tuple[Addressee, Reply]]:
        """Return what was posted since."""
        taken, self.posts = self.posts, []
        return taken


async def read_here(data: bytes, filename: str, *, size: int, overlap: int) -> Reading:
    """Read a file as the separate process does, but here."""
    document = parse(data, filename)
    return Reading(tuple(chunk(document, size=size, overlap=overlap)), document.title, document.pages)


@dataclass
class Chat:
    """The bot, people's accounts in its workspace, and a browser."""

    world: World
    app: App
    browser: TestClient[web.Request, web.Application]
    posts: Posts

    async def type(self, name: str, place: Place, line: str, **files: tuple[str, bytes]) -> Screen:
        """Send a command; files by the option's name."""
        command, _, words = line.removeprefix("/").partition(" ")
        attached = {option: Attachment(called, option, len(data)) for option, (called, data) in files.items()}
        event = Command(key=str(uuid4()), sender=_sender(name), place=place, name=command, text=words, files=attached)
        return await self._send(event, {option: data for option, (_, data) in files.items()})

    async def press(self, name: str, place: Place, choice: Choice) -> Screen:
        """Press a choice."""
        sender = _sender(name)
        return await self._send(
            Control(key=str(uuid4()), sender=sender, place=place, action=choice.action, value=choice.value), {}
        )

    async def fill(
        self, name: str, place: Place, form: Form, typed: Mapping[str, str], file: tuple[str, bytes] | None = None
    ) -> Screen:
        """Send a form, with other text in some of its fields, and a file in the one that takes one."""
        fields = {each.name: each.value for each in form.fields if not each.file} | dict(typed)
        attached = {"file": Attachment(file[0], "file", len(file[1]))} if file else {}
        event = Control(
            key=str(uuid4()), sender=_sender(name), place=place, action=form.action, value=form.value, fields=fields,
            files=attached,
        )  # fmt: skip
        return await self._send(event, {"file": file[1]} if file else {})

    async def visit(self, name: str, page: Page) -> Screen:
        """Open one of the bot's own pages."""
        return await self._send(Visit(key=str(uuid4()), sender=_sender(name), place=direct(name), page=page), {})

    async def _send(self, event: Event, files: Mapping[str, bytes]) -> Screen:
        screen = Screen(set(MARK.findall(repr(event))), files)
        await dispatch(self.app, event, screen)
        return screen

    async def open(self, url: str) -> tuple[int, str]:
        """Follow a link; return the status and all that comes back."""
        path = url.removeprefix(PUBLIC_URL).partition("#")[0]
        async with self.browser.get(path) as response:
            return response.status, f"{response.headers}\n{(await response.read()).decode()}"

    async def tell(self) -> list[tuple[Addressee, Reply]]:
        """Send what is to be told now, one by one, until nothing is left that can be; return the posts."""
        notifier = Notifier(self.app.sessions, {Platform.SLACK: self.posts})
        await self.execute("UPDATE notifications SET state_changed_at = now() - interval '1 hour'")
        while taken := await take_notifications(self.app.sessions, KINDS, most=1):
            for told in taken:
                await notifier._send(told)
        return self.posts.take()

    async def age(self, by: str) -> None:
        """Let time go by, such as `2 hours`."""
        for statement in _AGE:
            await self.execute(statement.format(by=f"interval '{by}'"))

    async def execute(self, statement: str) -> None:
        async with self.app.sessions.begin() as session:
            await session.execute(text(statement))


def direct(name: str) -> Place:
    """Return where a person and the bot are alone."""
    return Place(f"D-{name}", private=True)


def channel(room: Room) -> Place:
    """Return where a class meets."""
    return Place(f"C{room.index}", private=False)


def _sender(name: str) -> Sender:
    return Sender(Platform.SLACK, f"U-{name}", WORKSPACE)


def links_on(page: str) -> list[str]:
    """Return the paths that a source page leads on to."""
    return [
        f"/file/{each}" if file else f"/source/{each}"
        for file, each in re.findall(r'href="(\.\./file/)?([\w-]{40,})', page)
    ]


@asynccontextmanager
async def open_chat(world: World, home: Path) -> AsyncIterator[Chat]:
    """Run the bot on a world's connection; each of its classes then has a channel, and everybody an account."""
    embedder, secrets = LexicalEmbedder(), Secrets(lambda: "a-key-for-tests-alone-and-long-enough")
    settings = Settings(public_url=PUBLIC_URL)
    answering = Answering(world.sessions, (ExtractiveChat(),), embedder, partial(source_link, settings, secrets))
    app = App(
        settings=settings,
        listen_url="",
        engine=world.connection.engine,
        sessions=world.sessions,
        answering=answering,
        pipeline=Pipeline(world.sessions, open_storage(home.as_uri()), read_here, embedder, world.queue),
        secrets=secrets,
        following=Following(world.sessions),
    )
    async with TestClient(TestServer(make_web(app))) as browser:
        yield Chat(world, app, browser, Posts())


async def move_in(world: World, school: School) -> None:
    """Give both classes a channel of one workspace, and their people accounts there."""
    operator = Actor.command_line()
    async with world.sessions.begin() as session:
        workspace = Workspace(platform=Platform.SLACK, external_id=WORKSPACE)
        session.add(workspace)
        await session.flush()
        for room in school.rooms:
            await bind_channel(session, operator, workspace.id, channel(room).channel_id, room.id)
            room.announces = True
        # East of Greenwich, by an odd half hour, and without summer time: what is typed is meant there.
        await session.execute(text(f"UPDATE classes SET time_zone = '{ZONE.key}'"))
        for name, user_id in school.people.items():
            await link(session, operator, workspace.id, f"U-{name}", user_id, LinkMethod.CODE)
