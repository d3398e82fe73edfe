"""How the local Slack fails: before the work, after it, late, without an answer; and how slow the app may be."""

from __future__ import annotations

import asyncio
import math
import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler, AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack_server import Failure, SlackServer, slack_server
from tests.surfaces.conftest import Run
from tests.surfaces.echo import client, echo_app

AT_ONCE = FixedValueRetryIntervalCalculator(0.0)


def texts(slack: SlackServer) -> list[str]:
    return [post.text for post in slack.workspace.shown("C1")]


async def test_work_that_fails_too_late_is_done_twice_by_who_tries_again(slack: SlackServer) -> None:
    web = client(slack)
    web.retry_handlers = [AsyncServerErrorRetryHandler(interval_calculator=AT_ONCE)]
    slack.fail("chat.postMessage", Failure(500, done=True))
    await web.chat_postMessage(channel="C1", text="x")
    assert texts(slack) == ["x", "x"]
    slack.fail("chat.postMessage", Failure(500))
    await web.chat_postMessage(channel="C1", text="y")
    assert texts(slack) == ["x", "x", "y"]


@pytest.mark.parametrize("done", [False, True])
async def test_a_connection_is_cut_before_or_after_the_work(slack: SlackServer, done: bool) -> None:
    web = client(slack)
    web.retry_handlers = []
    slack.fail("chat.postMessage", Failure(drop=True, done=done))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await web.chat_postMessage(channel="C1", text="x")
    assert len(texts(slack)) == done
    slack.fail("chat.postMessage", Failure(drop=True, done=done))
    web.retry_handlers = [AsyncConnectionErrorRetryHandler(interval_calculator=AT_ONCE)]
    await web.chat_postMessage(channel="C1", text="x")
    assert len(texts(slack)) == (3 if done else 1)


async def test_a_late_answer_is_too_late_for_who_waits_less(slack: SlackServer) -> None:
    slack.fail("chat.postMessage", Failure(hang=60.0))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
        web = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        with pytest.raises(TimeoutError):
            await web.chat_postMessage(channel="C1", text="x")
    assert texts(slack) == ["x"]
    slack.fail("chat.postMessage", Failure(hang=0.01))
    assert (await client(slack).chat_postMessage(channel="C1", text="y"))["ok"]


async def test_a_server_that_closes_lets_nobody_hang() -> None:
    started = time.monotonic()
    async with slack_server() as slack:
        slack.fail("auth.test", Failure(hang=600.0))
        call = asyncio.ensure_future(client(slack).auth_test())
        await asyncio.wait({call}, timeout=0.1)
    await asyncio.gather(call, return_exceptions=True)
    assert time.monotonic() - started < 10


async def test_a_connection_for_sockets_is_refused_as_told(slack: SlackServer) -> None:
    slack.fail("apps.connections.open", Failure(error="internal_error"), Failure(429, retry_after=7))
    for status, error in ((200, "internal_error"), (429, "ratelimited")):
        with pytest.raises(SlackApiError) as raised:
            await client(slack).apps_connections_open(app_token=slack.app_token)
        assert (raised.value.response.status_code, raised.value.response["error"]) == (status, error)


async def test_every_answer_can_be_held_back(slack: SlackServer) -> None:
    web = client(slack)
    slack.answer_delay = 0.05
    started = time.monotonic()
    await asyncio.gather(*(web.chat_postMessage(channel="C1", text=f"{number}") for number in range(4)))
    assert time.monotonic() - started >= 0.05
    assert sorted(texts(slack)) == ["0", "1", "2", "3"]


async def test_the_slowest_acknowledgement_is_known(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    slack.courier.ack_seconds = 0.2
    assert slack.courier.slowest() == 0.0
    async with run(slack, echo.app):
        await slack.people.say("U1", "C1", "hello").done()
        slowest = slack.courier.slowest()
        assert 0 < slowest < 0.2
        unheard = slack.people.open_home("U1")
        assert unheard is not None
        await unheard.ended()
    assert slack.courier.slowest() == math.inf
