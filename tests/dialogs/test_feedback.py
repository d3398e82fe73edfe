"""Thumbs, buttons, reasons and cited passages, through the whole bot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from bot.commands.feedback import DOWN, REASON, UP
from bot.dispatch import dispatch
from core.answering.replying import SHOW_PASSAGE as SHOW
from core.audit.record import Actor
from core.classes.enrol import get_class, leave
from core.classes.models import ClassWorkspace
from core.enums import FeedbackReason, FeedbackValue, LinkMethod, Platform
from core.events import Control, Event, Place, Reaction, Sender
from core.feedback.models import ChatMessageFeedback, MessageReaction
from core.identity.models import Workspace, WorkspaceIdentity
from core.identity.people import get_person
from core.inbox.models import MessageDelivery
from tests import factories as make
from tests.answers import tell
from tests.dialogs.conftest import CODE, NewStudent, Talk

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUESTION = "How far away is the Beehive cluster?"


async def do(talk: Talk, event: Event) -> str:
    """Serve an event and return what was printed for it."""
    start = talk.output.tell()
    await dispatch(talk.app, event, talk.responder)
    return talk.output.getvalue()[start:].strip()


async def press(talk: Talk, action: str, value: str) -> str:
    sender, place = Sender(Platform.TERMINAL, talk.email), Place("terminal", class_code=CODE)
    return await do(talk, Control(key=str(uuid4()), sender=sender, place=place, action=action, value=value))


async def ask(talk: Talk) -> UUID:
    await talk.say(QUESTION)
    assert talk.responder.last_answer is not None
    return talk.responder.last_answer


async def verdict(talk: Talk, answer_id: UUID) -> tuple[FeedbackValue, FeedbackReason | None] | None:
    async with talk.app.sessions() as session:
        row = await session.scalar(
            select(ChatMessageFeedback).where(
                ChatMessageFeedback.chat_message_id == answer_id, ChatMessageFeedback.deleted_at.is_(None)
            )
        )
    return (row.value, row.reason) if row else None


async def test_a_thumb_down_is_asked_about_once_and_one_click_says_why(talk: Talk) -> None:
    answer_id = await ask(talk)
    assert "3) It is not in the material" in await talk.say("-1")
    assert await talk.say("3") == "Thank you, that helps."
    assert await verdict(talk, answer_id) == (FeedbackValue.DOWN, FeedbackReason.NOT_IN_MATERIAL)
    assert await talk.say("+1") == ""
    assert await verdict(talk, answer_id) == (FeedbackValue.UP, None)
    assert "took your 👎 back" in await press(talk, REASON, f"{answer_id} WRONG")
    assert await press(talk, DOWN, str(answer_id)) == ""  # asked before
    assert await verdict(talk, answer_id) == (FeedbackValue.DOWN, None)


async def test_the_platforms_own_thumbs_are_reactions_too(talk: Talk) -> None:
    answer_id = await ask(talk)
    assert await press(talk, UP, str(answer_id)) == ""
    assert "What is not good about that answer?" in await press(talk, DOWN, str(answer_id))
    assert await verdict(talk, answer_id) == (FeedbackValue.DOWN, None)


@pytest.mark.parametrize("value", ["", "nonsense", "{} SILLY", "{}", "{} wrong"])
@pytest.mark.parametrize("action", [REASON, SHOW])
async def test_a_forged_value_is_refused_in_a_sentence(talk: Talk, action: str, value: str) -> None:
    answer_id = await ask(talk)
    said = await press(talk, action, value.format(answer_id))
    assert talk.responder.failed
    assert said in {
        "There is no such answer.", "That choice does nothing any more.", "That answer has no such source.",
    }  # fmt: skip


async def test_nobody_else_has_a_say_on_a_private_answer(talk: Talk, new_student: NewStudent) -> None:
    answer_id = await ask(talk)
    other = Talk(talk.app, await new_student())
    for action, value in ((UP, ""), (DOWN, ""), (REASON, " WRONG"), (SHOW, " 1")):
        assert "no such" in await press(other, action, f"{answer_id}{value}")
    sender, place = Sender(Platform.TERMINAL, other.email), Place("terminal", class_code=CODE)
    thumb = Reaction(key="r", sender=sender, place=place, emoji="-1", added=True, message_id=str(answer_id))
    assert await do(other, thumb) == "There is no such answer."
    assert await verdict(talk, answer_id) is None


async def test_a_source_is_shown_as_it_stands_with_the_sentence_that_supports(talk: Talk) -> None:
    answer_id = await ask(talk)
    said = await press(talk, SHOW, f"{answer_id} 1")
    heading, *rest = said.splitlines()
    assert "p. 4" in heading
    passage = "\n".join(line.removeprefix(">").strip() for line in rest if line.startswith(">"))
    quote = said.partition("leans on: “")[2].partition("”")[0]
    assert quote
    assert quote.split() == [word for word in quote.split() if word in passage.split()]
    assert "610" in passage


# As Slack delivers them.


class Slack:
    """A workspace where the class lives, and answers that stand there in two posts."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.team = talk, f"T{uuid4().hex[:8]}"
        self.channel = f"C{uuid4().hex[:8]}"

    async def move_in(self, *members: str) -> UUID:
        """Install the bot, link these people, and post an answer to the first one's question in a thread."""
        async with self.talk.app.sessions.begin() as session:
            class_ = await get_class(session, CODE)
            workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id=self.team))
            await make.add(session, ClassWorkspace(class_id=class_.id, workspace_id=workspace.id))
            people = [await get_person(session, email) for email in members]
            for person in people:
                identity = WorkspaceIdentity(
                    workspace_id=workspace.id, platform_user_id=person.email, app_user_id=person.id,
                    method=LinkMethod.CODE,
                )  # fmt: skip
                await make.add(session, identity)
            told = await tell(session, user_id=people[0].id, class_id=class_.id, thread=str(uuid4()))
            for part in (0, 1):
                delivery = MessageDelivery(
                    chat_message_id=told.answer_id, platform=Platform.SLACK, workspace_id=workspace.id,
                    channel_id=self.channel, part=part, message_id=f"post {part}",
                )  # fmt: skip
                await make.add(session, delivery)
        return told.answer_id

    async def react(self, user: str, emoji: str, *, added: bool, minute: int, post: str = "post 0") -> str:
        event = Reaction(
            key=str(uuid4()),
            sender=Sender(Platform.SLACK, user, self.team),
            place=Place(self.channel, private=False),
            emoji=emoji,
            added=added,
            message_id=post,
            at=NOON + timedelta(minutes=minute),
        )
        return await do(self.talk, event)


async def test_reactions_in_a_channel_count_for_members_on_every_part_in_slacks_order(
    talk: Talk, new_student: NewStudent
) -> None:
    slack, reader = Slack(talk), await new_student()
    answer_id = await slack.move_in(talk.email, reader)
    assert await slack.react(reader, "-1", added=False, minute=2) == ""
    assert await slack.react(reader, "-1", added=True, minute=1) == ""  # taken back before it came
    assert await verdict(talk, answer_id) is None
    assert "not good" in await slack.react(reader, "-1::skin-tone-3", added=True, minute=3, post="post 1")
    assert await slack.react(reader, "-1::skin-tone-3", added=False, minute=4) == ""  # another post
    assert await verdict(talk, answer_id) == (FeedbackValue.DOWN, None)
    assert await slack.react(reader, "-1::skin-tone-3", added=False, minute=4, post="post 1") == ""
    assert await verdict(talk, answer_id) is None


async def test_reactions_of_strangers_and_on_other_messages_pass_in_silence(
    talk: Talk, new_student: NewStudent
) -> None:
    slack, former = Slack(talk), await new_student()
    answer_id = await slack.move_in(talk.email, former)
    async with talk.app.sessions.begin() as session:
        class_, person = await get_class(session, CODE), await get_person(session, former)
        await leave(session, Actor.command_line(), class_.id, person.id)
    assert await slack.react(former, "+1", added=True, minute=1) == ""
    assert await slack.react("U-unknown", "+1", added=True, minute=1) == ""
    assert await slack.react(talk.email, "+1", added=True, minute=1, post="not ours") == ""
    slack.team = "T-elsewhere"
    assert await slack.react(talk.email, "+1", added=True, minute=1) == ""
    async with talk.app.sessions() as session:
        kept = select(func.count()).where(MessageReaction.chat_message_id == answer_id)
        assert await session.scalar(kept) == 0
