"""Reactions on answers: the verdict follows from what stands, and only who could see the answer has one."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import ChatMessage
from core.enums import FeedbackReason, FeedbackValue, Platform
from core.errors import NotFound
from core.feedback.models import ChatMessageFeedback, MessageReaction
from core.feedback.react import set_reaction
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
        return await set_reaction(
            self.session, told.user_id, told.answer_id, platform or self.platform, emoji, stands=stands
        )


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


async def test_a_reason_goes_with_its_thumb(session: AsyncSession, told: Told, thumbs: Thumbs) -> None:
    await thumbs.put("-1")
    row = await session.scalar(select(ChatMessageFeedback))
    assert row is not None
    row.reason = FeedbackReason.UNCLEAR
    await thumbs.put("👎🏻")
    assert row.reason is FeedbackReason.UNCLEAR
    await thumbs.put("+1")
    assert row.reason is None


async def test_everybody_in_a_thread_has_a_verdict_of_their_own(session: AsyncSession) -> None:
    told = await tell(session, thread="17.1")
    other = Told((await make.person(session, "Grace")).id, told.question_id, told.answer_id)
    assert await Thumbs(session, told).put("+1") is UP
    assert await Thumbs(session, other).put("-1") is DOWN
    assert sorted(await verdicts(session, told.answer_id)) == [DOWN, UP]


async def test_anothers_private_answer_is_no_answer(session: AsyncSession, told: Told) -> None:
    stranger = (await make.person(session, "Eve")).id
    deleted = await tell(session)
    (await session.get_one(ChatMessage, deleted.answer_id)).deleted_at = func.now()
    await session.flush()
    for who, what in (
        (stranger, told.answer_id),
        (told.user_id, told.question_id),
        (told.user_id, uuid4()),
        (deleted.user_id, deleted.answer_id),
    ):
        with pytest.raises(NotFound, match="no such answer"):
            await set_reaction(session, who, what, Platform.SLACK, "+1", stands=True)
    assert await session.scalar(select(func.count()).select_from(MessageReaction)) == 0
