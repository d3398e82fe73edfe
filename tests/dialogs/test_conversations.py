"""Conversations of a student with the class, through the whole bot, with no language model."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from bot.app import App
from core.answering.store import fail_abandoned
from core.audit.record import Actor
from core.classes.enrol import get_class, leave
from core.identity.people import get_person
from tests.dialogs.conftest import CODE, NewStudent, Talk


async def test_an_answer_cites_its_page_with_a_sentence_of_it(talk: Talk) -> None:
    said = await talk.say("How far away is the Beehive cluster?")
    assert "610" in said
    assert re.search(r"\[\d\] .*, p\. 4: “.*610.*”", said)
    assert "No language model is set up" in said


async def test_answers_are_stored_with_pinned_citations_and_feedback_follows_the_thumbs(talk: Talk) -> None:
    await talk.say("How far away is the Beehive cluster?")
    answer = talk.responder.last_answer
    assert await talk.say("+1") == ""
    assert "What is not good about that answer?" in await talk.say("-1")
    async with talk.app.sessions() as session:
        rows = (
            await session.execute(
                text(
                    "SELECT m.status, m.grounded, m.model, c.quote, k.text AS passage, f.value "
                    "FROM chat_messages m JOIN chat_message_citations c ON c.chat_message_id = m.id "
                    "JOIN material_chunks k ON k.id = c.chunk_id "
                    "JOIN chat_message_feedback f ON f.chat_message_id = m.id WHERE m.id = :id"
                ),
                {"id": answer},
            )
        ).all()
    assert rows
    for row in rows:
        assert (row.status, row.grounded, row.value) == ("COMPLETED", True, "DOWN")
        assert row.quote in row.passage


async def test_a_follow_up_keeps_its_context(talk: Talk) -> None:
    await talk.say("How long is it from one new Moon to the next?")
    assert "27.3 days" in await talk.say("And how long does it take to go around once relative to the stars?")


async def test_a_new_subject_does_not_drag_the_old_one_along(talk: Talk) -> None:
    await talk.say("Which meteor shower comes from an asteroid?")
    said = await talk.say("Why does the Moon have phases?")
    assert "Phases of the Moon" in said
    assert "Geminids" not in said


async def test_modes_never_mix_and_the_wider_one_is_offered(talk: Talk) -> None:
    said = await talk.say("/ask lesson:2.1 How far away is the Beehive cluster?")
    assert said == "I found nothing about that in the lesson “Phases of the Moon”.\n1) Search the whole class"
    said = await talk.say("1")
    assert "610" in said
    assert "field-guide" not in said


async def test_what_the_material_does_not_say_is_not_answered(talk: Talk) -> None:
    said = await talk.say("Who won the football world cup in 2014?")
    assert said.startswith("I found nothing about that in this class's material.")
    said = await talk.say("1")
    assert "no language model is set up" in said


async def test_answer_keys_are_nowhere(talk: Talk) -> None:
    for question in ("309 stars overhead", "marmalade factory", "tangerine balloon of Professor Quillfeather"):
        said = (await talk.say(question)).casefold()
        assert "309" not in said
        assert "marmalade" not in said
        assert "quillfeather" not in said
    assert "answer" not in await talk.say("/materials")


async def test_commands_list_what_is_published(talk: Talk) -> None:
    lessons = await talk.say("/lessons")
    assert "2.3\tThe Wandering Planets" in lessons
    assert "The Wandering Planets" not in await talk.say("/lessons moon phases")
    assert "p" in await talk.say("/materials")
    assert "Star Count Through a Paper Tube" in await talk.say("/assignments")
    assert await talk.say("/history") == "You have not asked anything in this class yet."
    await talk.say("How long does dark adaptation take?")
    assert "How long does dark adaptation take?" in await talk.say("/history")
    assert "/ask" in await talk.say("/help")


async def test_one_student_never_sees_anothers_history(talk: Talk, app: App, new_student: NewStudent) -> None:
    await talk.say("How long does dark adaptation take?")
    answer = talk.responder.last_answer
    other = Talk(app, await new_student())
    assert "dark adaptation" not in await other.say("/history")
    other.responder.last_answer = answer
    assert "There is no such answer" in await other.say("+1")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("😀", "ask it in words"),
        ("x" * 40_000, "40,000 characters"),
        ("/ask mode:LESSON why?", "needs a lesson"),
        ("/ask lesson:9.9 why?", "There is no lesson"),
        ("/ask lesson:the why?", "Several lessons fit"),
        ("/nonsense", "There is no command"),
    ],
)
async def test_a_mistake_gets_a_sentence(talk: Talk, line: str, says: str) -> None:
    assert says in await talk.say(line)
    assert talk.responder.failed
    assert "You have not asked" in await talk.say("/history")


async def test_strange_text_is_harmless(talk: Talk) -> None:
    for question in (
        "why\x00 tides\x1b[31m?",
        "ما هو القمر؟",
        "月とは何ですか",
        "' OR 1=1; DROP TABLE chats; --",
        "\\'):* & | !",
    ):
        said = await talk.say(question)
        assert said
        assert not {"\x1b", "\x00"} & set(said)


async def test_strangers_and_outsiders_learn_nothing(app: App, new_student: NewStudent) -> None:
    assert "Nobody here" in await Talk(app, "stranger@school.example").say("Why tides?")
    student = await new_student()
    assert "There is no class" in await Talk(app, student, "NOPE").say("Why tides?")


async def test_an_abandoned_answer_is_ended(talk: Talk) -> None:
    await talk.say("How long does dark adaptation take?")
    async with talk.app.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE chat_messages SET status = 'STREAMING', lease_until = now() - interval '1 second' "
                "WHERE id = :id"
            ),
            {"id": talk.responder.last_answer},
        )
    assert await fail_abandoned(talk.app.sessions) == 1
    assert "(failed)" in await talk.say("/history")


async def test_who_left_the_class_reads_nothing_more(talk: Talk) -> None:
    await talk.say("How long does dark adaptation take?")
    async with talk.app.sessions.begin() as session:
        class_ = await get_class(session, CODE)
        person = await get_person(session, talk.email)
        await leave(session, Actor.command_line(), class_.id, person.id)
    for line in ("/lessons", "/materials", "/assignments", "/history", "How long does dark adaptation take?"):
        assert "You are not in" in await talk.say(line)
