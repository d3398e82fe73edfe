"""A local Slack, and a small bolt app in either transport; a local Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from adapters.courses.import_folder import import_folder
from bot import sample_course
from bot.bootstrap import open_app
from bot.settings import Settings
from core.classes.enrol import create_class
from tests.conftest import HOME
from tests.databases import at, copy_of_template, create_database, drop_database, unused_name
from tests.fakes.discord_server import DiscordServer, discord_server
from tests.fakes.openai_server import OpenAIServer, openai_server
from tests.fakes.slack_server import SlackServer, slack_server
from tests.surfaces.discord_echo import pointed_at
from tests.surfaces.on_slack import ELSEWHERE, PING_SECONDS, SHARED, SlackSchool, be_patient, open_school
from tests.surfaces.school import CODE, OPERATOR

Run = Callable[[SlackServer, AsyncApp], AbstractAsyncContextManager[None]]


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with slack_server() as server:
        be_patient(server)
        server.workspace.add_person("U1", "ada@school.test", name="Ada")
        server.workspace.add_person("U2", "ben@school.test", name="Ben")
        server.workspace.add_channel("C1", "U1", "U2", name="physics")
        yield server


@pytest.fixture
async def local() -> AsyncIterator[DiscordServer]:
    """Yield a local Discord; the name `discord` is the library's."""
    async with discord_server() as server:
        for user_id, name in {"1": "Teacher", "11": "Ada", "12": "Ben"}.items():
            server.workspace.add_person(user_id, name)
        server.workspace.add_channel("21", "physics")
        yield server


@pytest.fixture
async def rest(local: DiscordServer) -> AsyncIterator[discord.Client]:
    """Yield a discord.py client that has logged in, but hears nothing."""
    with pointed_at(local):
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(local.token)
            yield client


@asynccontextmanager
async def over_sockets(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=PING_SECONDS)
    opened = slack.sockets.opened
    await handler.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    await slack.sockets.wait_open(opened + 1)
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # as above


@asynccontextmanager
async def over_http(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    async def serve(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    application = web.Application()
    application.router.add_post("/slack/events", serve)
    async with TestServer(application) as server:
        slack.posting.url = str(server.make_url("/slack/events"))
        yield


@pytest.fixture(params=[over_sockets, over_http], ids=["socket", "http"])
def run(request: pytest.FixtureRequest) -> Run:
    transport: Run = request.param
    return transport


@pytest.fixture(scope="session")
async def course(server: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a database with the sample course in a class: a template for schools."""
    name = await copy_of_template(server, pytestconfig.stash[HOME])
    home = tmp_path_factory.mktemp("home")
    async with open_app(Settings(database_url=at(server, name), homeroom_home=home)) as app:
        async with app.sessions.begin() as session:
            class_ = await create_class(session, OPERATOR, CODE, title="The Night Sky")
        folder = Path(sample_course.__path__[0])
        await import_folder(app.pipeline, OPERATOR, class_.id, folder, publish=True)
    return name


@pytest.fixture
async def database(server: str, course: str) -> AsyncIterator[str]:
    """Yield the URL of a database of the test's own, with the sample course."""
    name = unused_name()
    yield await create_database(server, name, template=course)
    await drop_database(server, name)


@pytest.fixture
async def provider() -> AsyncIterator[OpenAIServer]:
    async with openai_server() as running:
        yield running


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def school(
    request: pytest.FixtureRequest, slack: SlackServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> AsyncIterator[SlackSchool]:
    """Yield a school whose class meets in Slack, over either way in."""
    slack.workspace.add_channel(ELSEWHERE, name="elsewhere")
    slack.workspace.add_channel(SHARED, name="shared", shared=True)
    async with open_school(slack, provider, database, tmp_path, http=request.param) as school:
        yield school
