"""The local Discord's gateway against the unmodified discord.py: it does what Discord does, pleasant or not."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord_server import DiscordServer, Failure, discord_server
from tests.surfaces.discord_echo import Echo, ShardedEcho, connected, pointed_at

CONTENT, MEMBERS = 1 << 15, 1 << 1


def said(echo: Echo) -> list[str]:
    """Return what people's messages said that reached the client."""
    return [message.content for message in echo.heard if not message.author.bot]


async def test_a_message_is_echoed_and_the_echo_comes_back_as_the_bots_own(local: DiscordServer) -> None:
    async with connected(local, Echo()) as echo:
        local.people.say("11", "21", "<@900> hello")
        await local.until(lambda: len(echo.heard) == 2)
    assert [post.content for post in local.workspace.shown("21")] == ["<@900> hello"]
    assert [message.author.id for message in echo.heard] == [11, 900]


async def test_without_the_privileged_intent_only_what_concerns_the_bot_can_be_read(local: DiscordServer) -> None:
    local.gateway.privileged = CONTENT
    reading = discord.Intents.default()
    reading.message_content = True
    for intents, words in ((None, ""), (reading, "among us")):
        async with connected(local, Echo(intents)) as echo:
            local.people.say("11", "21", "among us", ("a.txt", b"a"))
            local.people.say("11", "21", "<@900> hello")
            local.people.tell("11", "a secret")
            await local.until(lambda: len(local.workspace.shown("21")) >= 1)
            local.people.say("12", "21", "I disagree", reply_to=local.workspace.shown("21")[0])
            await local.until(lambda: "I disagree" in [post.content for post in local.workspace.shown("21")])
        assert said(echo) == [words, "<@900> hello", "a secret", "I disagree"]
        assert len(echo.heard[0].attachments) == bool(words)
        assert all(message.content for message in echo.heard if message.author.bot)
        local.workspace.posts.clear()


async def test_an_intent_that_is_not_switched_on_ends_the_connection(local: DiscordServer) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with connected(local, Echo(intents)):
            pass
    assert local.gateway.closes == [4014]


async def test_a_wrong_token_is_refused_in_both_places(local: DiscordServer) -> None:
    echo = Echo()
    with pointed_at(local), pytest.raises(discord.LoginFailure):
        await echo.login("wrong")
    await echo.close()
    async with aiohttp.ClientSession() as session:
        refusals = {
            4012: ("?v=5", {"op": 1}),
            4003: ("?v=10", {"op": 8, "d": {}}),
            4004: ("?v=10", {"op": 2, "d": {"token": "wrong", "intents": 0}}),
            4010: ("?v=10", {"op": 2, "d": {"token": local.token, "intents": 0, "shard": [2, 2]}}),
            4013: ("?v=10", {"op": 2, "d": {"token": local.token, "intents": 1 << 30}}),
            4001: ("?v=10", {"op": 99}),
            4002: ("?v=10", []),
        }
        for code, (query, frame) in refusals.items():
            async with session.ws_connect(f"{local.gateway_url}{query}") as socket:
                await socket.send_json(frame)
                async for _ in socket:
                    pass
                assert socket.close_code == code


async def test_a_dropped_connection_is_resumed_and_nothing_lost_or_repeated(local: DiscordServer) -> None:
    async with connected(local, Echo()) as echo:
        local.people.tell("11", "one")
        local.gateway.drop()
        local.people.tell("11", "two")
        await local.until(lambda: local.gateway.resumed == 1)
        local.people.tell("11", "three")
        await local.until(lambda: len(local.workspace.shown(local.people.open_dm("11"))) == 3)
    assert said(echo) == ["one", "two", "three"]
    assert local.gateway.identified == 1


async def test_a_reconnect_that_is_asked_for_loses_nothing(local: DiscordServer) -> None:
    async with connected(local, Echo()) as echo:
        for number in range(5):
            local.people.tell("11", f"{number}")
        local.gateway.reconnect()
        for number in range(5, 10):
            local.people.tell("11", f"{number}")
        await local.until(lambda: local.gateway.resumed == 1)
        await local.until(lambda: len(said(echo)) == 10)
    assert said(echo) == [f"{number}" for number in range(10)]


async def test_a_refused_resume_identifies_anew_and_what_came_between_is_gone(local: DiscordServer) -> None:
    async with connected(local, Echo()) as echo:
        local.gateway.refuse_resume()
        local.gateway.drop()
        local.people.tell("11", "between")
        await local.until(lambda: local.gateway.identified == 2)
        local.people.tell("11", "after")
        await local.until(lambda: said(echo))
    assert (said(echo), local.gateway.refused, local.gateway.resumed) == (["after"], 1, 0)
    assert echo.events.count("READY") == 2


async def test_a_silent_connection_is_replaced_by_the_client(local: DiscordServer) -> None:
    local.gateway.heartbeat_seconds = 0.05
    async with connected(local, Echo(heartbeat_timeout=0.3)) as echo:
        await local.until(lambda: local.gateway.heartbeats > 2)
        local.gateway.silence()
        local.people.tell("11", "are you there?")
        await local.until(lambda: local.gateway.resumed == 1)
        await local.until(lambda: said(echo))
    assert said(echo) == ["are you there?"]


async def test_each_shard_hears_of_its_servers_and_the_first_of_direct_messages(local: DiscordServer) -> None:
    other = local.workspace.add_guild("Evening school")
    local.workspace.add_person("11", guild=other.id)
    local.workspace.add_channel("22", guild=other.id)
    local.shards = 2
    async with connected(local, ShardedEcho()) as echo:
        assert sorted(session.shard for session in local.gateway.sessions.values()) == [(0, 2), (1, 2)]
        local.people.say("11", "21", "<@900> day")
        local.people.say("11", "22", "<@900> evening")
        local.people.tell("11", "alone")
        await local.until(lambda: len(said(echo)) == 3)
        assert [echo.get_guild(int(guild)).shard_id for guild in local.workspace.guilds] == [0, 1]  # type: ignore[union-attr]  # it is there
        local.gateway.drop()
        local.people.say("11", "22", "<@900> still there?")
        await local.until(lambda: local.gateway.resumed == 2)
        await local.until(lambda: len(said(echo)) == 4)
    assert sorted(said(echo)) == ["<@900> day", "<@900> evening", "<@900> still there?", "alone"]


async def test_reactions_to_messages_from_before_are_told_raw(local: DiscordServer) -> None:
    post = local.people.say("11", "21", "from before")
    async with connected(local, Echo()) as echo:
        local.people.react("12", post, "👍")
        local.people.unreact("12", post, "👍")
        local.people.react("12", post, "✅")
        await local.until(lambda: len(echo.reactions) == 3)
    assert [(each.event_type, str(each.emoji)) for each in echo.reactions] == [
        ("REACTION_ADD", "👍"),
        ("REACTION_REMOVE", "👍"),
        ("REACTION_ADD", "✅"),
    ]
    assert [each.member and each.member.id for each in echo.reactions] == [12, None, 12]
    assert {each.message_id for each in echo.reactions} == {int(post.id)}


async def test_a_forum_post_is_a_thread_with_a_first_message_and_tags(local: DiscordServer) -> None:
    local.workspace.add_channel("30", "questions", kind=15, tags=("homework", "solved"))
    async with connected(local, Echo()) as echo:
        post = local.people.start_post("11", "30", "Moles?", "<@900> what is a mole?", tags=("homework",))
        await local.until(lambda: local.workspace.shown(post.id))
    thread = echo.heard[0].channel
    assert isinstance(thread, discord.Thread)
    assert (thread.name, [tag.name for tag in thread.applied_tags]) == ("Moles?", ["homework"])
    assert str(thread.id) == post.id == post.channel == str(echo.heard[0].id)


async def test_edits_deletions_and_threads_are_told(local: DiscordServer) -> None:
    async with connected(local, Echo()) as echo:
        post = local.people.say("11", "21", "<@900> hello")
        local.people.edit(post, "<@900> hello!")
        thread = local.people.start_thread("11", post, "About that")
        local.people.say("11", thread.id, "<@900> and here")
        local.people.remove(post)
        local.people.archive(thread.id)
        await local.until(lambda: "THREAD_UPDATE" in echo.events)
        await local.until(lambda: local.workspace.shown(thread.id))
    assert [each for each in echo.events if each.startswith(("THREAD", "MESSAGE_D"))] == [
        "THREAD_CREATE",
        "MESSAGE_DELETE",
        "THREAD_UPDATE",
        "THREAD_UPDATE",  # the echo opened it again
    ]
    assert (post.edits, post.deleted, thread.archived) == (["<@900> hello"], True, False)
    # Discord itself says in a thread what it hangs on; whoever takes that for a question answers twice.
    system = [message for message in echo.heard if message.type is not discord.MessageType.default]
    assert [(message.type.name, message.author.id) for message in system] == [("thread_starter_message", 11)]


async def test_the_app_hears_nothing_from_where_it_sees_nothing(local: DiscordServer) -> None:
    local.workspace.add_channel("23", "staff")
    local.workspace.deny("23", "view_channel")
    async with connected(local, Echo()) as echo:
        local.people.say("11", "23", "<@900> psst")
        local.people.start_private_thread("11", "21", "secret", with_bot=False)
        local.people.say("11", "21", "<@900> hello")
        await local.until(lambda: said(echo))
    assert said(echo) == ["<@900> hello"]
    assert "THREAD_CREATE" not in echo.events


async def test_members_are_told_on_request_and_large_servers_not_before(local: DiscordServer) -> None:
    for number in range(1200):
        local.workspace.add_person(f"{5000 + number}", f"Person {number}")
    local.gateway.privileged = MEMBERS
    intents = discord.Intents.default()
    intents.members = True
    async with connected(local, Echo(intents, chunk_guilds_at_startup=False)) as echo:
        guild = echo.guilds[0]
        assert (guild.member_count, len(guild.members)) == (1204, 1)
        assert [member.id for member in await guild.query_members("Ada")] == [11]
        assert [member.id for member in await guild.query_members(user_ids=[12, 99])] == [12]
        assert len(await guild.chunk()) == 1204


async def test_a_server_that_was_down_comes_back(local: DiscordServer) -> None:
    local.guild.unavailable = True
    async with connected(local, Echo()) as echo:
        assert echo.guilds[0].unavailable
        local.people.invite_bot(local.guild)
        await local.until(lambda: not echo.guilds[0].unavailable)
        local.people.remove_bot(local.guild)
        await local.until(lambda: not echo.guilds)


async def test_frames_come_compressed_or_plain(local: DiscordServer) -> None:
    identify: dict[str, Any] = {"op": 2, "d": {"token": local.token, "intents": 1}}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{local.gateway_url}?v=10&encoding=json") as socket,
    ):
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json(identify)
        frames = [await socket.receive_json() for _ in range(2)]
        assert [(frame["t"], frame["s"]) for frame in frames] == [("READY", 1), ("GUILD_CREATE", 2)]
        await socket.send_str(json.dumps({"op": 1, "d": 2}))
        assert (await socket.receive_json())["op"] == 11
    await local.until(lambda: not local.gateway.sessions)  # closed with 1000, there is nothing to resume


async def test_finding_the_gateway_can_fail(local: DiscordServer) -> None:
    local.fail("GET /gateway/bot", Failure(429, retry_after=0.01), Failure(503))
    with pytest.raises(discord.GatewayNotFound):
        async with connected(local, ShardedEcho()):
            pass


async def test_it_serves_several_at_once() -> None:
    async with discord_server() as one, discord_server() as two:
        assert one.api_url != two.api_url


async def test_coming_going_typing_and_menus_are_told(local: DiscordServer) -> None:
    local.gateway.privileged = MEMBERS
    intents = discord.Intents.default()
    intents.members = True
    async with connected(local, Echo(intents, chunk_guilds_at_startup=False)) as echo:
        summary: Any = {"name": "Sum up", "type": 3}
        await echo.http.bulk_upsert_global_commands(int(local.application_id), [summary])
        local.workspace.add_person("13", "Cy", guild=None)
        local.people.join("13", local.guild.id)
        local.people.leave("13", local.guild.id)
        local.people.type("11", "21")
        chosen = local.people.on_message("11", local.people.say("12", "21", "a long one"), "Sum up")
        await local.until(lambda: echo.interactions)
        assert echo.interactions[0].data["resolved"]["messages"][chosen.data["target_id"]]["content"] == "a long one"  # type: ignore[index,typeddict-item]  # a command's data
        await echo.interactions[0].response.send_message("short", ephemeral=True)
        (private,) = local.workspace.private("11")
        local.people.dismiss(private)
        local.people.break_down(local.guild)
        await local.until(lambda: "GUILD_DELETE" in echo.events)
        assert local.workspace.private("11") == []
    told = [name for name in echo.events if name.startswith(("GUILD_M", "TYPING", "INTER", "GUILD_D"))]
    assert told == ["GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "TYPING_START", "INTERACTION_CREATE", "GUILD_DELETE"]
