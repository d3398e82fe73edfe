"""The local Slack's Web API, called by slack_sdk: errors, limits, streams, views."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler, AsyncServerErrorRetryHandler

from adapters.slack.forms import form_view
from adapters.slack.render import render
from core.replies import Choice, Choices, Citation, Field, Form, Note, Reply, Sources, Table, Text
from tests.fakes.slack_server import Failure, SlackServer, slack_server
from tests.surfaces.echo import FORM, Clock, client, code


async def test_requests_are_read_in_every_way_they_are_sent(slack: SlackServer) -> None:
    token = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=token) as session:
        ways: list[dict[str, Any]] = [
            {"params": {"channel": "C1", "text": "x"}},
            {"data": {"channel": "C1", "text": "x"}},
            {"json": {"channel": "C1", "text": "x"}},
            {"data": {"channel": "C1", "text": "x", "blocks": '[{"type":"divider"}]'}},
        ]
        for way in ways:
            async with session.post(f"{slack.api_url}chat.postMessage", **way) as response:
                assert (await response.json())["ok"] is True
        async with session.get(f"{slack.api_url}users.info", params={"user": "U1"}) as response:
            assert (await response.json())["user"]["profile"]["email"] == "ada@school.test"
        async with session.post(
            f"{slack.api_url}chat.postMessage", data=b"{", headers={"Content-Type": "application/json"}
        ) as response:
            assert (await response.json())["error"] == "invalid_json"


async def test_tokens_and_scopes_are_checked(slack: SlackServer) -> None:
    assert await code(client(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert await code(client(slack, slack.app_token).auth_test()) == "not_allowed_token_type"
    assert await code(client(slack).apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    slack.scopes = frozenset({"chat:write", "users:read"})
    with pytest.raises(SlackApiError) as raised:
        await client(slack).reactions_add(channel="C1", timestamp="1.1", name="eyes")
    assert raised.value.response["needed"] == "reactions:write"
    assert "email" not in (await client(slack).users_info(user="U1"))["user"]["profile"]
    await client(slack).auth_revoke()
    assert await code(client(slack).auth_test()) == "token_revoked"


async def test_posting_is_refused_where_slack_refuses_it(slack: SlackServer) -> None:
    web = client(slack)
    slack.workspace.add_channel("C2", "U1", with_bot=False)
    slack.workspace.add_channel("C3", "U1", archived=True)
    assert await code(web.chat_postMessage(channel="C9", text="x")) == "channel_not_found"
    assert await code(web.chat_postMessage(channel="C2", text="x")) == "not_in_channel"
    assert await code(web.chat_postMessage(channel="C3", text="x")) == "is_archived"
    assert await code(web.api_call("chat.postMessage", json={"channel": "C1"})) == "no_text"
    assert await code(web.chat_postEphemeral(channel="C1", user="U9", text="x")) == "user_not_in_channel"
    assert await code(web.chat_update(channel="C1", ts="1.1", text="x")) == "message_not_found"
    theirs = slack.people.say("U1", "C1", "x").post
    assert await code(web.chat_update(channel="C1", ts=theirs.ts, text="x")) == "cant_update_message"
    assert await code(web.chat_delete(channel="C1", ts=theirs.ts)) == "cant_delete_message"
    ours = (await web.chat_postMessage(channel="C1", text="y" * 50_000))["ts"]
    assert len(slack.workspace.shown("C1")[0].text) == 40_000
    assert await code(web.chat_update(channel="C1", ts=ours, text="x" * 4_001)) == "msg_too_long"


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([{"type": "sparkles"}], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "invalid_blocks"),
        ([{"type": "divider", "block_id": "a"}] * 2, "invalid_blocks"),
        ([{"type": "actions", "elements": []}], "invalid_blocks"),
        ([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}], "invalid_blocks"),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}] * 2, "invalid_attachments"),
        ([{"type": "markdown", "text": "x" * 7_000}] * 2, "msg_blocks_too_long"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}] * 5, "msg_blocks_too_long"),
    ],
)
async def test_blocks_beyond_the_limits_are_refused(slack: SlackServer, blocks: list[Any], error: str) -> None:
    assert await code(client(slack).chat_postMessage(channel="C1", text="x", blocks=blocks)) == error


async def test_an_update_without_blocks_keeps_them(slack: SlackServer) -> None:
    web = client(slack)
    ts = (await web.chat_postMessage(channel="C1", text="x", blocks=[{"type": "divider"}]))["ts"]
    await web.chat_update(channel="C1", ts=ts, text="y")
    (post,) = slack.workspace.shown("C1")
    assert (post.text, post.blocks) == ("y", [{"type": "divider"}])
    await web.chat_update(channel="C1", ts=ts, text="y", blocks=[])
    assert post.blocks == []


async def test_a_stream_grows_and_ends(slack: SlackServer) -> None:
    asked = slack.people.say("U1", "C1", "hello").post
    stream = await client(slack).chat_stream(
        channel="C1", thread_ts=asked.ts, recipient_team_id="T1", recipient_user_id="U1", buffer_size=1
    )
    await stream.append(markdown_text="**hel")
    (post,) = slack.workspace.shown("C1")
    assert (post.streaming, post.streamed) == (True, "**hel")
    ts = str(stream.ts)
    web = client(slack)
    assert await code(web.chat_update(channel="C1", ts=ts, text="x")) == "streaming_state_conflict"
    too_long = web.chat_appendStream(channel="C1", ts=ts, markdown_text="x" * 12_001)
    assert await code(too_long) == "msg_too_long"
    await stream.stop(
        markdown_text="lo**", blocks=[{"type": "divider"}], metadata={"event_type": "a", "event_payload": {}}
    )
    assert (post.streaming, post.text, post.blocks) == (False, "**hello**", [{"type": "divider"}])
    late = web.chat_appendStream(channel="C1", ts=ts, markdown_text="x")
    assert await code(late) == "message_not_in_streaming_state"
    assert await code(web.chat_stopStream(channel="C1", ts=asked.ts)) == "message_not_owned_by_app"


async def test_a_stream_in_a_channel_needs_a_recipient(slack: SlackServer) -> None:
    web = client(slack)
    assert await code(web.chat_startStream(channel="C1", thread_ts="1.1")) == "missing_recipient_team_id"
    direct = (await web.conversations_open(users="U1"))["channel"]["id"]
    assert (await web.chat_startStream(channel=direct, thread_ts="1.1"))["ok"]


async def test_the_platforms_stop_ends_the_stream(slack: SlackServer) -> None:
    web = client(slack)
    ts = (
        await web.chat_startStream(
            channel="C1", thread_ts="1.1", recipient_team_id="T1", recipient_user_id="U1", markdown_text="begun"
        )
    )["ts"]
    delivery = slack.people.press_stop("U1", "C1", "1.1")
    assert delivery is not None
    assert delivery.payload["event"]["streaming_message_ts"] == [ts]
    assert await code(web.chat_appendStream(channel="C1", ts=ts, markdown_text="x")) == "message_not_in_streaming_state"


async def test_tiers_are_kept_with_the_seconds_to_wait() -> None:
    clock = Clock()
    async with slack_server(limits=True, clock=clock) as slack:
        web = client(slack)
        slack.workspace.add_person("U1")
        slack.workspace.add_channel("C1", "U1")
        slack.workspace.add_channel("C2", "U1")

        async def start() -> Any:
            return await web.chat_startStream(
                channel="C1", thread_ts="1.1", recipient_team_id="T1", recipient_user_id="U1"
            )

        for _ in range(20):
            await start()
        clock.now += 13
        with pytest.raises(SlackApiError) as raised:
            await start()
        response = raised.value.response
        assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "47")
        clock.now += 47.5
        await start()
        for _ in range(5):
            await web.chat_postMessage(channel="C1", text="x")
        assert await code(web.chat_postMessage(channel="C1", text="x")) == "ratelimited"
        await web.chat_postMessage(channel="C2", text="x")
        clock.now += 6
        await web.chat_postMessage(channel="C1", text="x")


async def test_clients_get_over_429_and_500_when_told_to(slack: SlackServer) -> None:
    web = client(slack)
    slack.fail("chat.postMessage", Failure(500))
    with pytest.raises(SlackApiError) as raised:
        await web.chat_postMessage(channel="C1", text="x")
    assert raised.value.response.status_code == 500
    # The handlers count together, and each gives up after one retry unless it is told more.
    handlers = (AsyncRateLimitErrorRetryHandler, AsyncServerErrorRetryHandler)
    web.retry_handlers += [handler(max_retry_count=3) for handler in handlers]
    slack.fail("chat.postMessage", Failure(500), Failure(429, retry_after=0), Failure(error="fatal_error"))
    assert await code(web.chat_postMessage(channel="C1", text="x")) == "fatal_error"
    await web.chat_postMessage(channel="C1", text="once")
    assert [post.text for post in slack.workspace.shown("C1")] == ["once"]


async def test_people_are_found_and_told_apart(slack: SlackServer) -> None:
    web = client(slack)
    slack.workspace.add_person("U8", "cy@other.test", team_id="T9", stranger=True)
    slack.workspace.add_person("U9", "guest@school.test", guest=True)
    found = (await web.users_lookupByEmail(email="ADA@school.test"))["user"]
    assert (found["id"], found["team_id"], found["is_restricted"], found["is_stranger"]) == ("U1", "T1", False, False)
    assert await code(web.users_lookupByEmail(email="cy@other.test")) == "users_not_found"
    assert (await web.users_info(user="U8"))["user"]["is_stranger"] is True
    assert (await web.users_info(user="U9"))["user"]["is_restricted"] is True
    assert (await web.conversations_info(channel="C1"))["channel"]["is_ext_shared"] is False


async def test_a_reaction_is_put_once(slack: SlackServer) -> None:
    web = client(slack)
    post = slack.people.say("U1", "C1", "x").post
    await web.reactions_add(channel="C1", timestamp=post.ts, name="eyes")
    assert await code(web.reactions_add(channel="C1", timestamp=post.ts, name="eyes")) == "already_reacted"
    await web.reactions_remove(channel="C1", timestamp=post.ts, name="eyes")
    assert await code(web.reactions_remove(channel="C1", timestamp=post.ts, name="eyes")) == "no_reaction"


async def test_a_trigger_lives_three_seconds_and_opens_one_view() -> None:
    clock = Clock()
    async with slack_server(clock=clock) as slack:
        web = client(slack)
        slack.workspace.add_person("U1")
        trigger = slack.workspace.grant_trigger("U1")
        clock.now += 2.9
        view = (await web.views_open(trigger_id=trigger, view=FORM))["view"]
        assert await code(web.views_open(trigger_id=trigger, view=FORM)) == "exchanged_trigger_id"
        late = slack.workspace.grant_trigger("U1")
        clock.now += 3.1
        assert await code(web.views_open(trigger_id=late, view=FORM)) == "expired_trigger_id"
        assert await code(web.views_update(view_id=view["id"], view=FORM, hash="old")) == "hash_conflict"
        await web.views_update(view_id=view["id"], view=FORM, hash=view["hash"])
        untitled = {name: value for name, value in FORM.items() if name != "submit"}
        assert await code(web.views_update(view_id=view["id"], view=untitled)) == "invalid_arguments"
        await web.views_publish(user_id="U1", view={"type": "home", "blocks": [{"type": "divider"}]})
        assert slack.workspace.homes["U1"].view["blocks"] == [{"type": "divider"}]


async def test_assistant_threads_show_status_and_prompts(slack: SlackServer) -> None:
    web = client(slack)
    await web.assistant_threads_setStatus(
        channel_id="C1", thread_ts="1.1", status="is reading…", loading_messages=["Looking it up"]
    )
    assert slack.workspace.statuses[0]["status"] == "is reading…"
    prompts = [{"title": "What is due?", "message": "What is due this week?"}]
    await web.assistant_threads_setSuggestedPrompts(channel_id="C1", thread_ts="1.1", prompts=prompts)
    assert (
        await code(web.assistant_threads_setSuggestedPrompts(channel_id="C1", thread_ts="1.1", prompts=prompts * 5))
        == "invalid_arguments"
    )


async def test_what_we_render_is_taken(slack: SlackServer) -> None:
    web = client(slack)
    answer = UUID(int=5)
    reply = Reply(
        (
            Text("\n\n".join(f"## Part {n}\n\n{'All about <!channel> & moles. ' * 40}" for n in range(35))),
            Table(("a", "b"), (("1", "<@U1>"),), "T"),
            Sources((Citation(1, "Moles", "p. 2", "A mole is a number.", UUID(int=1), "https://h.test/1"),)),
            Note("From the lesson only."),
            Choices((Choice("Search", "answer.class", str(answer)), Choice("Again", "answer.retry", str(answer)))),
        ),
        answer_id=answer,
    )
    messages = render(reply)
    assert len(reply.text()) > 40_000
    for message in messages:
        await web.chat_postMessage(channel="C1", thread_ts="1.1", **message.arguments())
    posts = slack.workspace.shown("C1")
    assert len(posts) == len(messages)
    await web.chat_update(channel="C1", ts=posts[0].ts, text=messages[0].text, blocks=list(messages[0].blocks))
    pressed = slack.people.press("U1", posts[-1], "Again").payload["actions"][0]
    assert (pressed["action_id"], pressed["value"]) == ("answer.retry#1", str(answer))
    assert [block["type"] for block in posts[-1].blocks][-1] == "context_actions"
    assert slack.people.press("U1", posts[-1], "👎").payload["actions"][0]["value"] == f"-:{answer}"
    form = Form(
        "Correct this answer for everyone", "answer.correct", (Field("text", "Answer", "x" * 7_000, long=True),)
    )
    await web.views_open(trigger_id=slack.workspace.grant_trigger("U1"), view=form_view(form))
