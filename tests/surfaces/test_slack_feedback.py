"""What people think of an answer in Slack: reactions in any order, the platform's thumbs, and why not."""

from __future__ import annotations

import pytest

from core.enums import FeedbackReason
from tests.fakes.slack.workspace import Post
from tests.surfaces.school import CHANNEL, School

WHY = "What is not good about that answer?"
LONG = "The Moon shines by reflected light [1]. " * 450


async def verdicts(school: School) -> list[tuple[str, str, str | None]]:
    """Who thinks what, and why."""
    await school.settled()
    names = {person: user for user, person in school.people.items()}
    rows = await school.rows("SELECT app_user_id, value, reason FROM chat_message_feedback WHERE deleted_at IS NULL")
    return sorted((names[row.app_user_id], row.value, row.reason) for row in rows)


async def react(school: School, user: str, post: Post, emoji: str, *, take_off: bool = False) -> None:
    delivery = school.slack.people.react(user, post, emoji, take_off=take_off)
    assert delivery is not None
    await delivery.done()
    await school.settled()  # as people do one thing after another


async def an_answer(school: School) -> Post:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    await school.ask("U3")
    return await school.until_answered()


@pytest.mark.parametrize(("up", "down"), [("+1", "-1"), ("thumbsup::skin-tone-4", "thumbsdown::skin-tone-6")])
async def test_reactions_are_put_on_switched_and_taken_off(school: School, up: str, down: str) -> None:
    answer = await an_answer(school)
    await react(school, "U3", answer, up)
    await react(school, "U4", answer, down)
    assert await verdicts(school) == [("U3", "UP", None), ("U4", "DOWN", None)]
    await react(school, "U3", answer, down)
    assert await verdicts(school) == [("U3", "DOWN", None), ("U4", "DOWN", None)]
    await react(school, "U3", answer, down, take_off=True)
    assert await verdicts(school) == [("U3", "UP", None), ("U4", "DOWN", None)], "the first one still stands"
    await react(school, "U3", answer, up, take_off=True)
    assert await verdicts(school) == [("U4", "DOWN", None)]
    await school.until_told("U3", WHY)
    await school.until_told("U4", WHY)
    assert len(school.shown()) == 1


async def test_reactions_that_come_in_the_wrong_order(school: School) -> None:
    answer = await an_answer(school)
    people = school.slack.people
    put_on, taken_off = people.react("U3", answer, "-1"), people.react("U3", answer, "-1", take_off=True)
    assert put_on is not None
    assert taken_off is not None
    await put_on.done()
    await taken_off.done()
    assert await verdicts(school) == []
    school.slack.courier.send_again(put_on)
    assert await verdicts(school) == []
    late, early = people.react("U4", answer, "+1"), people.react("U4", answer, "-1")
    assert late is not None
    assert early is not None
    # Slack's time of the first is made the later one.
    late.payload["event"]["event_ts"], early.payload["event"]["event_ts"] = "1900000002.000100", "1900000001.000100"
    await late.done()
    await early.done()
    assert await verdicts(school) == [("U4", "UP", None)]


async def test_a_reason_is_one_click_in_private(school: School) -> None:
    answer = await an_answer(school)
    await react(school, "U4", answer, "-1")
    asked = await school.until_told("U4", WHY)
    assert (asked.to, asked.channel) == ("U4", CHANNEL)
    await school.press("U4", asked, "It is unclear")
    await school.until_told("U4", "Thank you, that helps.")
    assert await verdicts(school) == [("U4", "DOWN", FeedbackReason.UNCLEAR)]
    await react(school, "U4", answer, "-1", take_off=True)
    await school.press("U4", asked, "It is wrong")
    await school.until_told("U4", "You took your 👎 back")
    assert await verdicts(school) == []
    assert len(school.shown()) == 1


async def test_the_platforms_own_thumbs(school: School) -> None:
    answer = await an_answer(school)
    await school.press("U3", answer, "👎")
    asked = await school.until_told("U3", WHY)
    await school.press("U3", asked, "It gives too much away")
    assert await verdicts(school) == [("U3", "DOWN", FeedbackReason.TOO_MUCH)]
    await school.press("U3", answer, "👍")
    assert await verdicts(school) == [("U3", "UP", None)]
    assert len(school.shown()) == 1


async def test_only_the_class_has_a_say(school: School) -> None:
    answer = await an_answer(school)
    await school.join("U5", "Eve", enrolled=False)
    await school.join("U6", "Finn", linked=False)
    said = await school.say("U3", "Nice!")
    for user in ("U5", "U6"):
        await react(school, user, answer, "-1")
    await react(school, "U3", said, "+1")
    await react(school, "U3", answer, "eyes")
    assert await verdicts(school) == []
    assert school.told("U5") == school.told("U6") == school.told("U3") == []
    await school.press("U5", answer, "👎")
    told = await school.until_told("U5", "")
    assert WHY not in told.text
    assert await verdicts(school) == []


async def test_every_part_of_an_answer_counts(school: School) -> None:
    await school.join("U3", "Cleo")
    school.provider.script(LONG)
    await school.ask("U3")
    await school.until_answered()
    first, *_, last = school.shown()
    assert first is not last
    await react(school, "U3", last, "+1")
    assert await verdicts(school) == [("U3", "UP", None)]
    await react(school, "U3", first, "-1")
    assert await verdicts(school) == [("U3", "DOWN", None)]
    await react(school, "U3", first, "-1", take_off=True)
    assert await verdicts(school) == [("U3", "UP", None)]


async def test_a_private_answer_is_judged_where_it_stands(school: School) -> None:
    await school.join("U3", "Cleo")
    await school.write("U3")
    answer = await school.until_answered(school.direct("U3"))
    await react(school, "U3", answer, "-1")
    asked = await school.until_told("U3", WHY)
    assert asked.channel == school.direct("U3")
    await school.press("U3", asked, "It is wrong")
    assert await verdicts(school) == [("U3", "DOWN", FeedbackReason.WRONG)]
    assert school.silent()
