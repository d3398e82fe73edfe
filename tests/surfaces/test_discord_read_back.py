"""What was asked on Discord while nobody listened is answered once, whatever the outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from discord.utils import time_snowflake
from structlog.testing import capture_logs

from adapters.discord import catch_up
from adapters.discord.catch_up import CatchUp
from adapters.discord.read_back import Reader
from core.classes.live import live_in
from core.enums import LinkMethod, Platform
from core.identity.link import link
from core.identity.workspaces import admit_workspace
from core.inbox.read_back import places_to_read
from tests.fakes.discord.records import Json, Post
from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer, Failure
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.on_discord import CHANNEL, POSTS, QUESTION, DiscordSchool, discord_with_channels, open_school
from tests.surfaces.school import OPERATOR

LOST, LATER = "How long is a sidereal day?", "Why is the sky dark at night?"
HISTORY = "GET /channels/{channel}/messages"

Opens = Callable[[], AbstractAsyncContextManager[DiscordSchool]]


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with discord_with_channels() as server:
        yield server


@pytest.fixture
def opens(discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path) -> Opens:
    """Return what starts a process, one after another."""
    return lambda: open_school(discord, provider, database, tmp_path)


@pytest.fixture
async def school(opens: Opens) -> AsyncIterator[DiscordSchool]:
    async with opens() as school:
        await school.join("13", "Cleo")
        yield school


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be tried again at once."""
    monkeypatch.setattr(catch_up, "_AGAIN_AFTER", (0.02,))


class Held:
    """Holds back the reading of what was missed until `go` is set; with `never` it does not begin at all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, never: bool = False) -> None:
        self.go = asyncio.Event()
        self.waiting = 0
        read = CatchUp.read

        async def wait(self_: CatchUp, shard: int) -> None:
            self.waiting += 1
            if not never:
                await self.go.wait()
                await read(self_, shard)

        monkeypatch.setattr(CatchUp, "read", wait)


def ask_before(discord: DiscordServer, ago: timedelta, text: str = LOST) -> Post:
    """Let a question stand in the channel that was asked some time ago."""
    asked = str(time_snowflake(datetime.now(UTC) - ago))
    return discord.people.say("13", CHANNEL, f"<@{BOT}> {text}", id=asked)


async def questions(school: DiscordSchool) -> list[str]:
    return [row.text for row in await school.rows("SELECT text FROM chat_messages WHERE role = 'USER' ORDER BY 1")]


async def begin_class(opens: Opens, ago: timedelta) -> None:
    """Run a process that hears one question, so long ago."""
    async with opens() as school:
        await school.join("13", "Cleo")
        await school.ask("13")
        await school.until_answered()
        await school.rewrite("UPDATE inbox_events SET created_at = now() - CAST(:ago AS interval)", ago=ago)


async def test_what_comes_in_while_a_process_starts_hides_nothing_from_before(
    discord: DiscordServer, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin_class(opens, timedelta(minutes=10))
    lost = ask_before(discord, timedelta(minutes=5))
    held = Held(monkeypatch)
    async with opens() as school:
        await school.ask("13", LATER)
        await school.until_answered(count=2)
        held.go.set()
        answer = await school.until_answered(count=3)
        assert school.thread_of(answer) in (lost.id, *(thread.id for thread in discord.workspace.threads(CHANNEL)))
        assert await questions(school) == sorted([LOST, LATER, QUESTION])


async def test_a_process_that_ends_before_all_is_read_back_leaves_it_to_the_next_one(
    discord: DiscordServer, opens: Opens
) -> None:
    await begin_class(opens, timedelta(minutes=10))
    ask_before(discord, timedelta(minutes=5))
    with pytest.MonkeyPatch.context() as patch:
        Held(patch, never=True)
        async with opens() as school:
            await school.ask("13", LATER)
            await school.until_answered(count=2)
    async with opens() as school:
        await school.until_answered(count=3)
        assert await questions(school) == sorted([LOST, LATER, QUESTION])
        await school.until_rows("SELECT 1 FROM inbox_events WHERE dedupe_key = 'gap'", [])


async def test_after_quiet_hours_a_restart_reads_back_too(discord: DiscordServer, opens: Opens) -> None:
    await begin_class(opens, timedelta(hours=7))
    ask_before(discord, timedelta(hours=7), "This one is too old.")
    ask_before(discord, timedelta(hours=5))
    async with opens() as school:
        await school.until_answered(count=2)
        assert await questions(school) == [LOST, QUESTION]


async def test_posts_and_threads_that_began_in_an_outage_are_read_back(school: DiscordSchool) -> None:
    people = school.discord.people
    said = await school.say("13", "Just talking among ourselves.")
    school.discord.gateway.lose()
    post = people.start_post("13", POSTS, LOST, "I wonder.", tags=("moon",))
    closed = people.start_post("13", POSTS, QUESTION, "I don't get it.")
    people.archive(closed.id)
    thread = people.start_thread("13", said, "talk")
    people.say("13", thread.id, f"<@{BOT}> {LATER}")
    await school.until_answered(POSTS, 2)
    await school.until_answered(CHANNEL, 1)
    threads = {school.thread_of(answer) for answer in (*school.answers(POSTS), *school.answers(CHANNEL))}
    assert threads == {post.id, closed.id, thread.id}
    assert len(await questions(school)) == 3


async def test_where_nothing_was_said_no_messages_are_asked_for(school: DiscordSchool) -> None:
    await school.ask("13")
    await school.until_answered()
    await school.write("13")
    await school.until_answered(school.direct("13"))
    async with school.app.sessions() as session:
        spots = await places_to_read(session, Platform.DISCORD)
    assert len(spots) == 4  # the channel, the forum, the thread and the direct messages
    counts = []
    for since in (datetime.now(UTC), datetime.now(UTC) - timedelta(hours=1)):
        before = len(school.discord.called(HISTORY))
        reader = Reader(school.bot.listener, school.bot.listener.intake.setting.calls, 0, 1, since)
        for spot in spots:
            await reader.read(spot)
        counts.append(len(school.discord.called(HISTORY)) - before)
    assert counts == [0, 3], "a forum has no messages of its own"


@pytest.mark.usefixtures("soon")
async def test_a_place_that_can_not_be_looked_up_keeps_no_other_from_being_read(school: DiscordSchool) -> None:
    await school.write("13")
    await school.until_answered(school.direct("13"))
    school.discord.gateway.lose()
    school.discord.fail("GET /channels/{channel}", Failure(code=50001))
    school.begin_saying("13", LOST)
    await school.until_answered()
    assert await questions(school) == [LOST, QUESTION]


@pytest.mark.usefixtures("soon")
async def test_a_place_that_fails_is_read_again_until_it_works(school: DiscordSchool) -> None:
    await school.write("13")
    await school.until_answered(school.direct("13"))
    school.discord.gateway.lose()
    school.discord.fail(HISTORY, *[Failure(drop=True)] * 6)
    school.begin_saying("13", LOST)
    school.discord.people.tell("13", LATER)
    await school.until_answered()
    await school.until_answered(school.direct("13"), 2)
    assert await questions(school) == sorted([LOST, LATER, QUESTION])


@pytest.mark.usefixtures("soon")
async def test_a_message_that_fails_keeps_no_other_from_being_answered(
    school: DiscordSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = school.bot.listener.catch_up
    take, failures = taking._take, iter([RuntimeError("a fault of ours"), OSError("the network is away")])

    async def failing(message: Json) -> None:
        for error in failures:
            raise error
        await take(message)

    monkeypatch.setattr(taking, "_take", failing)
    school.discord.gateway.lose()
    for text in (LOST, LATER, QUESTION):
        school.begin_saying("13", text)
    await school.until_answered(count=3)


@pytest.mark.usefixtures("soon")
async def test_what_was_asked_is_read_back_when_the_database_is_there_again(school: DiscordSchool) -> None:
    with capture_logs() as logs:
        async with school.database_away():
            school.discord.gateway.lose()
            school.begin_saying("13", LOST)
            await school.until(lambda: [each for each in logs if each["event"] == "discord_not_read_back"])
    await school.until_answered()
    assert await questions(school) == [LOST]


async def test_direct_messages_are_read_back_by_the_first_shard_wherever_their_person_is(
    discord: DiscordServer, opens: Opens
) -> None:
    discord.shards = 2
    other = discord.workspace.add_guild("Other school")  # the second shard's
    async with opens() as school:
        await school.join("13", "Cleo", linked=False)
        discord.workspace.add_person("13", "Cleo", guild=other.id)
        async with school.app.sessions.begin() as session:
            workspace = await admit_workspace(session, OPERATOR, Platform.DISCORD, other.id, "Other", None)
            await live_in(session, OPERATOR, school.class_id, workspace.id)
            await link(session, OPERATOR, workspace.id, "13", school.people["13"], LinkMethod.OPERATOR)
        await school.write("13")
        await school.until_answered(school.direct("13"))
        discord.gateway.lose(shard=0)
        discord.people.tell("13", LOST)
        await school.until_answered(school.direct("13"), 2)
        assert await questions(school) == [LOST, QUESTION]


async def test_a_drop_before_a_new_session_is_caught_up_with_forgets_nothing(
    school: DiscordSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, gateway = Held(monkeypatch), school.discord.gateway
    gateway.lose()
    school.begin_saying("13", LOST)
    await school.until(lambda: held.waiting)
    resumed = gateway.resumed
    gateway.drop()
    school.begin_saying("13", LATER)  # this one Discord sends again
    await school.until(lambda: gateway.resumed > resumed)
    await school.until_answered()
    held.go.set()
    await school.until_answered(count=2)
    assert await questions(school) == [LOST, LATER]
