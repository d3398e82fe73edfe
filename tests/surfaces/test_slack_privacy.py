"""Who may read what in Slack: answers where everybody belongs, everything about one person to that person alone."""

from __future__ import annotations

import pytest

from tests.fakes.openai_server import Reply
from tests.surfaces.school import CHANNEL, ELSEWHERE, QUESTION, SHARED, School, all_text

POINTER = "I answered you in our direct messages."
EVIL = (
    "<!channel> <!here> <!everyone> <!subteam^S1> <@U2> <#C2> <https://evil.example|bank.example> "
    "[bank.example](https://evil.example) @channel @here"
)


@pytest.mark.parametrize("channel", [ELSEWHERE, SHARED], ids=["unbound", "shared"])
async def test_where_others_read_along_the_answer_is_private(school: School, channel: str) -> None:
    await school.join("U3", "Cleo")
    asked = await school.ask("U3", channel=channel)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    told = await school.until_told("U3", POINTER)
    assert (told.channel, told.thread_ts) == (channel, asked.thread_ts)
    assert school.silent()


@pytest.mark.parametrize("channel", [ELSEWHERE, SHARED], ids=["unbound", "shared"])
async def test_where_others_read_along_a_typed_question_is_answered_in_private(school: School, channel: str) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", f"/ask {QUESTION}", channel)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    await school.type("U3", "/ask", channel)
    await school.send(await school.form("U3"), question=QUESTION)
    await school.until_answered(school.direct("U3"), 2)
    assert school.silent()


async def test_a_channel_that_came_to_be_shared_hears_no_more(school: School) -> None:
    await school.join("U3", "Cleo")
    school.provider.script("NOT_IN_SOURCES")
    await school.ask("U3")
    nothing = await school.until_answered()
    school.slack.workspace.conversations[CHANNEL].shared = True
    await school.press("U3", nothing, "Answer from general knowledge")
    await school.until_answered(school.direct("U3"))
    assert len(school.answers()) == 1


@pytest.mark.parametrize("how", ["mention", "typed"])
async def test_who_is_not_in_the_class_is_refused_in_private(school: School, how: str) -> None:
    await school.join("U3", "Cleo")
    await school.join("U5", "Eve", enrolled=False)
    if how == "mention":
        await school.ask("U5")
    else:
        await school.type("U5", f"/ask {QUESTION}", CHANNEL)
    told = await school.until_told("U5", "you are not in it")
    assert "[1]" not in all_text(told)
    await school.settled()
    assert school.silent()
    assert school.told("U3") == []
    assert not school.provider.chats()
    await school.write("U5")
    await school.until_told("U5", "You are not in any class here yet")


async def test_who_is_not_in_the_class_is_not_answered_in_its_threads(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U5", "Eve", enrolled=False)
    await school.join("U6", "Finn", linked=False)
    asked = await school.ask("U3")
    await school.until_answered()
    for outsider in ("U5", "U6"):
        await school.say(outsider, "And when is the next eclipse?", thread=asked.ts)
    await school.until_answered(count=1)
    assert school.told("U5") == school.told("U6") == [], "nobody asked the bot, so it says nothing"


async def test_a_stranger_in_a_shared_channel_gets_nothing(school: School) -> None:
    await school.trust_addresses()
    await school.join("U7", "Gus", linked=False, team_id="T2", stranger=True)
    await school.ask("U7", channel=SHARED)
    await school.until_told("U7", "I only answer people of the school's own workspace.")
    await school.settled()
    assert school.silent()
    assert not school.provider.chats()
    assert not await school.rows("SELECT 1 FROM workspace_identities")


async def test_a_passage_is_shown_in_private_and_to_the_class_alone(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    await school.join("U5", "Eve", enrolled=False)
    await school.join("U6", "Finn", linked=False)
    await school.ask("U3")
    answer = await school.until_answered()
    await school.press("U4", answer, "Show passage 1")
    shown = await school.until_told("U4", "The answer leans on")
    assert (shown.channel, shown.to) == (CHANNEL, "U4")
    assert "https://homeroom.test/" in all_text(shown)
    for outsider in ("U5", "U6"):
        await school.press(outsider, answer, "Show passage 1")
        told = await school.until_told(outsider, "")
        assert "leans on" not in all_text(told)
        assert "homeroom.test" not in all_text(told)
    await school.settled()
    assert len(school.shown()) == 1
    assert school.told("U3") == []


async def test_a_passage_of_a_private_answer_is_its_readers_alone(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.write("U3")
    answer = await school.until_answered(school.direct("U3"))
    await school.press("U3", answer, "Show passage 1")
    await school.until_told("U3", "The answer leans on")
    assert school.silent()


async def test_what_people_write_pings_nobody(school: School) -> None:
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


async def test_course_documents_ping_nobody(school: School) -> None:
    await school.join("U3", "Cleo")
    # In the middle of each sentence, so that every answer quotes it.
    await school.rewrite("UPDATE material_chunks SET text = replace(text, ' the ', ' the ' || :evil || ' ')", evil=EVIL)
    await school.ask("U3")
    answer = await school.until_answered()
    assert "@channel" in answer.text
    school.provider.script(Reply(status=503))
    await school.ask("U3")
    assert "@channel" in (await school.until_answered(count=2)).text
    await school.press("U3", answer, "Show passage 1")
    await school.until_told("U3", "The answer leans on")
