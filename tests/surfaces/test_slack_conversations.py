"""Conversations in the local Slack: what stands in them, page by page, who is in them, and what that allows."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack_server import SlackServer
from tests.surfaces.conftest import Run
from tests.surfaces.echo import client, code, echo_app

MARK = {"event_type": "answer", "event_payload": {"id": "7"}}


async def test_history_comes_in_pages_the_newest_first(slack: SlackServer) -> None:
    web = client(slack)
    said = [slack.people.say("U1", "C1", f"{number}").post for number in range(5)]
    slack.people.say("U2", "C1", "in the thread", said[0].ts)
    slack.people.react("U2", said[4], "+1")
    pages = [page.data async for page in await web.conversations_history(channel="C1", limit=2)]
    assert [[message["text"] for message in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert pages[0]["messages"][0]["reactions"] == [{"name": "+1", "users": ["U2"], "count": 1}]
    assert pages[2]["messages"][0]["reply_count"] == 1
    between: Any = {"oldest": said[1].ts, "latest": said[3].ts}
    texts = [m["text"] for m in (await web.conversations_history(channel="C1", **between))["messages"]]
    assert texts == ["2"]
    texts = [m["text"] for m in (await web.conversations_history(channel="C1", **between, inclusive=True))["messages"]]
    assert texts == ["3", "2", "1"]
    assert await code(web.conversations_history(channel="C1", cursor="bad")) == "invalid_cursor"
    assert await code(web.conversations_history(channel="C1", limit=1_000)) == "invalid_limit"
    assert await code(web.conversations_history(channel="C1", oldest="then")) == "invalid_ts_oldest"


async def test_every_page_of_a_thread_begins_with_its_first_message(slack: SlackServer) -> None:
    web = client(slack)
    root = slack.people.say("U1", "C1", "root").post
    replies = [(await web.chat_postMessage(channel="C1", thread_ts=root.ts, text=f"{n}", metadata=MARK)) for n in "123"]
    await web.chat_delete(channel="C1", ts=replies[0]["ts"])
    pages = [page.data async for page in await web.conversations_replies(channel="C1", ts=root.ts, limit=2)]
    assert [[message["text"] for message in page["messages"]] for page in pages] == [["root", "2"], ["root", "3"]]
    assert pages[0]["messages"][0]["reply_count"] == 2
    assert pages[1]["messages"][1]["parent_user_id"] == "U1"
    assert pages[1]["messages"][1]["metadata"] == {"event_type": "answer"}
    full = await web.conversations_replies(channel="C1", ts=root.ts, include_all_metadata=True)
    assert full["messages"][1]["metadata"] == MARK
    assert await code(web.conversations_replies(channel="C1", ts="1.1")) == "thread_not_found"


async def test_metadata_stays_changes_and_goes(slack: SlackServer) -> None:
    web = client(slack)
    ts = (await web.chat_postMessage(channel="C1", text="x", metadata=MARK))["ts"]
    (post,) = slack.workspace.shown("C1")
    await web.chat_update(channel="C1", ts=ts, text="y")
    assert post.metadata == MARK
    wrong = web.chat_update(channel="C1", ts=ts, text="z", metadata={"event_type": "a"})
    assert await code(wrong) == "invalid_metadata_format"
    assert post.text == "y"
    await web.chat_update(channel="C1", ts=ts, text="z", metadata={"event_type": "b", "event_payload": {}})
    assert post.metadata == {"event_type": "b", "event_payload": {}}
    await web.chat_update(channel="C1", ts=ts, text="z", metadata={})
    assert post.metadata is None


async def test_members_come_in_pages(slack: SlackServer) -> None:
    web = client(slack)
    for number in range(3, 8):
        slack.workspace.add_person(f"U{number}")
        slack.people.join(f"U{number}", "C1")
    pages = [page["members"] async for page in await web.conversations_members(channel="C1", limit=3)]
    assert pages == [["U1", "U2", "U3"], ["U4", "U5", "U6"], ["U7", "UBOT"]]
    assert await code(web.conversations_members(channel="C1", limit=1_001)) == "invalid_limit"


async def test_each_kind_of_conversation_has_its_scopes(slack: SlackServer) -> None:
    web = client(slack)
    slack.workspace.add_channel("G1", "U1", kind="group")
    direct = slack.workspace.direct("U1").id
    for channel, prefix in (("C1", "channels"), ("G1", "groups"), (direct, "im")):
        everything = slack.scopes
        slack.scopes = everything - {f"{prefix}:history", f"{prefix}:read"}
        assert await code(web.conversations_history(channel=channel)) == "missing_scope"
        assert await code(web.conversations_info(channel=channel)) == "missing_scope"
        slack.scopes = everything
        assert (await web.conversations_history(channel=channel))["ok"]


async def test_a_bot_that_is_put_out_hears_and_sees_nothing_more(slack: SlackServer) -> None:
    web = client(slack)
    slack.workspace.add_channel("G1", "U1", kind="group")
    for channel, kind, error in (("C1", "channel_left", "not_in_channel"), ("G1", "group_left", "channel_not_found")):
        ts = (await web.chat_postMessage(channel=channel, text="x"))["ts"]
        left = slack.people.remove_bot(channel, by="U2")
        assert left is not None
        event = left.payload["event"]
        assert (event["type"], event["channel"], event["actor_id"]) == (kind, channel, "U2")
        assert slack.people.say("U1", channel, "<@UBOT> hello").deliveries == ()
        assert slack.people.react("U1", slack.workspace.find(channel, ts), "+1") is None
        assert await code(web.chat_postMessage(channel=channel, text="x")) == error
        assert await code(web.conversations_history(channel=channel)) == error
        assert await code(web.chat_update(channel=channel, ts=ts, text="y")) == error
    assert (await web.conversations_info(channel="C1"))["channel"]["is_member"] is False
    assert await code(web.conversations_info(channel="G1")) == "channel_not_found"
    joined = slack.people.add_bot("G1", by="U1")
    assert joined is not None
    event = joined.payload["event"]
    expected = ("member_joined_channel", "UBOT", "G", "U1")
    assert (event["type"], event["user"], event["channel_type"], event["inviter"]) == expected
    assert (await web.conversations_join(channel="C1"))["channel"]["is_member"] is True
    assert (await web.conversations_join(channel="C1"))["warning"] == "already_in_channel"
    await web.conversations_leave(channel="C1")
    assert (await web.conversations_leave(channel="C1"))["not_in_channel"] is True


async def test_a_mention_in_a_thread_names_the_thread(slack: SlackServer, run: Run) -> None:
    echo = echo_app(slack)
    root = slack.people.say("U2", "C1", "root").post
    async with run(slack, echo.app):
        await slack.people.say("U1", "C1", "<@UBOT> here", root.ts).done()
        await slack.until(lambda: echo.of("app_mention"))
    event = echo.of("app_mention")[0]["event"]
    assert (event["thread_ts"], event["parent_user_id"], "channel_type" in event) == (root.ts, "U2", False)


async def test_only_what_the_app_subscribes_to_is_sent(slack: SlackServer) -> None:
    slack.workspace.subscribed = frozenset({"app_mention"})
    (delivery,) = slack.people.say("U1", "C1", "<@UBOT> hello").deliveries
    assert delivery.payload["event"]["type"] == "app_mention"


async def test_reactions_and_links_are_looked_up(slack: SlackServer) -> None:
    web = client(slack)
    root = slack.people.say("U1", "C1", "x").post
    await web.reactions_add(channel="C1", timestamp=root.ts, name="eyes")
    slack.people.react("U2", root, "eyes")
    message = (await web.reactions_get(channel="C1", timestamp=root.ts))["message"]
    assert message["reactions"] == [{"name": "eyes", "users": ["UBOT", "U2"], "count": 2}]
    own = [sent.payload["event"] for sent in slack.courier.sent if sent.payload["event"]["type"] == "reaction_added"]
    assert [event["user"] for event in own] == ["UBOT", "U2"]
    reply = slack.people.say("U1", "C1", "y", root.ts).post
    link = (await web.chat_getPermalink(channel="C1", message_ts=reply.ts))["permalink"]
    assert link.endswith(f"/archives/C1/p{reply.ts.replace('.', '')}?thread_ts={root.ts}&cid=C1")
    assert await code(web.chat_getPermalink(channel="C1", message_ts="1.1")) == "message_not_found"


async def test_a_stream_that_is_deleted_is_over(slack: SlackServer) -> None:
    web = client(slack)
    to: Any = {"recipient_team_id": "T1", "recipient_user_id": "U1"}
    ts = (await web.chat_startStream(channel="C1", thread_ts="1.1", markdown_text="begun", **to))["ts"]
    (post,) = slack.workspace.shown("C1")
    await web.chat_delete(channel="C1", ts=ts)
    assert (post.streaming, slack.workspace.shown("C1")) == (False, [])
    assert await code(web.chat_appendStream(channel="C1", ts=ts, markdown_text="x")) == "message_not_found"
    assert await code(web.chat_stopStream(channel="C1", ts=ts)) == "message_not_found"
