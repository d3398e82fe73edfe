"""What goes wrong around a question in Slack, over both ways in: it is answered once all the same, and cleanly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from adapters.slack.pace import Pace
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.slack.workspace import Post
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.on_slack import CHANNEL, ELSEWHERE, QUESTION, SHARED, SlackSchool, all_text, open_school
from tests.surfaces.slack_posts import all_text_of

LONG = "The Moon shines by reflected light and goes round the Earth in a month [1]. "
FASTER = 20  # times as fast as Slack's minute and its pauses


@pytest.fixture
async def slack_with_channels(slack: SlackServer) -> SlackServer:
    for channel in (ELSEWHERE, SHARED):
        slack.workspace.add_channel(channel, shared=channel == SHARED)
    return slack


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def patient(
    request: pytest.FixtureRequest,
    slack_with_channels: SlackServer,
    provider: OpenAIServer,
    database: str,
    tmp_path: Path,
) -> AsyncIterator[SlackSchool]:
    """Yield a school that waits in fast time."""
    pace = Pace(clock=lambda: time.monotonic() * FASTER, sleep=lambda seconds: asyncio.sleep(seconds / FASTER))
    async with open_school(slack_with_channels, provider, database, tmp_path, http=request.param, pace=pace) as school:
        yield school


async def begin_writing(school: SlackSchool, user: str, channel: str = CHANNEL) -> Post:
    """Ask, and wait until half an answer stands there; the other half comes after `provider.release`."""
    school.provider.script(Reply(LONG * 4, hold_after=20))
    asked = await school.ask(user, channel=channel)
    await school.slack.until(lambda: half(school, asked))
    await school.provider.held.wait()
    return asked


def half(school: SlackSchool, asked: Post) -> Post | None:
    """The bot's unfinished post under a question."""
    posts = school.slack.workspace.shown(asked.channel)
    return next(
        (post for post in posts if post.thread_ts == asked.ts and (post.streaming or "Stop" in all_text(post))), None
    )


async def statuses(school: SlackSchool) -> list[str]:
    rows = await school.rows(
        "SELECT status FROM chat_messages WHERE role = 'ASSISTANT' AND deleted_at IS NULL ORDER BY created_at"
    )
    return [row.status for row in rows]


async def test_what_is_delivered_twice_is_done_once(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    said = school.slack.people.say("U3", CHANNEL, f"<@UBOT> {QUESTION}")
    assert len(said.deliveries) == 2, "a mention comes as two events"
    for delivery in said.deliveries:
        await school.slack.courier.send_again(delivery).done()
    await said.done()
    answer = await school.until_answered()
    for delivery in said.deliveries:
        await school.slack.courier.send_again(delivery).done()
    typed = await school.type("U3", f"/ask {QUESTION}", CHANNEL)
    await school.slack.courier.send_again(typed).done()
    await school.until_answered(count=2)
    pressed = await school.press("U3", answer, "Show passage 1")
    await school.slack.courier.send_again(pressed).done()
    await school.until_told("U3", "The answer leans on")
    await school.settled()
    assert len(school.answers()) == 2
    assert len(school.told("U3")) == 1
    assert len(school.provider.chats()) == 2


@pytest.mark.parametrize("how", ["dropped", "refreshed"])
async def test_the_connection_goes_in_the_middle_of_an_answer(school: SlackSchool, how: str) -> None:
    await school.join("U3", "Cleo")
    await begin_writing(school, "U3")
    opened = school.slack.sockets.opened
    if how == "dropped":
        school.slack.sockets.drop()
    else:
        await school.slack.sockets.refresh()
    if school.slack.sockets.count:
        await school.slack.sockets.wait_open(opened + 1)
    school.provider.release.set()
    await school.until_answered()
    await school.ask("U3", "How long is a sidereal day?")
    await school.until_answered(count=2)


async def test_while_the_database_is_away_nothing_is_acknowledged_or_lost(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.courier.retry_after = (0.2,) * 40
    async with school.database_away():
        said = school.slack.people.say("U3", CHANNEL, f"<@UBOT> {QUESTION}")
        await school.slack.until(lambda: True)
        typed = school.slack.people.command("U3", CHANNEL, "/ask", QUESTION)
        answer = await typed.done()
        assert "could not take that in" in str(answer)
        assert not any(delivery.seconds is not None for delivery in said.deliveries)
    await said.done()
    answered = await school.until_answered()
    assert answered.thread_ts == said.post.ts
    assert [post.text for post in school.told("U3")] == [str(answer["text"])]


FAILURES = (
    (Failure(429, retry_after=1), Failure(error="ratelimited")),
    (Failure(500), Failure(error="internal_error")),
    (Failure(drop=True), Failure(503)),
)
METHODS = (
    "assistant.threads.setStatus",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "chat.postMessage",
    "chat.postEphemeral",
    "conversations.open",
    "conversations.info",
    "response_url",
)


def _so_many(here: Callable[[], list[Post]], there: Callable[[], list[Post]], count: int) -> bool:
    return len(here()) + len(there()) >= count


@pytest.mark.parametrize("method", METHODS)
async def test_slack_fails_and_everything_is_answered_once(patient: SlackSchool, method: str) -> None:
    school = patient
    await school.join("U3", "Cleo")
    in_channel, alone = partial(school.answers, CHANNEL), partial(school.answers, school.direct("U3"))
    for round_, failures in enumerate(FAILURES, start=1):
        school.slack.fail(method, *failures)
        await school.ask("U3")
        await school.type("U3", f"/ask {QUESTION}", CHANNEL)
        await school.ask("U3", channel=ELSEWHERE)
        expected = 3 * round_
        await school.slack.until(partial(_so_many, in_channel, alone, expected), seconds=20)
        await school.settled()
        # Where Slack does not say whether a channel is shared, the answer goes to the person alone.
        private = round_ if method != "conversations.info" else expected - len(in_channel())
        assert (len(in_channel()), len(alone())) == (expected - private, private)
        assert len(in_channel()) >= round_
    assert school.silent(ELSEWHERE)
    assert set(await statuses(school)) == {"COMPLETED"}


@pytest.mark.parametrize("failures", FAILURES)
async def test_slack_fails_while_somebody_is_met(patient: SlackSchool, failures: tuple[Failure, ...]) -> None:
    school = patient
    await school.trust_addresses()
    await school.join("U3", "Cleo", linked=False)
    school.slack.fail("users.info", *failures)
    school.slack.fail("views.publish", *failures)
    school.slack.fail("assistant.threads.setSuggestedPrompts", failures[0])
    school.slack.people.open_home("U3")
    school.slack.people.open_home("U3", "messages")
    await school.ask("U3")
    await school.until_answered()
    assert "The Night Sky" in all_text_of(school.slack.workspace.homes["U3"].view)
    assert school.slack.workspace.prompts
    assert school.told("U3") == []


@pytest.mark.parametrize("failure", [Failure(500, done=True), Failure(drop=True, done=True)], ids=["500", "cut"])
async def test_a_post_that_was_made_and_failed_stands_there_once(patient: SlackSchool, failure: Failure) -> None:
    school = patient
    await school.join("U3", "Cleo")
    for _ in range(3):
        school.slack.fail("chat.postMessage", failure, Failure(), failure)
    school.slack.fail("chat.startStream", Failure(error="unknown_method"))
    await school.ask("U3")
    await school.until_answered()
    await school.type("U3", f"/ask {QUESTION}", CHANNEL)
    await school.until_answered(count=2)
    assert len(school.shown()) == 3, "two answers, and the question that opens the second's thread"


async def test_a_form_that_can_not_be_opened_in_time_is_offered(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.workspace.trigger_seconds = -1.0
    await school.type("U3", "/ask", CHANNEL)
    offered = await school.until_told("U3", "Ask a question about your class")
    school.slack.workspace.trigger_seconds = 3.0
    await school.press("U3", offered, "Ask a question about your class…")
    assert not await school.send(await school.form("U3"), question=QUESTION)
    await school.until_answered()


@pytest.mark.parametrize("how", ["put out", "archived"])
async def test_a_channel_that_closes_meanwhile_leaves_the_answer_to_the_person(school: SlackSchool, how: str) -> None:
    await school.join("U3", "Cleo")
    await begin_writing(school, "U3")
    if how == "put out":
        school.slack.people.remove_bot(CHANNEL)
    else:
        school.slack.workspace.conversations[CHANNEL].archived = True
    school.provider.release.set()
    answer = await school.until_answered(school.direct("U3"))
    assert answer.text.count("reflected light") == 4
    assert school.answers() == []


async def test_a_channel_where_the_bot_is_not_is_answered_in_private(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.people.remove_bot(CHANNEL)
    await school.type("U3", f"/ask {QUESTION}", CHANNEL)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    await school.until_told("U3", "I am not in this channel")
    assert school.silent()


async def test_slacks_own_stop_ends_an_answer(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    asked = await begin_writing(school, "U3")
    school.slack.people.press_stop("U3", CHANNEL, asked.ts)
    await school.slack.until(school.answers)
    stopped = await school.until_answered()
    school.provider.release.set()
    assert "Stopped." in all_text(stopped)
    assert await statuses(school) == ["STOPPED"]
    await school.press("U3", stopped, "Try again")
    again = await school.until_answered(count=2)
    assert again.thread_ts == asked.ts
    assert "Stopped." not in all_text(again)
