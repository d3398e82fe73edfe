"""A school with the sample course, and people who talk with it at the terminal through the whole bot."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from adapters.courses.import_folder import import_folder
from adapters.terminal.surface import TerminalResponder, read_line
from bot import sample_course
from bot.app import App
from bot.bootstrap import open_app
from bot.dispatch import dispatch
from bot.settings import Settings
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol, get_class
from core.enums import MembershipRole
from core.identity.people import add_person
from core.ports import ChatModel
from tests.conftest import HOME
from tests.databases import at, copy_of_template, drop_database

TEACHER = "vega@school.example"
CODE = "NIGHTSKY"


@dataclass(slots=True)
class Talk:
    """One person's conversation: `say` types a line and returns what was printed for it."""

    app: App
    email: str
    class_code: str | None = CODE
    output: io.StringIO = field(default_factory=io.StringIO)
    responder: TerminalResponder = field(init=False)

    def __post_init__(self) -> None:
        self.responder = TerminalResponder(Console(file=self.output, width=200, force_terminal=False))

    async def say(self, line: str) -> str:
        event = read_line(line, self.responder, email=self.email, class_code=self.class_code)
        assert event is not None
        start = self.output.tell()
        await dispatch(self.app, event, self.responder)
        return self.output.getvalue()[start:].strip()

    async def until(self, said: str) -> None:
        """Wait until that is printed, which nobody has typed anything for."""
        async with asyncio.timeout(10):
            while said not in self.output.getvalue():  # noqa: ASYNC110  (nothing tells of what is printed)
                await asyncio.sleep(0.01)


NewStudent = Callable[[], Awaitable[str]]
OpenApp = Callable[..., Awaitable[App]]


def settings_for(database_url: str, home: Path) -> Settings:
    return Settings(database_url=database_url, homeroom_home=home, openai_api_key=None, openai_base_url=None)


@pytest.fixture(scope="session")
async def app(server: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """Yield a whole bot with no language model, its class holding the published sample course.

    What it does is committed, so it has a database of its own.
    """
    name = await copy_of_template(server, pytestconfig.stash[HOME])
    async with open_app(settings_for(at(server, name), tmp_path_factory.mktemp("home"))) as app:
        async with app.sessions.begin() as session:
            operator = Actor.command_line()
            class_ = await create_class(session, operator, CODE, title="The Night Sky")
            teacher = await add_person(session, operator, TEACHER, name="Vega")
            await enrol(session, operator, class_.id, teacher.id, MembershipRole.TEACHER)
        folder = Path(sample_course.__path__[0])
        await import_folder(app.pipeline, Actor.person(teacher.id, "test"), class_.id, folder, publish=True)
        yield app
    await drop_database(server, name)


@pytest.fixture
async def new_student(app: App) -> NewStudent:
    async def make() -> str:
        email = f"{uuid4().hex[:12]}@school.example"
        async with app.sessions.begin() as session:
            student = await add_person(session, Actor.command_line(), email, name="Sam")
            class_ = await get_class(session, CODE)
            await enrol(session, Actor.command_line(), class_.id, student.id, MembershipRole.STUDENT)
        return email

    return make


@pytest.fixture
async def talk(app: App, new_student: NewStudent) -> Talk:
    """Return a fresh student's conversation with the class."""
    return Talk(app, await new_student())


@pytest.fixture
async def with_models(app: App, database_url: str, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[App]]]:
    """Yield a function that opens the same school with these chat models."""
    async with AsyncExitStack() as stack:

        async def make(*models: ChatModel) -> App:
            return await stack.enter_async_context(open_app(app.settings, models=models))

        yield make
