"""Saying “stop” while an answer is written."""

from __future__ import annotations

from tests.fakes.openai_server import OpenAIServer, Reply
from tests.surfaces.school import CHANNEL, School


async def test_stop_is_no_question_while_an_answer_is_written(school: School, provider: OpenAIServer) -> None:
    await school.join("U3", "Cleo")
    provider.script(Reply("The Moon " * 60, hold_after=20))
    said = school.slack.people.say("U3", CHANNEL, "<@UBOT> Why does the Moon have phases?")
    await school.slack.until(lambda: school.slack.called("chat.startStream"))
    school.slack.people.say("U3", CHANNEL, "Stop!", thread_ts=said.post.ts)
    (answer,) = await school.until_shown()
    provider.release.set()
    await school.settled()
    assert answer.text.startswith("The Moon The Moon")
    assert "Stopped." in str(answer.blocks)
    assert len(school.shown()) == 1
    rows = await school.rows("SELECT status::text FROM chat_messages WHERE role = 'ASSISTANT'")
    assert [row.status for row in rows] == ["STOPPED"]


async def test_stop_is_a_question_where_nothing_is_written(school: School) -> None:
    await school.join("U3", "Cleo")
    school.slack.people.say("U3", CHANNEL, "<@UBOT> Stop")
    await school.until_shown()
    rows = await school.rows("SELECT count(*) FROM chat_messages WHERE role = 'USER'")
    assert rows[0][0] == 1
