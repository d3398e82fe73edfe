"""What goes wrong around a question in Slack, over both ways in: it is answered once all the same, and cleanly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from adapters.slack.pace import Pace
from core.enums import MembershipRole
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.slack.workspace import Post
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.school import CHANNEL, ELSEWHERE, QUESTION, SHARED, School, all_text, open_school
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
) -> AsyncIterator[School]:
    """Yield a school that waits in fast time."""
    pace = Pace(clock=lambda: time.monotonic() * FASTER, sleep=lambda seconds: asyncio.sleep(seconds / FASTER))
    async with open_school(slack_with_channels, provider, database, tmp_path, http=request.param, pace=pace) as school:
        yield school


async def begin_writing(school: School, user: str, channel: str = CHANNEL) -> Post:
    """Ask, and wait until half an answer stands there; the other half comes after `provider.release`."""
    school.provider.script(Reply(LONG * 4, hold_after=20))
    asked = await school.ask(user, channel=channel)
    await school.slack.until(lambda: half(school, asked))
    await school.provider.held.wait()
    return asked


def half(school: School, asked: Post) -> Post | None:
    """The bot's unfinished post under a question."""
    posts = school.slack.workspace.shown(asked.channel)
    return next(
        (post for post in posts if post.thread_ts == asked.ts and (post.streaming or "Stop" in all_text(post))), None
    )


async def statuses(school: School) -> list[str]:
    rows = await school.rows(
        "SELECT status FROM chat_messages WHERE role = 'ASSISTANT' AND deleted_at IS NULL ORDER BY created_at"
    )
    return [row.status for row in rows]


async def test_what_is_delivered_twice_is_done_once(school: School) -> None:
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
async def test_the_connection_goes_in_the_middle_of_an_answer(school: School, how: str) -> None:
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


async def test_a_process_that_is_given_up_leaves_one_answer(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await begin_writing(school, "U3")
    left = half(school, asked)
    assert left is not None
    await school.lose_leases()  # it goes on writing, but nobody knows of it any more
    await school.slack.until(lambda: left.deleted and school.answers(), seconds=15)
    school.provider.release.set()
    answer = await school.until_answered()
    assert answer.thread_ts == asked.ts
    assert answer.ts != left.ts
    assert await statuses(school) == ["COMPLETED"]
    assert school.told("U3") == []


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_process_dies_and_the_next_one_answers(
    slack_with_channels: SlackServer,
    provider: OpenAIServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    http: bool,
) -> None:
    monkeypatch.setattr("bot.serving.GRACE", 0.05)
    slack = slack_with_channels
    async with open_school(slack, provider, database, tmp_path, http=http) as school:
        await school.join("U3", "Cleo")
        asked = await begin_writing(school, "U3")
        left = half(school, asked)
        school.dies = True
    assert left is not None
    provider.release.set()
    async with open_school(slack, provider, database, tmp_path, http=http) as school:
        await school.lose_leases()
        await school.slack.until(lambda: [post for post in school.answers() if post.ts != left.ts], seconds=15)
        answer = await school.until_answered()
        assert left.deleted
        assert answer.thread_ts == asked.ts
        assert "[1]" in answer.text
        assert await statuses(school) == ["COMPLETED"]


async def test_while_the_database_is_away_nothing_is_acknowledged_or_lost(school: School) -> None:
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


async def test_the_database_goes_in_the_middle_of_an_answer(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await begin_writing(school, "U3")
    left = half(school, asked)
    assert left is not None
    async with school.database_away():
        school.provider.release.set()
        await school.until_told("U3", "The database can't be reached right now")
        assert not left.streaming
        assert "Try again" in all_text(left)
        await school.given_up()
    await school.lose_leases()
    await school.slack.until(lambda: left.deleted and school.answers(), seconds=15)
    answer = await school.until_answered()
    assert answer.thread_ts == asked.ts
    assert await statuses(school) == ["COMPLETED"]


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
async def test_slack_fails_and_everything_is_answered_once(patient: School, method: str) -> None:
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
async def test_slack_fails_while_somebody_is_met(patient: School, failures: tuple[Failure, ...]) -> None:
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
async def test_a_post_that_was_made_and_failed_stands_there_once(patient: School, failure: Failure) -> None:
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


async def test_a_form_that_can_not_be_opened_in_time_is_offered(school: School) -> None:
    await school.join("U3", "Cleo")
    school.slack.workspace.trigger_seconds = -1.0
    await school.type("U3", "/ask", CHANNEL)
    offered = await school.until_told("U3", "Ask a question about your class")
    school.slack.workspace.trigger_seconds = 3.0
    await school.press("U3", offered, "Ask a question about your class…")
    assert not await school.send(await school.form("U3"), question=QUESTION)
    await school.until_answered()


@pytest.mark.parametrize("how", ["put out", "archived"])
async def test_a_channel_that_closes_meanwhile_leaves_the_answer_to_the_person(school: School, how: str) -> None:
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


async def test_a_channel_where_the_bot_is_not_is_answered_in_private(school: School) -> None:
    await school.join("U3", "Cleo")
    school.slack.people.remove_bot(CHANNEL)
    await school.type("U3", f"/ask {QUESTION}", CHANNEL)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    await school.until_told("U3", "I am not in this channel")
    assert school.silent()


async def test_a_very_long_answer_stands_there_whole(patient: School) -> None:
    school = patient
    await school.join("U3", "Cleo")
    code = "```python\n" + "\n".join(f"phase[{number}] = light({number})" for number in range(60)) + "\n```\n\n"
    paragraphs = [f"Part {number}. {LONG * 9}\n\n{code if number % 8 == 0 else ''}" for number in range(50)]
    written = "".join(paragraphs)
    assert len(written) > 40_000
    school.provider.script(written)
    asked = await school.ask("U3")
    await school.slack.until(school.answers, seconds=30)
    await school.settled()
    posts = school.shown()
    assert {post.thread_ts for post in posts} == {asked.ts}
    said = "\n".join(all_text(post) for post in posts)
    assert all(f"Part {number}." in said for number in range(50))
    assert all(f"phase[{number}] = light({number})" in said for number in range(60))
    assert "Show passage 1" in said
    assert all(post.text.count("```") % 2 == 0 for post in posts), "code is kept whole"


async def test_an_edited_question_is_not_answered_again(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await school.ask("U3")
    await school.until_answered()
    edited = school.slack.people.edit(asked, "<@UBOT> Why is the Moon round?")
    assert edited is not None
    await edited.done()
    await school.until_answered(count=1)
    assert school.told("U3") == []


async def test_a_question_that_is_taken_back_ends_its_answer(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await begin_writing(school, "U3")
    school.slack.people.remove(asked)
    await school.slack.until(school.answers)
    school.provider.release.set()
    answer = await school.until_answered()
    assert "Stopped." in all_text(answer)
    assert answer.text.count("reflected light") < 4


async def test_the_person_and_their_teacher_stop_an_answer_and_nobody_else(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    await school.join("U9", "Tess", MembershipRole.TEACHER)
    for number, who in enumerate(("U3", "U9"), start=1):
        school.provider.release.clear()
        school.provider.held.clear()
        school.slack.fail("chat.startStream", Failure(error="channel_type_not_supported"))
        asked = await begin_writing(school, "U3")
        post = half(school, asked)
        assert post is not None
        await school.press("U4", post, "Stop")
        await school.until_told("U4", "not one of yours", number)
        assert half(school, asked) is post
        await school.press(who, post, "Stop")
        stopped = await school.until_answered(count=number)
        assert "Stopped." in all_text(stopped)
        assert "Try again" in all_text(stopped)
        assert stopped.ts == post.ts
        school.provider.release.set()
    assert await statuses(school) == ["STOPPED", "STOPPED"]
    assert school.told("U3") == school.told("U9") == []


async def test_slacks_own_stop_ends_an_answer(school: School) -> None:
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


async def test_an_answer_that_broke_off_is_tried_again(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    school.provider.script(Reply(LONG * 3, break_after=20))
    asked = await school.ask("U3")
    broken = await school.until_answered()
    assert "This answer broke off." in all_text(broken)
    assert "reflected light" in broken.text
    await school.press("U4", broken, "Try again")
    await school.until_told("U4", "not one of yours")
    await school.press("U3", broken, "Try again")
    again = await school.until_answered(count=2)
    assert again.thread_ts == asked.ts
    assert "broke off" not in all_text(again)
    assert await statuses(school) == ["FAILED", "COMPLETED"]


async def test_without_its_model_the_bot_answers_with_the_best_sentences(school: School) -> None:
    await school.join("U3", "Cleo")
    school.provider.script(Reply(status=503))
    await school.ask("U3")
    answer = await school.until_answered()
    assert "The language model does not answer right now" in all_text(answer)
    assert "[1]" in answer.text
