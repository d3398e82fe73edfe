"""What people think of an answer: reactions put on, switched and taken off, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from core.enums import FeedbackReason
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import School

WHY = "What is not good about that answer?"
LONG = "The Moon shines by reflected light [1]. " * 450


async def verdicts(school: School) -> list[tuple[str, str, str | None]]:
    """Who thinks what, and why."""
    await school.settled()
    names = {person: user for user, person in school.people.items()}
    rows = await school.rows("SELECT app_user_id, value, reason FROM chat_message_feedback WHERE deleted_at IS NULL")
    return sorted((names[row.app_user_id], row.value, row.reason) for row in rows)


async def an_answer(school: School, *names: str) -> tuple[Any, list[str]]:
    people = [await school.newcomer(name) for name in names]
    await school.ask(people[0])
    return await school.until_answered(), people


async def test_a_thumb_is_given_changed_and_explained(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.write(cleo)
    answer = await school.until_answered(school.direct(cleo))
    await school.react(cleo, answer, "👍")
    assert await verdicts(school) == [(cleo, "UP", None)]
    await school.react(cleo, answer, "👎")
    asked = await school.until_told(cleo, WHY)
    await school.press(cleo, asked, "It is wrong")
    assert await verdicts(school) == [(cleo, "DOWN", FeedbackReason.WRONG)]
    assert school.silent()


@pytest.mark.parametrize(("up", "down"), [("👍", "👎"), ("👍🏽", "👎🏽")])
@needs(Trait.CHANNELS, Trait.REACTIONS)
async def test_reactions_are_put_on_switched_and_taken_off(school: School, up: str, down: str) -> None:
    answer, (cleo, dan) = await an_answer(school, "Cleo", "Dan")
    await school.react(cleo, answer, up)
    await school.react(dan, answer, down)
    assert await verdicts(school) == [(cleo, "UP", None), (dan, "DOWN", None)]
    await school.react(cleo, answer, down)
    assert await verdicts(school) == [(cleo, "DOWN", None), (dan, "DOWN", None)]
    await school.react(cleo, answer, down, take_off=True)
    assert await verdicts(school) == [(cleo, "UP", None), (dan, "DOWN", None)], "the first one still stands"
    await school.react(cleo, answer, up, take_off=True)
    assert await verdicts(school) == [(dan, "DOWN", None)]
    await school.until_told(cleo, WHY)
    await school.until_told(dan, WHY)
    assert len(school.shown()) == 1


@needs(Trait.CHANNELS, Trait.REACTIONS)
async def test_a_reason_is_one_click_in_private(school: School) -> None:
    answer, (_, dan) = await an_answer(school, "Cleo", "Dan")
    await school.react(dan, answer, "👎")
    asked = await school.until_told(dan, WHY)
    await school.press(dan, asked, "It is unclear")
    await school.until_told(dan, "Thank you, that helps.")
    assert await verdicts(school) == [(dan, "DOWN", FeedbackReason.UNCLEAR)]
    await school.react(dan, answer, "👎", take_off=True)
    await school.press(dan, asked, "It is wrong")
    await school.until_told(dan, "You took your 👎 back")
    assert await verdicts(school) == []
    assert len(school.shown()) == 1


@needs(Trait.CHANNELS, Trait.REACTIONS, Trait.ACCOUNTS)
async def test_only_the_class_has_a_say(school: School) -> None:
    answer, (cleo,) = await an_answer(school, "Cleo")
    outsiders = [await school.newcomer("Eve", enrolled=False), await school.newcomer("Finn", linked=False)]
    said = await school.say(cleo, "Nice!")
    for outsider in outsiders:
        await school.react(outsider, answer, "👎")
    await school.react(cleo, said, "👍")
    await school.react(cleo, answer, "👀")
    assert await verdicts(school) == []
    assert not any(school.told(user) for user in (cleo, *outsiders))


@needs(Trait.CHANNELS, Trait.REACTIONS)
async def test_every_part_of_an_answer_counts(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    school.provider.script(LONG)
    await school.ask(cleo)
    await school.until_answered()
    first, *_, last = school.shown()
    assert first is not last
    await school.react(cleo, last, "👍")
    assert await verdicts(school) == [(cleo, "UP", None)]
    await school.react(cleo, first, "👎")
    assert await verdicts(school) == [(cleo, "DOWN", None)]
    await school.react(cleo, first, "👎", take_off=True)
    assert await verdicts(school) == [(cleo, "UP", None)]
