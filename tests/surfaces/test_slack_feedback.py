"""What people think of an answer in Slack: reactions in any order, the platform's thumbs, and why not."""

from __future__ import annotations

from core.enums import FeedbackReason
from tests.fakes.slack.workspace import Post
from tests.surfaces.on_slack import SlackSchool

WHY = "What is not good about that answer?"
LONG = "The Moon shines by reflected light [1]. " * 450


async def verdicts(school: SlackSchool) -> list[tuple[str, str, str | None]]:
    """Who thinks what, and why."""
    await school.settled()
    names = {person: user for user, person in school.people.items()}
    rows = await school.rows("SELECT app_user_id, value, reason FROM chat_message_feedback WHERE deleted_at IS NULL")
    return sorted((names[row.app_user_id], row.value, row.reason) for row in rows)


async def react(school: SlackSchool, user: str, post: Post, emoji: str, *, take_off: bool = False) -> None:
    delivery = school.slack.people.react(user, post, emoji, take_off=take_off)
    assert delivery is not None
    await delivery.done()
    await school.settled()  # as people do one thing after another


async def an_answer(school: SlackSchool) -> Post:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    await school.ask("U3")
    answer: Post = await school.until_answered()
    return answer


async def test_reactions_that_come_in_the_wrong_order(school: SlackSchool) -> None:
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


async def test_the_platforms_own_thumbs(school: SlackSchool) -> None:
    answer = await an_answer(school)
    await school.press("U3", answer, "👎")
    asked = await school.until_told("U3", WHY)
    await school.press("U3", asked, "It gives too much away")
    assert await verdicts(school) == [("U3", "DOWN", FeedbackReason.TOO_MUCH)]
    await school.press("U3", answer, "👍")
    assert await verdicts(school) == [("U3", "UP", None)]
    assert len(school.shown()) == 1
