"""Who may read what in Slack: answers where everybody belongs, everything about one person to that person alone."""

from __future__ import annotations

import pytest

from tests.surfaces.on_slack import CHANNEL, ELSEWHERE, QUESTION, SHARED, SlackSchool

POINTER = "I answered you in our direct messages."
EVIL = (
    "<!channel> <!here> <!everyone> <!subteam^S1> <@U2> <#C2> <https://evil.example|bank.example> "
    "[bank.example](https://evil.example) @channel @here"
)


@pytest.mark.parametrize("channel", [ELSEWHERE, SHARED], ids=["unbound", "shared"])
async def test_where_others_read_along_the_answer_is_private(school: SlackSchool, channel: str) -> None:
    await school.join("U3", "Cleo")
    asked = await school.ask("U3", channel=channel)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    told = await school.until_told("U3", POINTER)
    assert (told.channel, told.thread_ts) == (channel, asked.thread_ts)
    assert school.silent()


@pytest.mark.parametrize("channel", [ELSEWHERE, SHARED], ids=["unbound", "shared"])
async def test_where_others_read_along_a_typed_question_is_answered_in_private(
    school: SlackSchool, channel: str
) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", f"/ask {QUESTION}", channel)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    await school.type("U3", "/ask", channel)
    await school.send(await school.form("U3"), question=QUESTION)
    await school.until_answered(school.direct("U3"), 2)
    assert school.silent()


async def test_a_channel_that_came_to_be_shared_hears_no_more(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.provider.script("NOT_IN_SOURCES")
    await school.ask("U3")
    nothing = await school.until_answered()
    school.slack.workspace.conversations[CHANNEL].shared = True
    await school.press("U3", nothing, "Answer from general knowledge")
    await school.until_answered(school.direct("U3"))
    assert len(school.answers()) == 1


async def test_a_stranger_in_a_shared_channel_gets_nothing(school: SlackSchool) -> None:
    await school.trust_addresses()
    await school.join("U7", "Gus", linked=False, team_id="T2", stranger=True)
    await school.ask("U7", channel=SHARED)
    await school.until_told("U7", "I only answer people of the school's own workspace.")
    await school.settled()
    assert school.silent()
    assert not school.provider.chats()
    assert not await school.rows("SELECT 1 FROM workspace_identities")


async def test_what_people_write_pings_nobody(school: SlackSchool) -> None:
    await school.rewrite("UPDATE lesson_unit_revisions SET title = title || :evil", evil=f" {EVIL}")
    await school.join("U3", "Cleo <!channel>")
    await school.execute("UPDATE app_users SET name = :name WHERE email LIKE 'cleo%'", name=f"Cleo {EVIL}")
    school.provider.script(f"{EVIL} The Moon [1] {EVIL}\n\n```\n{EVIL}\n```\n\n> {EVIL}\n\n# {EVIL}\n\n| {EVIL} | b |")
    await school.ask("U3", f"Why does the Moon have phases? {EVIL}")
    await school.until_answered()
    await school.type("U3", f"/ask Why does the Moon have phases? {EVIL}", CHANNEL)
    await school.until_answered(count=2)
    await school.type("U3", f"/ask private:yes Why does the Moon have phases? {EVIL}", CHANNEL)
    await school.until_answered(school.direct("U3"))
    await school.type("U3", "/lessons", CHANNEL)
    await school.until_told("U3", "<!channel>")  # as a cell's plain text, in which nothing is read
    for typed in (f"/lessons {EVIL}", f"/ask lesson:<!channel> {EVIL}", f"/link {EVIL}", "/materials", "/history"):
        await school.type("U3", typed, CHANNEL)
    school.slack.people.open_home("U3")
    school.slack.people.open_home("U3", "messages")
    await school.settled()
    assert school.slack.workspace.homes
