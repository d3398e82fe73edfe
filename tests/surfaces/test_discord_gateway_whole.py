"""The whole bot behind Discord's gateway: lost connections and sessions, shards, intents, outages of the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.discord import listen
from bot import serving
from core.errors import Unavailable
from core.inbox.store import store_event
from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.surfaces.on_discord import (
    CHANNEL,
    POSTS,
    QUESTION,
    DiscordSchool,
    discord_with_channels,
    open_school,
)
from tests.surfaces.school import SENTENCE


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with discord_with_channels(reads_all=False) as server:
        yield server


@pytest.fixture
async def school(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> AsyncIterator[DiscordSchool]:
    """Yield a school whose bot reads only what is meant for it: the privileged intent is off."""
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        yield school


async def questions(school: DiscordSchool) -> int:
    return len(await school.rows("SELECT 1 FROM chat_messages WHERE role = 'USER'"))


async def test_the_gateway_may_drop_while_an_answer_is_written(school: DiscordSchool) -> None:
    asked = await school.begin_writing("13")
    resumed = school.discord.gateway.resumed
    school.discord.gateway.drop()
    again = school.begin_saying("13", "Why is the sky dark at night?")
    await school.until(lambda: school.discord.gateway.resumed > resumed)
    school.provider.release.set()
    await school.until_answered(count=2)
    (answer,) = await school.until_shown(asked.id)
    assert answer.content.count("reflected light") == 4
    await school.until_shown(again.id)
    assert await school.statuses() == ["COMPLETED", "COMPLETED"]


async def test_discord_asks_for_another_connection_while_an_answer_is_written(school: DiscordSchool) -> None:
    asked = await school.begin_writing("13")
    resumed = school.discord.gateway.resumed
    school.discord.gateway.reconnect()
    await school.until(lambda: school.discord.gateway.resumed > resumed)
    school.provider.release.set()
    (answer,) = await school.until_shown(asked.id)
    assert answer.content.count("reflected light") == 4
    assert await questions(school) == 1


async def test_a_session_that_is_lost_while_an_answer_is_written_loses_nothing(school: DiscordSchool) -> None:
    gateway = school.discord.gateway
    await school.write("13")  # Discord lists no direct messages, so that only known ones can be read back
    await school.until_answered(school.direct("13"))
    asked = await school.begin_writing("13")
    identified = gateway.identified
    gateway.refuse_resume()
    gateway.drop()
    gateway.sessions.clear()  # what is said now reaches no session
    lost = school.begin_saying("13", "How long is a sidereal day?")
    told = school.discord.people.tell("13", "Why is the sky dark at night?")
    await school.until(lambda: gateway.identified > identified)
    school.provider.release.set()
    await school.until_answered(count=2)
    await school.until_answered(told.channel, 2)
    (answer,) = await school.until_shown(asked.id)
    assert answer.content.count("reflected light") == 4
    await school.until_shown(lost.id)
    assert await questions(school) == 4
    assert await school.statuses() == ["COMPLETED"] * 4
    assert school.told("13") == []


async def test_what_was_asked_while_no_process_ran_is_answered_once(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        await school.ask("13")
        await school.until_answered()
        lost = school
    asked = lost.begin_saying("13", "How long is a sidereal day?")
    async with open_school(discord, provider, database, tmp_path) as school:
        answer = await school.until_answered(count=2)
        assert school.thread_of(answer) == asked.id
        assert await questions(school) == 2


async def test_a_process_that_ends_in_the_middle_of_an_answer_leaves_it_to_the_next_one(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with open_school(discord, provider, database, tmp_path) as school:
            await school.join("13", "Cleo")
            asked = await school.begin_writing("13")
            school.dies = True
            await school.bot.close()
            provider.release.set()
            await school.given_up()
            assert await school.rows("SELECT 1 FROM inbox_events WHERE state = 'WORKING'"), "it counts as served"
    assert not [entry for entry in logs if entry.get("exc_info") or entry["log_level"] == "error"], logs
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.lose_leases()
        await school.until(lambda: school.half(asked) is None and school.answers(), seconds=15)
        answer = await school.until_answered()
        assert school.thread_of(answer) == asked.id
        assert await school.statuses() == ["COMPLETED"]


async def test_a_thread_that_is_archived_in_the_middle_of_an_answer_is_opened_for_the_rest(
    school: DiscordSchool,
) -> None:
    asked = await school.begin_writing("13")
    school.discord.people.archive(asked.id)
    school.provider.release.set()
    (answer,) = await school.until_shown(asked.id)
    assert answer.content.count("reflected light") == 4
    assert not school.answers(school.direct("13"))


async def test_half_an_answer_is_taken_back_where_a_moderator_shuts_its_thread(school: DiscordSchool) -> None:
    asked = await school.begin_writing("13")
    school.discord.people.archive(asked.id, locked=True)
    school.provider.release.set()
    answer = await school.until_answered(school.direct("13"))
    assert answer.content.count("reflected light") == 4
    await school.settled()
    assert not school.discord.workspace.shown(asked.id), "half of it is left, with a Stop that does nothing"


async def test_an_intent_that_is_switched_off_ends_the_process_with_what_to_do(
    database: str, provider: OpenAIServer, tmp_path: Path
) -> None:
    async def serve(discord: DiscordServer) -> None:
        async with open_school(discord, provider, database, tmp_path) as school:
            school.dies = True
            discord.gateway.privileged = 0
            discord.gateway.lose()
            await asyncio.wait_for(asyncio.Event().wait(), timeout=15)

    async with discord_with_channels() as discord:
        with pytest.raises(ExceptionGroup) as ended:
            await serve(discord)
        (error,) = ended.value.exceptions
        assert isinstance(error, Unavailable)
        assert "intent was switched off" in error.sentence
        async with open_school(discord, provider, database, tmp_path) as school:
            await school.join("13", "Cleo")
            await school.ask("13")
            await school.until_answered()


async def test_a_reaction_that_two_processes_hear_of_counts_once(
    school: DiscordSchool, discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    async with open_school(discord, provider, database, tmp_path / "other") as other:
        await school.ask("13")
        answer = await school.until_answered()
        for emoji, kept in (("👎", 1), ("👎", 2), ("👍", 3)):
            await school.react("13", answer, emoji, take_off=kept == 2)
            await other.settled()
            assert len(await school.rows("SELECT 1 FROM inbox_events WHERE dedupe_key LIKE '%:reaction:%'")) == kept
        assert await school.rows("SELECT value FROM chat_message_feedback WHERE deleted_at IS NULL") == [("UP",)]


async def test_two_shards_serve_two_servers(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    discord.shards = 2
    other = discord.workspace.add_guild("Other school")
    discord.workspace.add_channel("31", guild=other.id)
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        here = "SELECT count(*) FROM workspaces WHERE platform = 'DISCORD' AND revoked_at IS NULL"
        await school.until_rows(here, [(2,)])
        await school.ask("13")
        await school.until_answered()
        await school.write("13")
        await school.until_answered(school.direct("13"))
        discord.workspace.add_person("13", guild=other.id)
        await school.ask("13", channel="31")
        told = await school.until_told("13", "Link your account")
        assert discord.workspace.channels[told.channel].guild is None, "in another server they are nobody yet"
        resumed = discord.gateway.resumed
        discord.gateway.drop()
        await school.until(lambda: discord.gateway.resumed >= resumed + 2)
        await school.ask("13", "How long is a sidereal day?")
        await school.until_answered(count=2)


async def test_without_the_intent_for_text_mentions_direct_messages_and_posts_are_read(school: DiscordSchool) -> None:
    asked = await school.ask("13")
    await school.until_answered()
    await school.say("13", "How long does it take?", thread=asked.id)
    await school.until_answered(count=1)
    await school.ask("13", "How long does it take?", thread=asked.id)
    await school.until_answered(count=2)
    await school.write("13")
    await school.until_answered(school.direct("13"))
    post = school.discord.people.start_post("13", POSTS, QUESTION, "I don't get it.", tags=("moon",))
    answer = await school.until_answered(POSTS)
    assert school.thread_of(answer) == post.id
    assert "[1]" in answer.content
    (row,) = await school.rows("SELECT text FROM chat_messages WHERE role = 'USER' AND text LIKE '%(moon)%'")
    assert row.text.startswith(f"{QUESTION} (moon)")
    assert school.told("13") == []


async def test_a_server_that_puts_the_bot_out_is_no_workspace_any_more(school: DiscordSchool) -> None:
    school.discord.people.remove_bot(school.discord.guild)
    at_home = "SELECT revoked_at IS NULL FROM workspaces WHERE platform = 'DISCORD'"
    await school.until_rows(at_home, [(False,)])
    school.discord.people.invite_bot(school.discord.guild)
    await school.until_rows(at_home, [(True,)])


async def test_commands_are_registered_once_for_each_change(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    key = "PUT /applications/{application}/commands"
    for _ in range(2):
        async with open_school(discord, provider, database, tmp_path):
            pass
        assert len(discord.called(key)) == 1
    async with open_school(discord, provider, database, tmp_path, command_prefix="hr-"):
        pass
    assert len(discord.called(key)) == 2


async def test_an_event_that_the_database_misses_is_stored_when_it_is_back(
    school: DiscordSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "_RETRY_AFTER", (0.01, 0.01, 0.01))
    failures = iter([OSError("away"), OSError("away")])

    async def store(*stored: Any) -> Any:
        for error in failures:
            raise error
        return await store_event(*stored)

    monkeypatch.setattr(serving, "store_event", store)
    await school.ask("13")
    await school.until_answered()
    failures = iter([OSError("away")])
    typed = school.begin_typing("13", "/lessons")
    await school.until_told("13", "nothing was done")
    assert typed.post is not None
    assert typed.post.to == "13"


async def test_what_people_write_is_in_no_log(school: DiscordSchool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), capture_logs() as logged:
        await school.ask("13")
        await school.until_answered()
        await school.type("13", f"/ask private:yes {QUESTION}", CHANNEL)
        await school.until_answered(school.direct("13"))
    kept = str(logged) + "".join(record.getMessage() for record in caplog.records if record.name.startswith("discord"))
    assert QUESTION not in kept
    assert "Moon" not in kept


async def test_a_gap_in_which_much_was_said_is_read_whole(school: DiscordSchool) -> None:
    await school.ask("13")
    await school.until_answered()
    gateway = school.discord.gateway
    gateway.refuse_resume()
    identified = gateway.identified
    gateway.drop()
    gateway.sessions.clear()
    for number in range(130):  # more than one page of what stands there
        school.discord.people.say("13", CHANNEL, f"just talking {number}")
    school.provider.script(Reply(SENTENCE))
    asked = school.begin_saying("13", "How long is a sidereal day?")
    await school.until(lambda: gateway.identified > identified)
    answer = await school.until_answered(count=2)
    assert school.thread_of(answer) == asked.id
