"""Questions in Slack through the whole bot, over both ways in: where they are asked, who reads the answers."""

from __future__ import annotations

from tests.surfaces.school import CHANNEL, School, all_text

QUESTION = "Why does the Moon have phases?"


async def test_a_mention_is_answered_in_its_thread_with_sources(school: School) -> None:
    await school.join("U3", "Cleo")
    said = school.slack.people.say("U3", CHANNEL, f"<@UBOT> {QUESTION}")
    await said.done()
    (answer,) = await school.until_shown()
    assert answer.thread_ts == said.post.ts
    assert "[1]" in answer.text
    assert "Show passage 1" in all_text(answer)
    assert school.slack.called("chat.startStream")
    await school.settled()
    assert len(school.shown()) == 1
