"""The local Discord's REST API, called by discord.py: errors, limits, buckets, files, mentions, commands."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer, Failure, discord_server
from tests.surfaces.discord_echo import pointed_at, post, refusal
from tests.surfaces.echo import Clock

POST = "POST /channels/{channel}/messages"
Json = dict[str, Any]


async def start_thread(rest: discord.Client, channel: int, message: int, name: str) -> Any:
    return await rest.http.start_thread_with_message(channel, message, name=name, auto_archive_duration=1440)


async def test_calls_are_refused_where_discord_refuses_them(local: DiscordServer, rest: discord.Client) -> None:
    world = local.workspace
    world.add_channel("22", "hidden")
    world.deny("22", "view_channel")
    world.add_channel("23", "reading")
    world.deny("23", "send_messages", "add_reactions", "create_public_threads")
    world.add_channel("30", "questions", kind=15, flags=1 << 4, tags=("homework",))
    world.add_person("13", "Cy", dms_closed=True)
    world.add_person("14", "Dot", guild=None)
    theirs = local.people.say("11", "23", "hello")
    http = rest.http
    params = discord.http.handle_message_parameters(content="x")
    calls: dict[int, list[Awaitable[object]]] = {
        10003: [post(rest, "99", content="x")],
        10008: [http.get_message(21, 5), http.delete_message(21, 5)],
        50001: [post(rest, "22", content="x"), http.get_channel(22)],
        50005: [http.edit_message(23, int(theirs.id), params=params)],
        50006: [post(rest), post(rest, content="  ")],
        50007: [post(rest, world.direct("13").id, content="x")],
        50278: [post(rest, world.direct("14").id, content="x")],
        50008: [post(rest, "30", content="x")],
        50013: [
            post(rest, "23", content="x"),
            http.delete_message(23, int(theirs.id)),
            http.add_reaction(23, int(theirs.id), "👍"),
            start_thread(rest, 23, int(theirs.id), "x"),
            http.edit_channel(21, name="x"),
        ],
        10014: [http.add_reaction(23, int(theirs.id), "thumbsup")],
        40067: [http.start_thread_in_forum(30, params=_forum_post())],
        10007: [http.get_member(int(local.guild.id), 14)],
        10013: [http.get_member(int(local.guild.id), 99)],
        10004: [http.get_guild(5)],
        10063: [http.get_global_command(int(local.application_id), 5)],
        0: [http.request(discord.http.Route("GET", "/no/such/route"))],
    }
    for code, refused in calls.items():
        for call in refused:
            assert (await refusal(call)).code == code
    assert {code for _, code in local.refusals} == {*calls, 404} - {0}


def _forum_post() -> Any:
    return discord.http.handle_message_parameters(content="x", channel_payload={"name": "x"})


async def test_a_nonce_makes_a_message_once(local: DiscordServer, rest: discord.Client) -> None:
    local.fail(POST, Failure(503, done=True))
    assert (await refusal(post(rest, content="x", nonce="n1", enforce_nonce=True))).status == 503
    again = await post(rest, content="x", nonce="n1", enforce_nonce=True)
    other = await post(rest, content="x", nonce="n1")
    assert [each.id for each in local.workspace.shown("21")] == [again["id"], other["id"]]


async def test_pings_are_those_that_were_allowed(local: DiscordServer, rest: discord.Client) -> None:
    channel: Any = rest.get_partial_messageable(21)
    text = "<@11> @everyone <@&5> `<@12>`"
    none = discord.AllowedMentions.none()
    await channel.send(text, allowed_mentions=none)
    await channel.send(text, allowed_mentions=discord.AllowedMentions(users=[discord.Object(12)]))
    await channel.send(text)
    local.workspace.add_role(BOT, "mention_everyone")
    last = await channel.send(text)
    theirs = local.people.say("12", "21", "<@11> hello")
    await channel.send("hi", reference=discord.MessageReference(message_id=int(theirs.id), channel_id=21))
    hello = discord.MessageReference(message_id=int(theirs.id), channel_id=21)
    await channel.send("hi", reference=hello, allowed_mentions=none)
    await last.edit(content="<@12>")
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.TextDisplay("<@12>"))
    await channel.send(view=view)
    pings = [set(each.pings) for each in local.workspace.shown("21")]
    assert pings == [set(), set(), {"11"}, {"11", "5", "@everyone"}, {"12"}, set(), {"12"}]
    assert theirs.pings == {"11"}


async def test_files_go_up_and_come_down_again(local: DiscordServer, rest: discord.Client) -> None:
    channel: Any = rest.get_partial_messageable(21)
    files = [discord.File(io.BytesIO(content), name) for name, content in (("a.txt", b"aa"), ("b.png", b"b"))]
    sent = await channel.send(files=files)
    assert [(each.filename, each.size, await each.read()) for each in sent.attachments] == [
        ("a.txt", 2, b"aa"),
        ("b.png", 1, b"b"),
    ]
    edited = await sent.edit(attachments=[sent.attachments[1], discord.File(io.BytesIO(b"c"), "c.txt")])
    assert [each.filename for each in edited.attachments] == ["b.png", "c.txt"]
    local.fail("GET attachment", Failure(503))
    assert (await refusal(edited.attachments[0].read())).status == 503
    large = discord.File(io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "large.bin")
    assert (await refusal(channel.send(file=large))).code == 40005


async def test_an_edit_leaves_what_it_does_not_name(local: DiscordServer, rest: discord.Client) -> None:
    channel: Any = rest.get_partial_messageable(21)
    sent = await channel.send("one", embed=discord.Embed(title="t"))
    await sent.edit(content="two")
    await sent.edit(embed=None)
    (shown,) = local.workspace.shown("21")
    assert (shown.content, shown.edits, shown.embeds) == ("two", ["one", "two"], [])
    assert (await refusal(sent.edit(content=""))).code == 50006


async def test_threads_and_forum_posts_are_started(local: DiscordServer, rest: discord.Client) -> None:
    world = local.workspace
    forum = world.add_channel("30", "questions", kind=15, tags=("homework",))
    asked = local.people.say("11", "21", "why?")
    started = await start_thread(rest, 21, int(asked.id), "Why")
    assert (started["id"], asked.thread) == (asked.id, asked.id)
    again = start_thread(rest, 21, int(asked.id), "Why")
    assert (await refusal(again)).code == 160004
    assert (await refusal(start_thread(rest, 21, 1, "x"))).code == 10008
    private: Any = await rest.http.start_thread_without_message(21, name="Private", type=12, auto_archive_duration=1440)
    await rest.http.add_user_to_thread(int(private["id"]), 11)
    assert world.channels[private["id"]].members == [BOT, "11"]
    params = discord.http.handle_message_parameters(
        content="hi", channel_payload={"name": "A post", "applied_tags": [forum.tags[0]["id"]]}
    )
    made: Any = await rest.http.start_thread_in_forum(30, params=params)
    assert made["id"] == made["message"]["id"]
    await rest.http.edit_channel(int(made["id"]), archived=True)
    edit = discord.http.handle_message_parameters(content="x")
    assert (await refusal(rest.http.edit_message(int(made["id"]), int(made["id"]), params=edit))).code == 50083
    await post(rest, made["id"], content="again")
    assert not world.channels[made["id"]].archived


async def test_reactions_are_put_listed_and_taken_off(local: DiscordServer, rest: discord.Client) -> None:
    said = local.people.say("11", "21", "x")
    local.people.react("11", said, "👍")
    for _ in range(2):
        await rest.http.add_reaction(21, int(said.id), "👍")
    users = await rest.http.get_reaction_users(21, int(said.id), "👍", 10)
    assert [user["id"] for user in users] == ["11", BOT]
    await rest.http.remove_own_reaction(21, int(said.id), "👍")
    assert (await refusal(rest.http.remove_reaction(21, int(said.id), "👍", 11))).code == 50013
    assert said.reactions == {"👍": ["11"]}


async def test_commands_that_stay_the_same_keep_their_ids(local: DiscordServer, rest: discord.Client) -> None:
    app = int(local.application_id)
    ask: Any
    show: Any
    ask, show = ({"name": name, "description": name, "type": 1, "options": []} for name in ("ask", "show"))
    first = await rest.http.bulk_upsert_global_commands(app, [ask, show])
    changed = ask | {"description": "Ask anything"}
    second = await rest.http.bulk_upsert_global_commands(app, [changed, show])
    assert [each["id"] for each in first] == [each["id"] for each in second]
    assert [a["version"] == b["version"] for a, b in zip(first, second, strict=True)] == [False, True]
    assert local.workspace.creations == {"": 2}
    await rest.http.bulk_upsert_global_commands(app, [show])
    assert [each["name"] for each in await rest.http.get_global_commands(app)] == ["show"]


async def test_what_goes_wrong_is_waited_out_retried_or_raised(local: DiscordServer, rest: discord.Client) -> None:
    local.fail(
        POST, Failure(429, retry_after=0.01), Failure(429, retry_after=0.01, everywhere=True), Failure(hang=0.01)
    )
    await post(rest, content="once")
    local.fail(POST, Failure(503), Failure(code=50013), Failure(drop=True))
    assert (await refusal(post(rest, content="x"))).status == 503
    assert (await refusal(post(rest, content="x"))).code == 50013
    with pytest.raises(aiohttp.ClientError):
        await post(rest, content="x")
    local.fail(POST, Failure(503, done=True))
    assert (await refusal(post(rest, content="twice"))).status == 503
    assert [each.content for each in local.workspace.shown("21")] == ["once", "twice"]
    with pytest.raises(AssertionError, match="no route"):
        local.fail("POST /messages", Failure(500))


async def test_limits_are_kept_by_channel_and_for_everything() -> None:
    clock = Clock()
    async with discord_server(limits=True, clock=clock) as local, aiohttp.ClientSession() as session:
        for channel in ("21", "22"):
            local.workspace.add_channel(channel)
        token = {"Authorization": f"Bot {local.token}"}

        async def send(channel: str) -> aiohttp.ClientResponse:
            url = f"{local.api_url}/channels/{channel}/messages"
            async with session.post(url, json={"content": "x"}, headers=token) as answer:
                await answer.read()
                return answer

        first = await send("21")
        clock.now += 1
        assert [(await send("21")).status for _ in range(4)] == [200] * 4
        clock.now += 1
        over = await send("21")
        body = await over.json()
        assert (over.status, body["retry_after"], body["global"]) == (429, 3.0, False)
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset-After", "X-RateLimit-Scope", "Via")
        assert [over.headers[name] for name in names] == ["5", "0", "3.000", "user", "1.1 google"]
        assert over.headers["X-RateLimit-Bucket"] == first.headers["X-RateLimit-Bucket"]
        assert (await send("22")).status == 200
        clock.now += 3
        assert (await send("21")).status == 200
        clock.now += 1
        async with asyncio.TaskGroup() as group:
            many = [group.create_task(send("22")) for _ in range(51)]
        last = many[-1].result()
        assert (last.headers["X-RateLimit-Scope"], last.headers["X-RateLimit-Global"]) == ("global", "true")
        local.rates.most_invalid = len(local.rates.invalid)
        shut = await send("21")
        assert (shut.status, shut.content_type, "Via" in shut.headers) == (429, "text/html", False)


async def test_the_client_keeps_to_the_buckets_by_itself() -> None:
    async with discord_server(limits=True) as local:
        local.workspace.add_channel("21")
        with pointed_at(local):
            async with discord.Client(intents=discord.Intents.none()) as client:
                await client.login(local.token)
                posts = [await post(client, content=f"{number}") for number in range(3)]
                for _ in range(2):
                    await client.http.add_reaction(21, int(posts[0]["id"]), "👍")
        assert local.refusals == []
