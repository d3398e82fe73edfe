"""The sample course's questions (docs/sample-questions.md), asked through the whole bot with no language model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.documents import Locator
from tests.dialogs.conftest import Talk

QUESTIONS: dict[str, dict[str, Any]] = {
    question["id"]: question
    for line in Path(__file__).with_name("sample_questions.jsonl").read_text("utf-8").splitlines()
    for question in (json.loads(line),)
}
NOTHING_FOUND = "I found nothing about that in this class's material."


@dataclass(frozen=True, slots=True)
class Told:
    """What a question got: all that was printed, the answer as stored, and where its citations stand."""

    printed: str
    answer: str
    places: frozenset[tuple[str, str]]


def before(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the questions that have to be asked first, in order."""
    if question["follows"]:
        earlier = QUESTIONS[question["follows"]]
        yield from before(earlier)
        yield earlier


async def ask(talk: Talk, question: dict[str, Any]) -> Told:
    for earlier in before(question):
        await talk.say(earlier["text"])
    printed = await talk.say(question["text"])
    async with talk.app.sessions() as session:
        rows = (
            await session.execute(
                text(
                    "SELECT m.text, s.external_id, k.locator FROM chat_messages m "
                    "LEFT JOIN chat_message_citations c ON c.chat_message_id = m.id "
                    "LEFT JOIN material_chunks k ON k.id = c.chunk_id "
                    "LEFT JOIN published_sources s ON s.revision_id = k.revision_id WHERE m.id = :id"
                ),
                {"id": talk.responder.last_answer},
            )
        ).all()
    places = frozenset(
        (row.external_id, Locator.from_json(row.locator).label()) for row in rows if row.external_id is not None
    )
    return Told(printed, " ".join(rows[0].text.split()), places)


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if question["source"]])
async def test_the_answer_is_shown_and_its_place_cited(talk: Talk, name: str) -> None:
    question = QUESTIONS[name]
    told = await ask(talk, question)
    assert question["answer_contains"].casefold() in told.answer.casefold()
    assert (question["source"], question["place"]) in told.places


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if not question["source"]])
async def test_what_students_can_not_read_is_not_answered(talk: Talk, name: str) -> None:
    question = QUESTIONS[name]
    told = await ask(talk, question)
    assert told.printed.startswith(NOTHING_FOUND)
    if "never_contains" in question:
        assert question["never_contains"] not in told.printed


async def test_answers_are_short(talk: Talk) -> None:
    """One or two sentences are usually right: a third has to be worth it."""
    asked = [question for question in QUESTIONS.values() if question["source"] and not question["follows"]]
    counts = [(await ask(talk, question)).answer.count(" [") for question in asked]
    assert sum(counts) / len(counts) <= 2


@pytest.mark.parametrize(
    ("question", "shows"),
    [
        ("Why does the Moon have phases?", "we see this sunlit half from different sides."),
        ("Why is Mars red?", "Red from iron oxide: rust"),
        ("How high is Olympus Mons?", "22 km the height of Olympus Mons"),
        (
            "What is the synodic period of Mars?",
            "Planet | Year of the planet | Synodic period Mars | 687 days | 780 days",
        ),
        ("What should I do when I see a fireball?", "Write down at once: the time to the second"),
        ("What causes tides?", "The difference stretches the oceans into two bulges"),
        ("What is a light-year?", "the 9.46 trillion kilometres that light travels in a year"),
        ("When did Pluto become a dwarf planet?", "2006 the year in which Pluto became a dwarf planet"),
    ],
)
async def test_explanations_scraps_and_tables_come_with_what_makes_them_readable(
    talk: Talk, question: str, shows: str
) -> None:
    said = await talk.say(question)
    assert shows in " ".join(said.split())


@pytest.mark.parametrize(
    "question",
    ["Who won the football world cup?", "Who wrote Hamlet?", "How do I cook pasta?", "How do vaccines work?"],
)
async def test_another_subject_is_not_answered(talk: Talk, question: str) -> None:
    assert (await talk.say(question)).startswith(NOTHING_FOUND)
