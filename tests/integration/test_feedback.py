"""Reactions on answers: the verdict follows from what stands, and only who could see the answer has one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import ChatMessage
from core.enums import FeedbackReason, FeedbackValue, Platform
from core.errors import Conflict, NotFound
from core.feedback.models import ChatMessageFeedback, MessageReaction
from core.feedback.react import give_reason, press_thumb, set_reaction
from tests import factories as make
from tests.answers import Told, tell

UP, DOWN = FeedbackValue.UP, FeedbackValue.DOWN


@pytest.fixture
async def told(session: AsyncSession) -> Told:
    """Return a private question with its answer."""
    return await tell(session)


async def verdicts(session: AsyncSession, answer_id: UUID) -> list[FeedbackValue]:
    rows = await session.scalars(
        select(ChatMessageFeedback.value).where(
            ChatMessageFeedback.chat_message_id == answer_id, ChatMessageFeedback.deleted_at.is_(None)
        )
    )
    return list(rows)


class Thumbs:
    """One person's reactions on one answer."""

    def __init__(self, session: AsyncSession, told: Told, *, platform: Platform = Platform.SLACK) -> None:
        self.session, self.told, self.platform = session, told, platform

    async def put(self, emoji: str, platform: Platform | None = None) -> FeedbackValue | None:
        return await self._set(emoji, platform, stands=True)

    async def take(self, emoji: str, platform: Platform | None = None) -> FeedbackValue | None:
        return await self._set(emoji, platform, stands=False)

    async def _set(self, emoji: str, platform: Platform | None, *, stands: bool) -> FeedbackValue | None:
        told = self.told
        verdict = await set_reaction(
            self.session, told.user_id, told.answer_id, platform or self.platform, emoji, stands=stands
        )
        return verdict.value


@pytest.fixture
def thumbs(session: AsyncSession, told: Told) -> Thumbs:
    return Thumbs(session, told)


async def test_the_last_thumb_counts_and_taking_it_off_brings_back_the_one_that_stands(
    session: AsyncSession, told: Told, thumbs: Thumbs
) -> None:
    assert await thumbs.put("+1") is UP
    assert await thumbs.put("-1") is DOWN
    assert await verdicts(session, told.answer_id) == [DOWN]
    assert await thumbs.take("-1") is UP
    assert await verdicts(session, told.answer_id) == [UP]
    assert await thumbs.take("+1") is None
    assert await verdicts(session, told.answer_id) == []
    assert await thumbs.put("-1") is DOWN
    rows = await session.scalar(select(func.count()).where(ChatMessageFeedback.chat_message_id == told.answer_id))
    assert rows == 1  # one row per person and message, revived


@pytest.mark.parametrize(
    "emoji", ["+1", ":+1:", "thumbsup", "👍", "👍🏽", "👍🏿", "👍\ufe0f", "+1::skin-tone-4", ":+1::skin-tone-2:"]
)
async def test_a_thumb_up_is_one_in_any_writing_and_skin(thumbs: Thumbs, emoji: str) -> None:
    assert await thumbs.put(emoji) is UP


@pytest.mark.parametrize("emoji", ["-1", "thumbsdown", "👎", "👎🏻", "-1::skin-tone-6"])
async def test_a_thumb_down_likewise(thumbs: Thumbs, emoji: str) -> None:
    assert await thumbs.put(emoji) is DOWN


@pytest.mark.parametrize("emoji", ["tada", "🏽", "", "+1s", "skin-tone-4", "👍👎", "eyes"])
async def test_other_emoji_say_nothing(session: AsyncSession, told: Told, thumbs: Thumbs, emoji: str) -> None:
    assert await thumbs.put(emoji) is None
    assert await verdicts(session, told.answer_id) == []
    assert await thumbs.put("+1") is UP
    assert await thumbs.take(emoji) is UP


async def test_two_skins_are_two_reactions(thumbs: Thumbs) -> None:
    await thumbs.put("+1::skin-tone-2")
    await thumbs.put("+1::skin-tone-5")
    assert await thumbs.take("+1::skin-tone-5") is UP
    assert await thumbs.take("+1::skin-tone-2") is None


async def test_one_person_reacts_on_two_platforms(thumbs: Thumbs) -> None:
    await thumbs.put("👍", Platform.DISCORD)
    await thumbs.put("-1")
    assert await thumbs.take("👍", Platform.SLACK) is DOWN  # it was not put there
    assert await thumbs.take("-1") is UP


async def test_repeating_changes_nothing(session: AsyncSession, thumbs: Thumbs) -> None:
    await thumbs.put("+1")
    await thumbs.put("-1")
    assert await thumbs.put("+1") is DOWN  # it stood already, so the thumb down stays the last
    assert await session.scalar(select(func.count()).select_from(MessageReaction)) == 2
    await thumbs.take("-1")
    assert await thumbs.take("-1") is UP


async def test_everybody_in_a_thread_has_a_verdict_of_their_own(session: AsyncSession) -> None:
    class_ = await make.class_(session)
    people = [await make.person(session, name) for name in ("Ada", "Grace")]
    for person in people:
        await make.enrol(session, class_, person)
    told = await tell(session, user_id=people[0].id, class_id=class_.id, thread="17.1")
    other = Told(people[1].id, told.question_id, told.answer_id)
    assert await Thumbs(session, told).put("+1") is UP
    assert await Thumbs(session, other).put("-1") is DOWN
    assert sorted(await verdicts(session, told.answer_id)) == [DOWN, UP]


@pytest.mark.parametrize(
    "case",
    [
        "another's private answer",
        "not in the class of the thread",
        "left the class",
        "the class is over",
        "a thread of no class",
        "a question",
        "deleted",
        "nothing",
    ],
)
async def test_who_was_not_shown_an_answer_has_no_say(session: AsyncSession, case: str) -> None:
    class_ = await make.class_(session)
    asker, reader = await make.person(session), await make.person(session, "Grace")
    await make.enrol(session, class_, asker)
    membership = await make.enrol(session, class_ if "not in" not in case else await make.class_(session), reader)
    thread = None if case == "another's private answer" else "17.1"
    class_id = None if case == "a thread of no class" else class_.id
    told = await tell(session, user_id=asker.id, class_id=class_id, thread=thread)
    answer_id = {"a question": told.question_id, "nothing": uuid4()}.get(case, told.answer_id)
    deleted: dict[str, Any] = {
        "left the class": membership,
        "the class is over": class_,
        "deleted": await session.get_one(ChatMessage, told.answer_id),
    }
    if case in deleted:
        deleted[case].deleted_at = func.now()
        await session.flush()
    for verb in (
        set_reaction(session, reader.id, answer_id, Platform.SLACK, "+1", stands=True),
        press_thumb(session, reader.id, answer_id, Platform.SLACK, UP),
        give_reason(session, reader.id, answer_id, FeedbackReason.WRONG),
    ):
        with pytest.raises(NotFound, match="no such answer"):
            await verb
    assert await session.scalar(select(func.count()).select_from(MessageReaction)) == 0


async def test_who_left_the_class_has_no_say_on_their_own_answer_either(session: AsyncSession) -> None:
    class_, asker = await make.class_(session), await make.person(session)
    membership = await make.enrol(session, class_, asker)
    told = await tell(session, user_id=asker.id, class_id=class_.id)
    assert await Thumbs(session, told).put("+1") is UP
    membership.deleted_at = func.now()
    with pytest.raises(NotFound):
        await Thumbs(session, told).take("+1")


# Native buttons.


async def test_a_button_replaces_the_other_one_and_stands_among_the_reactions(
    session: AsyncSession, told: Told, thumbs: Thumbs
) -> None:
    async def press(value: FeedbackValue) -> FeedbackValue | None:
        return (await press_thumb(session, told.user_id, told.answer_id, Platform.SLACK, value)).value

    assert await press(UP) is UP
    assert await press(DOWN) is DOWN
    assert await press(DOWN) is DOWN
    assert await thumbs.put("+1") is UP
    assert await thumbs.take("+1") is DOWN  # the button still stands, and only the one pressed last
    assert await thumbs.take("-1") is DOWN
    assert await thumbs.put("-1") is DOWN
    assert await press(UP) is UP
    assert await thumbs.take("-1") is UP
    assert await verdicts(session, told.answer_id) == [UP]


async def test_a_press_that_arrives_late_does_not_replace_a_later_one(session: AsyncSession, told: Told) -> None:
    moments = [datetime(2026, 3, 2, 12, minute, tzinfo=UTC) for minute in range(2)]
    await press_thumb(session, told.user_id, told.answer_id, Platform.SLACK, DOWN, moments[1])
    late = await press_thumb(session, told.user_id, told.answer_id, Platform.SLACK, UP, moments[0])
    assert late.value is DOWN


# Reasons.


async def reason_of(session: AsyncSession, answer_id: UUID) -> FeedbackReason | None:
    return await session.scalar(
        select(ChatMessageFeedback.reason).where(ChatMessageFeedback.chat_message_id == answer_id)
    )


async def test_a_reason_goes_with_its_thumb(session: AsyncSession, told: Told, thumbs: Thumbs) -> None:
    async def give() -> None:
        await give_reason(session, told.user_id, told.answer_id, FeedbackReason.UNCLEAR)

    await thumbs.put("-1")
    await give()
    await thumbs.put("👎🏻")
    await thumbs.take("-1")
    assert await reason_of(session, told.answer_id) is FeedbackReason.UNCLEAR
    await thumbs.take("👎🏻")
    await thumbs.put("-1")
    assert await reason_of(session, told.answer_id) is None
    await give()
    await thumbs.put("+1")
    assert await reason_of(session, told.answer_id) is None
    await thumbs.take("+1")
    assert await reason_of(session, told.answer_id) is None


async def test_a_reason_needs_a_thumb_that_points_down(session: AsyncSession, told: Told, thumbs: Thumbs) -> None:
    async def refused() -> None:
        with pytest.raises(Conflict, match="took your 👎 back"):
            await give_reason(session, told.user_id, told.answer_id, FeedbackReason.WRONG)

    await refused()
    await thumbs.put("+1")
    await refused()
    await thumbs.put("-1")
    await thumbs.put("-1", Platform.DISCORD)
    await thumbs.take("-1")
    await thumbs.take("-1", Platform.DISCORD)
    await refused()


async def test_the_reason_is_asked_for_once(session: AsyncSession, told: Told) -> None:
    class_ = await make.class_(session)
    asked = []
    for emoji, stands in (("+1", True), ("-1", True), ("👎🏻", True), ("-1", False), ("👎🏻", False), ("-1", True)):
        verdict = await set_reaction(session, told.user_id, told.answer_id, Platform.SLACK, emoji, stands=stands)
        asked.append(verdict.ask_reason)
    asked.append((await press_thumb(session, told.user_id, told.answer_id, Platform.SLACK, DOWN)).ask_reason)
    assert asked == [False, True, False, False, False, False, False]
    for _ in range(2):  # another answer, and another person
        person = await make.person(session)
        await make.enrol(session, class_, person)
        told = await tell(session, user_id=person.id, class_id=class_.id)
        assert (await press_thumb(session, person.id, told.answer_id, Platform.SLACK, DOWN)).ask_reason
