"""Where two rules meet in Slack: private and asked again, unknown and typed in a form, busy and in a hurry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from adapters.slack.route import FORM, Route
from bot.serving import OTHERS_AT_ONCE, QUESTIONS_AT_ONCE
from core.enums import Platform
from core.events import Control, Place, Sender
from core.inbox.store import store_event
from tests.fakes.openai_server import Reply
from tests.fakes.slack_server import Failure
from tests.surfaces.on_slack import CHANNEL, QUESTION, SlackSchool

BETWEEN_TWO = "D77"  # direct messages of two people, which the bot is not in


async def keep_busy(school: SlackSchool, user: str) -> None:
    """Have the process write as many answers as it writes at once."""
    school.provider.script(*(Reply("Slowly. [1]", hold_after=1) for _ in range(QUESTIONS_AT_ONCE)))
    for number in range(QUESTIONS_AT_ONCE):
        await school.write(user, f"{QUESTION} {number}")
    await until(lambda: len(school.provider.chats()) >= QUESTIONS_AT_ONCE)


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for what nobody tells of."""
    for _ in range(1_500):
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come to that")


async def inbox_holds(school: SlackSchool, condition: str) -> bool:
    return bool(await school.rows(f"SELECT 1 FROM inbox_events WHERE {condition}"))


async def test_what_was_asked_in_private_stays_private_when_it_is_asked_again(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.slack.fail("conversations.open", Failure(error="user_disabled"))
    await school.type("U3", f"/ask private:yes {QUESTION}", CHANNEL)
    told = await school.until_told("U3", "Please try again")
    assert told.channel == CHANNEL, "unseen by others, where it was typed"
    await school.press("U3", told, "Try again")
    await school.until_answered(school.direct("U3"))
    assert school.silent()


async def test_a_question_from_a_form_is_answered_after_linking(school: SlackSchool) -> None:
    await school.join("U3", "Cleo", linked=False)
    await school.type("U3", "/ask", CHANNEL)
    await school.send(await school.form("U3"), question=QUESTION)
    await school.until_told("U3", "it is answered right after that")
    await school.type("U3", f"/link {await school.code_for('U3')}")
    await school.until_answered()


async def test_a_command_between_two_people_is_answered_by_the_bot_in_its_own_place(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dora")
    school.slack.workspace.add_channel(BETWEEN_TWO, "U3", "U4", with_bot=False, name="")
    await school.type("U3", f"/ask {QUESTION}", BETWEEN_TWO)
    await school.until_answered(school.direct("U3"))
    told = await school.until_told("U3", "I answered you in our direct messages.")
    assert told.channel == BETWEEN_TWO
    assert school.told("U4") == []


async def test_who_is_not_known_is_offered_nothing_to_ask(school: SlackSchool) -> None:
    await school.join("U3", "Cleo", linked=False)
    opened = school.slack.people.open_home("U3", "messages")
    assert opened is not None
    await opened.done()
    await school.settled()
    assert school.slack.workspace.prompts == []


async def test_typed_questions_keep_nobody_else_waiting(school: SlackSchool) -> None:
    askers = [f"U{number}" for number in range(10, 12 + OTHERS_AT_ONCE)]
    for number, user in enumerate(askers):
        await school.join(user, f"Student{number}")
    await school.join("U3", "Cleo")
    school.provider.script(*(Reply("Slowly. [1]", hold_after=1) for _ in askers))
    for user in askers:
        await school.type(user, f"/ask {QUESTION}")
    await school.type("U3", "/help")
    await school.until_told("U3", "/history")
    school.provider.release.set()
    await school.settled()


async def test_a_question_that_is_taken_back_before_its_turn_is_not_answered(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await keep_busy(school, "U3")
    late = await school.write("U3", "Is Cleo in love with the Moon?")
    deleted = school.slack.people.remove(late)
    assert deleted is not None
    await deleted.done()
    await until(lambda: inbox_holds(school, "state = 'DONE' AND event = '{}' AND dedupe_key LIKE 'slack:deletion:%'"))
    school.provider.release.set()
    await school.until_answered(school.direct("U3"), QUESTIONS_AT_ONCE)
    assert not await school.rows("SELECT 1 FROM chat_messages WHERE text LIKE '%in love%'")


async def test_a_question_that_was_taken_up_while_it_waited_is_answered_once(school: SlackSchool) -> None:
    """An outage of the database may cost a process its leases, and it takes up what it still holds itself."""
    await school.join("U3", "Cleo")
    await keep_busy(school, "U3")
    await school.write("U3", "Is Cleo in love with the Moon?")
    late = "UPDATE inbox_events SET lease_until = now() - interval '1 s' WHERE event::text LIKE '%in love%'"
    await school.execute(late)
    await until(lambda: inbox_holds(school, "attempts = 2"))
    school.provider.release.set()
    await school.until_answered(school.direct("U3"), QUESTIONS_AT_ONCE + 1)
    assert len(await school.rows("SELECT 1 FROM chat_messages WHERE text LIKE '%in love%'")) == 1


async def test_what_kills_every_process_is_given_up_and_said(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.provider.script(Reply("The Moon", hold_after=1))
    await school.ask("U3")
    await until(lambda: bool(school.provider.chats()))
    await school.execute("UPDATE inbox_events SET attempts = 3, lease_until = now() - interval '1 minute'")
    await school.until_told("U3", "I could not do that")
    (row,) = await school.rows("SELECT state::text, event FROM inbox_events")
    assert (row.state, row.event) == ("FAILED", {})
    school.provider.release.set()
    await until(lambda: len(school.shown()) == 1)  # the process was only thought to be dead


async def test_what_was_typed_into_a_form_that_is_given_up_is_given_back(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", "/submit 1")
    form = await school.form("U3")
    event = Control(
        key="a press of a process that died",
        sender=Sender(Platform.SLACK, "U3", school.workspace),
        place=Place(school.direct("U3"), private=True),
        action=form.view["callback_id"],
        value=json.loads(form.view["private_metadata"])["value"],
        fields={"text": "Granite is hard."},
    )
    stored = await store_event(school.app.sessions, event, Route(FORM, school.workspace, "U3").as_data())
    assert stored is not None
    await school.execute("UPDATE inbox_events SET attempts = 3, lease_until = now() - interval '1 minute'")
    shown = await school.until_told("U3", "I could not do that")
    await school.press("U3", shown, "Your form…")
    assert "Granite is hard." in json.dumps((await school.form("U3")).view)


async def test_thanks_are_not_answered(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    asked = await school.ask("U3")
    await school.until_answered()
    await school.say("U3", "Thank you! :tada:", thread=asked.ts)
    await school.until_answered(count=1)


async def test_general_knowledge_never_says_that_the_material_holds_nothing(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    school.provider.script("NOT_IN_SOURCES is what I would say, had I sources.")
    await school.slack.people.command("U3", CHANNEL, "/ask", "mode:GENERAL Who won the football world cup?").done()
    answer = await school.until_answered()
    assert "NOT_IN_SOURCES" in answer.text
