"""Questions: where they are asked, in which mode they are answered, and who reads the answers."""

from __future__ import annotations

import pytest

from core.classes.bind import bind_channel
from core.content.browse import find_lesson
from core.enums import MembershipRole
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import OPERATOR, QUESTION, School

PHASES = "2.1"  # the lesson's number
FOREIGN = "How bright is a star of magnitude 2 compared with one of magnitude 5?"  # another lesson's matter


@needs(Trait.CHANNELS)
async def test_a_mention_is_answered_in_its_thread_with_sources(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.ask(cleo)
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(asked)
    assert "[1]" in school.text(answer)
    assert "Show passage 1" in school.everything(answer)
    assert not school.told(cleo)


async def test_who_is_alone_with_the_bot_just_writes(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.write(cleo)
    first = await school.until_answered(school.direct(cleo))
    assert "[1]" in school.text(first)
    assert school.thread_of(first) == school.thread_of(asked)
    again = await school.write(cleo, "How long does it take?", thread=school.thread_of(asked))
    second = await school.until_answered(school.direct(cleo), 2)
    assert school.thread_of(second) == school.thread_of(again)
    assert school.silent()
    assert len(await school.rows("SELECT 1 FROM chats")) == 1, "in private the whole conversation is one chat"
    assert not school.told(cleo)


@needs(Trait.CHANNELS)
async def test_a_thread_goes_on_without_mentions_and_everybodys_chat_is_their_own(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    asked = await school.ask(cleo)
    await school.until_answered()
    thread = school.thread_of(asked)
    await school.say(cleo, "How long does it take?", thread=thread)
    await school.until_answered(count=2)
    await school.say(dan, "And what about a lunar eclipse?", thread=thread)
    last = await school.until_answered(count=3)
    assert {school.thread_of(answer) for answer in school.answers()} == {thread}
    chats = await school.rows("SELECT app_user_id FROM chats")
    assert {row.app_user_id for row in chats} == {school.people[cleo], school.people[dan]}
    said = str(school.provider.chats()[-1]["messages"])
    assert "How long does it take?" in said, "the thread's messages are the context of who asks next"
    assert "Cleo" not in said, "no names go to a model"
    assert "Dan" not in said
    assert "[1]" in school.text(last)


@needs(Trait.CHANNELS)
async def test_in_a_thread_a_teacher_is_answered_only_where_they_ask(school: School) -> None:
    cleo, tess = await school.newcomer("Cleo"), await school.newcomer("Tess", MembershipRole.TEACHER)
    thread = school.thread_of(await school.ask(cleo))
    await school.until_answered()
    await school.say(tess, "Good question, we will look at that on Monday?", thread=thread)
    await school.until_answered(count=1)
    await school.ask(tess, "How long is a lunar month?", thread=thread)
    await school.until_answered(count=2)
    assert not school.told(tess)


@needs(Trait.CHANNELS)
async def test_what_is_said_to_somebody_else_is_not_answered(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    asked = await school.ask(cleo)
    await school.until_answered()
    await school.say(dan, f"<@{cleo}> do you understand that?", thread=school.thread_of(asked))
    await school.say(dan, "Why does the Moon have phases?")
    await school.say(cleo, "Lunch?")
    await school.until_answered(count=1)
    assert not school.told(dan)


@needs(Trait.CHANNELS)
async def test_a_typed_question_in_the_channel_opens_a_thread_of_its_own(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask {QUESTION}", school.channel)
    answer = await school.until_answered()
    opening, shown = school.shown()
    assert QUESTION in school.everything(opening)
    assert "Cleo" in school.everything(opening)
    assert shown is answer
    assert school.thread_of(answer) == school.thread_of(opening)
    await school.say(cleo, "How long does it take?", thread=school.thread_of(opening))
    again = await school.until_answered(count=2)
    assert school.thread_of(again) == school.thread_of(opening)


@needs(Trait.CHANNELS)
async def test_a_typed_question_can_be_private(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask private:yes {QUESTION}", school.channel)
    answer = await school.until_answered(school.direct(cleo))
    assert "[1]" in school.text(answer)
    assert school.silent()
    (row,) = await school.rows("SELECT thread_id FROM chats")
    assert row.thread_id is None


async def test_a_question_typed_alone_is_answered_there(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask {QUESTION}")
    answer = await school.until_answered(school.direct(cleo))
    assert "[1]" in school.text(answer)
    assert school.silent()


async def test_a_typed_question_names_its_mode_and_its_lesson(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask lesson:{PHASES} {QUESTION}")
    answer = await school.until_answered(school.direct(cleo))
    assert "From the lesson “Phases of the Moon” only." in school.everything(answer)
    await school.type(cleo, "/ask mode:general What is a haiku?")
    answer = await school.until_answered(school.direct(cleo), 2)
    assert "General knowledge" in school.everything(answer)
    assert "Show passage" not in school.everything(answer)
    await school.type(cleo, f"/ask mode:lesson {QUESTION}")
    await school.until_told(cleo, "LESSON mode needs a lesson")
    await school.type(cleo, f"/ask lesson:99 {QUESTION}")
    await school.until_told(cleo, "There is no lesson")
    assert len(school.answers(school.direct(cleo))) == 2


@pytest.mark.parametrize("alone", [False, True], ids=["in the channel", "alone"])
@needs(Trait.BARE_COMMANDS, Trait.CHANNELS)
async def test_a_question_without_words_gets_a_form(school: School, *, alone: bool) -> None:
    cleo = await school.newcomer("Cleo")
    channel = None if alone else school.channel
    await school.type(cleo, "/ask", channel)
    form = await school.form(cleo)
    assert school.silent()
    assert not await school.fill(cleo, form, question=QUESTION)
    answer = await school.until_answered(school.direct(cleo) if alone else school.channel)
    assert "[1]" in school.text(answer)
    assert not school.told(cleo)


@needs(Trait.BARE_COMMANDS)
async def test_a_form_says_what_is_wrong_with_it(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, "/ask")
    said = await school.fill(cleo, await school.form(cleo), question=QUESTION, mode="LESSON")
    assert "LESSON mode needs a lesson" in said
    await school.type(cleo, "/ask")
    said = await school.fill(cleo, await school.form(cleo), question="???")
    assert "I can't read a question in that." in said
    await school.type(cleo, "/ask")
    form, lesson = await school.form(cleo), "2.1 Phases of the Moon"
    assert not await school.fill(cleo, form, question=QUESTION, mode="LESSON", lesson=lesson)
    answer = await school.until_answered(school.direct(cleo))
    assert "From the lesson" in school.everything(answer)


async def test_a_lesson_without_an_answer_offers_the_class_and_the_class_offers_general_knowledge(
    school: School,
) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask lesson:{PHASES} {FOREIGN}")
    nothing = await school.until_answered(school.direct(cleo))
    assert "I found nothing about that in the lesson" in school.text(nothing)
    school.provider.script("NOT_IN_SOURCES")
    await school.press(cleo, nothing, "Search the whole class")
    wider = await school.until_answered(school.direct(cleo), 2)
    assert "I found nothing about that in this class's material." in school.text(wider)
    await school.press(cleo, wider, "Answer from general knowledge")
    general = await school.until_answered(school.direct(cleo), 3)
    assert "General knowledge" in school.everything(general)


@needs(Trait.CHANNELS)
async def test_what_a_public_answer_offers_is_for_who_asked(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    await school.type(cleo, f"/ask lesson:{PHASES} {FOREIGN}", school.channel)
    nothing = await school.until_answered()
    await school.press(dan, nothing, "Search the whole class")
    await school.until_told(dan, "not one of yours")
    school.provider.script(FOREIGN, "NOT_IN_SOURCES")  # the question as it is searched for, then the answer
    await school.press(cleo, nothing, "Search the whole class")
    wider = await school.until_answered(count=2)
    assert school.thread_of(wider) == school.thread_of(nothing)


@needs(Trait.CHANNELS)
async def test_a_thread_keeps_its_mode(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, f"/ask lesson:{PHASES} {QUESTION}", school.channel)
    first = await school.until_answered()
    await school.say(cleo, "How long does it take?", thread=school.thread_of(first))
    second = await school.until_answered(count=2)
    assert "the lesson “Phases of the Moon”" in school.everything(second)
    await school.ask(cleo)
    third = await school.until_answered(count=3)
    assert "the lesson" not in school.everything(third), "a new thread begins as the channel says"


@needs(Trait.CHANNELS)
async def test_a_channel_stands_for_one_lesson(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    workspace = await school.workspace_id()
    async with school.app.sessions.begin() as session:
        lesson = await find_lesson(session, school.class_id, PHASES)
        await bind_channel(session, OPERATOR, workspace, school.elsewhere, school.class_id, lesson.id)
    await school.ask(cleo, channel=school.elsewhere)
    answer = await school.until_answered(school.elsewhere)
    assert "From the lesson “Phases of the Moon” only." in school.everything(answer)
