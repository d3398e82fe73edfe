"""A local Slack, and a small bolt app in either transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from tests.fakes.slack_server import SlackServer, slack_server

Run = Callable[[SlackServer, AsyncApp], AbstractAsyncContextManager[None]]
PING_SECONDS = 0.2


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with slack_server() as server:
        server.courier.retry_after = (0.0, 0.0, 0.0)
        server.workspace.add_person("U1", "ada@school.test", name="Ada")
        server.workspace.add_person("U2", "ben@school.test", name="Ben")
        server.workspace.add_channel("C1", "U1", "U2", name="physics")
        yield server


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
