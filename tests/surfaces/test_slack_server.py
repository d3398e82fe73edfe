"""The local Slack against the unmodified slack-bolt, in both transports: it does what Slack does, pleasant or not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncBoltRequest

from adapters.slack.receive import receive
from tests.fakes.slack_server import SlackServer, slack_server
from tests.surfaces.conftest import Run, over_http, over_sockets
from tests.surfaces.echo import client, echo_app


async def test_a_message_is_echoed_and_the_echo_comes_back_as_the_bots_own(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        said = slack.people.say("U1", "C1", "<@UBOT> hello")
        await said.done()
        await slack.until(lambda: slack.workspace.shown("C1"))
        for delivery in list(slack.courier.sent):
            await delivery.done()
    assert [post.text for post in slack.workspace.shown("C1")] == ["<@UBOT> hello"]
    assert len(echo.of("app_mention")) == 1
    # Bolt keeps the bot's own posts from its listeners; Slack sends them all the same.
    own = [sent.payload["event"] for sent in slack.courier.sent if sent.payload["event"].get("bot_id")]
    assert [event["user"] for event in own] == ["UBOT"]
    keys = {heard.key for body in echo.heard if (heard := receive(body))}
    assert keys == {f"slack:message:C1:{said.post.ts}"}


async def test_a_second_delivery_reaches_the_listener_again(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        (delivery,) = slack.people.say("U1", "C1", "hello").deliveries
        await delivery.done()
        await slack.courier.send_again(delivery).done()
        await slack.until(lambda: len(slack.workspace.shown("C1")) == 2)
    first, second = echo.of("message")
    assert first["event_id"] == second["event_id"]


async def test_an_event_without_a_listener_is_sent_three_times_more(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    slack.courier.ack_seconds = 0.2
    async with run(slack, echo.app):
        delivery = slack.people.open_home("U1")
        assert delivery is not None
        await delivery.ended()
    assert delivery.attempts == 4
    assert delivery.failure in ("timeout", "http_error 404")


async def test_commands_are_answered_in_the_acknowledgement_and_by_response_url(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        assert await slack.people.command("U1", "C1", "/echo", "one & two").done() == {"text": "heard one & two"}
        await slack.until(lambda: slack.workspace.shown("C1"))
    assert [post.text for post in slack.workspace.private("U1")] == ["heard one & two"]
    assert [post.text for post in slack.workspace.shown("C1")] == ["and again"]


async def test_a_form_opens_shows_its_errors_and_closes(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        await slack.people.command("U1", "C1", "/form").done()
        await slack.until(lambda: slack.workspace.views)
        (opened,) = slack.workspace.views.values()
        await slack.people.submit(opened, name="nobody").done()
        assert (opened.open, opened.errors) == (True, {"name": "Who?"})
        await slack.people.submit(opened, name="Ada").done()
        assert not opened.open
    keys = [heard.key for body in echo.heard if (heard := receive(body))]
    assert len(set(keys)) == 2


async def test_a_button_replaces_its_message(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        await slack.people.say("U1", "C1", "hello").done()
        await slack.until(lambda: slack.workspace.shown("C1"))
        (post,) = slack.workspace.shown("C1")
        await slack.people.press("U2", post, "Go").done()
        await slack.until(lambda: post.text == "gone")
    assert post.blocks == []


async def test_reactions_edits_and_deletions_are_told(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    async with run(slack, echo.app):
        said = slack.people.say("U1", "C1", "hello")
        deliveries = [
            slack.people.react("U2", said.post, "+1"),
            slack.people.react("U2", said.post, "+1", take_off=True),
            slack.people.edit(said.post, "hello!"),
            slack.people.remove(said.post),
        ]
        for delivery in deliveries:
            assert delivery is not None
            await delivery.done()
        await slack.until(lambda: len(echo.heard) == 5)
    assert {body["event"].get("subtype") for body in echo.of("message")} == {None, "message_changed", "message_deleted"}


async def test_the_app_hears_nothing_from_where_it_is_not(slack: SlackServer) -> None:
    slack.workspace.add_channel("C2", "U1", with_bot=False)
    assert slack.people.say("U1", "C2", "<@UBOT> hello").deliveries == ()


async def test_a_dropped_socket_loses_nothing(slack: SlackServer) -> None:
    echo = echo_app(slack)
    arrived, release = asyncio.Event(), asyncio.Event()

    @echo.app.middleware
    async def hold(req: AsyncBoltRequest, next: Any) -> None:  # noqa: A002  (bolt finds arguments by name)
        arrived.set()
        await release.wait()
        await next()

    async with over_sockets(slack, echo.app):
        (delivery,) = slack.people.say("U1", "C1", "hello").deliveries
        await arrived.wait()
        slack.sockets.drop()
        await slack.sockets.wait_open(2)
        release.set()
        await delivery.done()
    assert delivery.attempts == 2
    assert delivery.payload["event"]["text"] == "hello"


async def test_a_refreshed_connection_loses_nothing(slack: SlackServer) -> None:
    echo = echo_app(slack)
    async with over_sockets(slack, echo.app):
        before = [slack.people.say("U1", "C1", f"{number}") for number in range(5)]
        await slack.sockets.refresh()
        after = [slack.people.say("U1", "C1", f"{number}") for number in range(5, 10)]
        for said in before + after:
            await said.done()
        await slack.until(lambda: len(slack.workspace.shown("C1")) >= 10)
    assert {post.text for post in slack.workspace.shown("C1")} == {f"{number}" for number in range(10)}
    assert slack.sockets.opened == 2


async def test_several_sockets_share_the_load(slack: SlackServer) -> None:
    first, second = echo_app(slack), echo_app(slack)
    async with over_sockets(slack, first.app), over_sockets(slack, second.app):
        for said in [slack.people.say("U1", "C1", f"{number}") for number in range(10)]:
            await said.done()
        await slack.until(lambda: len(slack.workspace.shown("C1")) == 10)
    assert (len(first.of("message")), len(second.of("message"))) == (5, 5)


async def test_a_silent_connection_is_replaced_by_the_client(slack: SlackServer) -> None:
    echo = echo_app(slack)
    async with over_sockets(slack, echo.app):
        slack.sockets.silent = True
        await asyncio.wait_for(slack.sockets.wait_open(2), 10)
        slack.sockets.silent = False


async def test_a_connection_address_works_once(slack: SlackServer) -> None:
    opened = await client(slack).apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            hello = json.loads((await socket.receive()).data)
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


async def test_an_eleventh_socket_is_turned_away(slack: SlackServer) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(slack.sockets.ticket()) for _ in range(11)]
        frames = [json.loads((await socket.receive()).data) for socket in sockets]
        assert [frame["type"] for frame in frames] == ["hello"] * 10 + ["disconnect"]
        for socket in sockets:
            await socket.close()


async def test_http_requests_are_signed_and_forged_ones_are_refused(slack: SlackServer) -> None:
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "c4"})
    kind = {"Content-Type": "application/json"}
    async with over_http(slack, echo_app(slack).app):
        status, text, _ = await slack.posting.post(body, kind)
        assert (status, json.loads(text)) == (200, {"challenge": "c4"})
        assert (await slack.posting.post(body, kind, secret="another"))[0] == 401
        assert (await slack.posting.post(body, kind, now=1_000_000_000))[0] == 401


async def test_http_retries_are_numbered_until_one_is_acknowledged(slack: SlackServer) -> None:
    echo = echo_app(slack)
    seen: list[tuple[str, str]] = []

    @echo.app.middleware
    async def note(req: AsyncBoltRequest, next: Any) -> None:  # noqa: A002  (bolt finds arguments by name)
        number, reason = req.headers.get("x-slack-retry-num", [""]), req.headers.get("x-slack-retry-reason", [""])
        seen.append((number[0], reason[0]))
        if len(seen) < 3:
            raise RuntimeError("not yet")
        await next()

    @echo.app.error
    async def quiet(error: Exception) -> None:
        assert str(error) == "not yet"

    async with over_http(slack, echo.app):
        (delivery,) = slack.people.say("U1", "C1", "hello").deliveries
        await delivery.done()
    assert [number for number, _ in seen[:3]] == ["", "1", "2"]
    assert seen[1][1].startswith("http_error")


async def test_two_workspaces_are_kept_apart(slack: SlackServer, run: Run) -> None:
    other = slack.install("T2")
    other.workspace.add_person("U7")
    other.workspace.add_channel("C7", "U7")
    assert (await client(slack, other.workspace.bot_token).auth_test())["team_id"] == "T2"
    assert (await client(slack).auth_test())["team_id"] == "T1"
    echo = echo_app(slack)
    async with run(slack, echo.app):
        await other.say("U7", "C7", "hello").deliveries[0].done()
        await slack.until(lambda: echo.heard)
    assert echo.heard[0]["team_id"] == "T2"


async def test_it_serves_several_at_once() -> None:
    async with slack_server() as one, slack_server() as two:
        assert one.api_url != two.api_url
