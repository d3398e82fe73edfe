"""Questions in Slack through the whole bot, over both ways in: where they are asked, who reads the answers."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.classes.bind import bind_channel
from core.content.browse import find_lesson
from core.enums import MembershipRole
from core.identity.models import Workspace
from tests.surfaces.school import CHANNEL, ELSEWHERE, OPERATOR, QUESTION, School, all_text

PHASES = "2.1"  # the lesson's number
FOREIGN = "How bright is a star of magnitude 2 compared with one of magnitude 5?"  # another lesson's matter


async def test_a_mention_is_answered_in_its_thread_with_sources(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await school.ask("U3")
    answer = await school.until_answered()
    assert answer.thread_ts == asked.ts
    assert "[1]" in answer.text
    assert "Show passage 1" in all_text(answer)
    assert school.slack.called("chat.startStream")
    assert school.told("U3") == []


async def test_a_thread_goes_on_without_mentions_and_everybodys_chat_is_their_own(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    asked = await school.ask("U3")
    await school.until_answered()
    await school.say("U3", "How long does it take?", thread=asked.ts)
    await school.until_answered(count=2)
    await school.say("U4", "And what about a lunar eclipse?", thread=asked.ts)
    last = await school.until_answered(count=3)
    assert {answer.thread_ts for answer in school.answers()} == {asked.ts}
    chats = await school.rows("SELECT app_user_id, count(*) FROM chats GROUP BY 1 ORDER BY 2")
    assert {row[0] for row in chats} == {school.people["U3"], school.people["U4"]}
    said = str(school.provider.chats()[-1]["messages"])
    assert "How long does it take?" in said, "the thread's messages are the context of who asks next"
    assert "Cleo" not in said, "no names go to a model"
    assert "Dan" not in said
    assert "[1]" in last.text


async def test_in_a_thread_a_teacher_is_answered_only_where_they_ask(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U9", "Tess", MembershipRole.TEACHER)
    asked = await school.ask("U3")
    await school.until_answered()
    await school.say("U9", "Good question, we will look at that on Monday?", thread=asked.ts)
    await school.until_answered(count=1)
    await school.ask("U9", "How long is a lunar month?", thread=asked.ts)
    await school.until_answered(count=2)
    assert school.told("U9") == []


async def test_what_is_said_to_somebody_else_is_not_answered(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    asked = await school.ask("U3")
    await school.until_answered()
    await school.say("U4", "<@U3> do you understand that?", thread=asked.ts)
    await school.say("U4", "Why does the Moon have phases?")
    other = await school.say("U3", "Lunch?")
    await school.say("U4", "Yes, why not?", thread=other.ts)
    await school.until_answered(count=1)
    assert school.told("U4") == []


async def test_who_is_alone_with_the_bot_needs_no_mention(school: School) -> None:
    await school.join("U3", "Cleo")
    asked = await school.write("U3")
    first = await school.until_answered(school.direct("U3"))
    assert first.thread_ts == asked.ts
    await school.write("U3", "How long does it take?", thread=asked.ts)
    second = await school.until_answered(school.direct("U3"), 2)
    assert second.thread_ts == asked.ts
    assert school.silent()
    assert len(await school.rows("SELECT 1 FROM chats")) == 1, "in private the whole conversation is one chat"


async def test_an_empty_conversation_offers_questions(school: School) -> None:
    await school.join("U3", "Cleo")
    school.slack.people.open_home("U3", "messages")
    await school.slack.until(lambda: school.slack.workspace.prompts)
    (offered,) = school.slack.workspace.prompts
    assert offered["channel_id"] == school.direct("U3")
    questions = [prompt["message"] for prompt in offered["prompts"]]
    assert questions
    await school.write("U3", questions[0])
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    assert school.told("U3") == []


async def test_a_typed_question_in_the_channel_opens_a_thread_of_its_own(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", f"/ask {QUESTION}", CHANNEL)
    answer = await school.until_answered()
    opening, shown = school.shown()
    assert QUESTION in all_text(opening)
    assert shown is answer
    assert answer.thread_ts == opening.ts
    assert school.told("U3") == []
    await school.say("U3", "How long does it take?", thread=opening.ts)
    again = await school.until_answered(count=2)
    assert again.thread_ts == opening.ts


@pytest.mark.parametrize("channel", [CHANNEL, None], ids=["in the channel", "alone"])
async def test_a_typed_question_is_answered_in_private(school: School, channel: str | None) -> None:
    await school.join("U3", "Cleo")
    private = "private:yes " if channel else ""
    await school.type("U3", f"/ask {private}{QUESTION}", channel)
    answer = await school.until_answered(school.direct("U3"))
    assert "[1]" in answer.text
    assert school.silent()
    (row,) = await school.rows("SELECT thread_id FROM chats")
    assert row.thread_id is None


async def test_a_typed_question_names_its_mode_and_its_lesson(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", f"/ask lesson:{PHASES} {QUESTION}", CHANNEL)
    answer = await school.until_answered()
    assert "From the lesson “Phases of the Moon” only." in all_text(answer)
    await school.type("U3", "/ask mode:general What is a haiku?", CHANNEL)
    answer = await school.until_answered(count=2)
    assert "General knowledge" in all_text(answer)
    assert "Show passage" not in all_text(answer)
    await school.type("U3", f"/ask mode:lesson {QUESTION}", CHANNEL)
    await school.until_told("U3", "LESSON mode needs a lesson")
    await school.type("U3", f"/ask lesson:99 {QUESTION}", CHANNEL)
    await school.slack.until(lambda: len(school.told("U3")) == 2)
    assert len(school.answers()) == 2


async def test_a_question_without_words_gets_a_form(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", "/ask", CHANNEL)
    form = await school.form("U3")
    assert school.silent()
    assert not await school.send(form, question=QUESTION)
    answer = await school.until_answered()
    assert "[1]" in answer.text
    assert answer.thread_ts is not None
    assert school.told("U3") == []


async def test_a_form_says_what_is_wrong_where_it_is_wrong(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", "/ask", CHANNEL)
    form = await school.form("U3")
    assert await school.send(form, question=QUESTION, mode="LESSON")
    assert "LESSON mode needs a lesson" in form.errors["lesson"]
    assert await school.send(form, question="???")
    assert "I can't read a question in that." in form.errors["question"]
    assert school.silent()
    assert school.told("U3") == []
    await school.send(form, question=QUESTION, mode="LESSON", lesson="2.1 Phases of the Moon")
    answer = await school.until_answered()
    assert "From the lesson" in all_text(answer)


async def test_a_lesson_without_an_answer_offers_the_class_and_the_class_offers_general_knowledge(
    school: School,
) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    await school.type("U3", f"/ask lesson:{PHASES} {FOREIGN}", CHANNEL)
    nothing = await school.until_answered()
    assert "I found nothing about that in the lesson" in nothing.text
    await school.press("U4", nothing, "Search the whole class")
    await school.until_told("U4", "not one of yours")
    school.provider.script(FOREIGN, "NOT_IN_SOURCES")  # the question as it is searched for, then the answer
    await school.press("U3", nothing, "Search the whole class")
    wider = await school.until_answered(count=2)
    assert "I found nothing about that in this class's material." in wider.text
    await school.press("U3", wider, "Answer from general knowledge")
    general = await school.until_answered(count=3)
    assert "General knowledge" in all_text(general)
    assert {answer.thread_ts for answer in school.answers()} == {nothing.thread_ts}
    assert school.told("U3") == []


async def test_a_thread_keeps_its_mode(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", f"/ask lesson:{PHASES} {QUESTION}", CHANNEL)
    first = await school.until_answered()
    await school.say("U3", "How long does it take?", thread=first.thread_ts)
    second = await school.until_answered(count=2)
    assert "the lesson “Phases of the Moon”" in all_text(second)
    await school.ask("U3")
    third = await school.until_answered(count=3)
    assert "the lesson" not in all_text(third), "a new thread begins as the channel says"


async def test_a_channel_stands_for_one_lesson(school: School) -> None:
    await school.join("U3", "Cleo")
    async with school.app.sessions.begin() as session:
        lesson = await find_lesson(session, school.class_id, PHASES)
        workspace = (await session.scalars(select(Workspace.id).where(Workspace.external_id == "T1"))).one()
        await bind_channel(session, OPERATOR, workspace, ELSEWHERE, school.class_id, lesson.id)
    await school.ask("U3", channel=ELSEWHERE)
    answer = await school.until_answered(ELSEWHERE)
    assert "From the lesson “Phases of the Moon” only." in all_text(answer)
