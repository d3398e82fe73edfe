"""Feedback: a person's verdict on an answer follows from the reactions of theirs that stand on it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import Chat, ChatMessage
from core.enums import FeedbackValue, MessageRole, Platform
from core.errors import NotFound
from core.feedback.models import ChatMessageFeedback, MessageReaction

THUMBS = {
    FeedbackValue.UP: frozenset({"+1", "thumbsup", "👍"}),
    FeedbackValue.DOWN: frozenset({"-1", "thumbsdown", "👎"}),
}
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))


def verdict_of(emoji: str) -> FeedbackValue | None:
    """Return what an emoji says about an answer, in any skin tone (`👍🏽`, `+1::skin-tone-4`); None if nothing."""
    plain = emoji.strip(":").partition("::")[0].rstrip(_SKIN_TONES + "\ufe0f")
    return next((value for value, names in THUMBS.items() if plain in names), None)


async def set_reaction(
    session: AsyncSession, user_id: UUID, answer_id: UUID, platform: Platform, emoji: str, *, stands: bool
) -> FeedbackValue | None:
    """Put a person's reaction on an answer or take it off, and return the verdict that now stands.

    The thumb set last counts; taking it off brings back one that still stands. Repeating changes nothing. Raises
    `NotFound` when that is no answer the person could have seen.
    """
    answer = await session.scalar(
        select(ChatMessage)
        .join(Chat, Chat.id == ChatMessage.chat_id)
        .where(
            ChatMessage.id == answer_id,
            ChatMessage.role == MessageRole.ASSISTANT,
            ChatMessage.deleted_at.is_(None),
            # In a thread everybody sees the answer; in private only who asked.
            (Chat.thread_id.is_not(None)) | (Chat.app_user_id == user_id),
        )
        .with_for_update(of=ChatMessage)  # two reactions of one person on one answer follow one another
    )
    if answer is None:
        raise NotFound("There is no such answer.")
    own = (MessageReaction.chat_message_id == answer_id, MessageReaction.app_user_id == user_id)
    standing = await session.scalar(
        select(MessageReaction).where(
            *own,
            MessageReaction.platform == platform,
            MessageReaction.emoji == emoji,
            MessageReaction.deleted_at.is_(None),
        )
    )
    if stands and standing is None:
        session.add(
            MessageReaction(
                chat_message_id=answer_id,
                app_user_id=user_id,
                platform=platform,
                emoji=emoji,
                created_at=func.clock_timestamp(),
            )
        )
    elif not stands and standing is not None:
        standing.deleted_at, standing.deleted_by_user_id = func.now(), user_id
    await session.flush()
    emojis = await session.scalars(
        select(MessageReaction.emoji)
        .where(*own, MessageReaction.deleted_at.is_(None))
        .order_by(MessageReaction.created_at.desc())
    )
    verdict = next((value for name in emojis if (value := verdict_of(name)) is not None), None)
    await _keep_verdict(session, user_id, answer_id, verdict)
    return verdict


async def _keep_verdict(session: AsyncSession, user_id: UUID, answer_id: UUID, verdict: FeedbackValue | None) -> None:
    row = await session.scalar(
        select(ChatMessageFeedback)
        .where(ChatMessageFeedback.chat_message_id == answer_id, ChatMessageFeedback.app_user_id == user_id)
        .order_by(ChatMessageFeedback.deleted_at.desc().nulls_first())
        .limit(1)
    )
    if verdict is None:
        if row is not None and row.deleted_at is None:
            row.deleted_at, row.deleted_by_user_id = func.now(), user_id
    elif row is None:
        session.add(ChatMessageFeedback(chat_message_id=answer_id, app_user_id=user_id, value=verdict))
    else:
        if row.value is not verdict:
            row.value, row.reason = verdict, None
        row.deleted_at = row.deleted_by_user_id = None
    await session.flush()
