"""A channel that another organisation reads: Slack says so with messages only, so it is asked about the rest."""

from __future__ import annotations

from tests.surfaces.on_slack import CHANNEL, SHARED, SlackSchool


async def test_a_command_in_a_shared_channel_is_answered_in_private(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.slack.people.command("U3", SHARED, "/ask", "Why does the Moon have phases?").done()
    answers = await school.until_shown("D3", 2)
    await school.settled()
    assert "[1]" in answers[-1].text
    assert school.shown(SHARED) == []


async def test_where_slack_does_not_say_it_counts_as_shared(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.scopes = school.slack.scopes - {"channels:read"}
    await school.slack.people.command("U3", CHANNEL, "/ask", "Why does the Moon have phases?").done()
    await school.until_shown("D3", 2)
    await school.settled()
    assert school.shown(CHANNEL) == []


async def test_a_command_in_the_class_channel_opens_a_thread_for_all(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.slack.people.command("U3", CHANNEL, "/ask", "Why does the Moon have phases?").done()
    opening, answer = await school.until_shown(CHANNEL, 2)
    await school.settled()
    assert "Why does the Moon have phases?" in opening.text
    assert "Cleo" in opening.text
    assert (opening.thread_ts, answer.thread_ts) == (None, opening.ts)
