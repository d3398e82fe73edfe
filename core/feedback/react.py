"""Feedback: a person's verdict on an answer follows from the reactions of theirs that stand on it.

Platforms deliver reactions in any order, late and twice. So each one keeps the time of its last change: what is older
changes nothing, and one that was taken off is remembered, for its putting on may still be on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import Chat, ChatMessage
from core.classes.models import Class, ClassMembership
from core.enums import FeedbackReason, FeedbackValue, MessageRole, Platform
from core.errors import Conflict, NotFound
from core.feedback.emoji import thumbs, verdict_of
from core.feedback.models import ChatMessageFeedback, MessageReaction
from core.identity.models import AppUser

# How the platform's own feedback buttons stand among the reactions; no emoji's name has a space in it.
_BUTTONS = {FeedbackValue.UP: "button up", FeedbackValue.DOWN: "button down"}
_PRESSED = {name: value for value, name in _BUTTONS.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person thinks of an answer now; `ask_reason` is set the one time to ask why it is not good."""

    value: FeedbackValue | None
    ask_reason: bool = False


async def set_reaction(
    session: AsyncSession,
    user_id: UUID,
    answer_id: UUID,
    platform: Platform,
    emoji: str,
    *,
    stands: bool,
    at: datetime | None = None,
    message_id: str = "",
) -> Verdict:
    """Put a person's reaction on an answer or take it off, and return the verdict that now stands.

    `at` is the platform's time of it; None is now, and then repeating changes nothing. `message_id` is the platform's
    message that bears it: one emoji on two parts of an answer is two reactions. The thumb set last counts; taking it
    off brings back one that still stands. Raises `NotFound` when that is no answer the person could have seen.
    """
    await _lock_answer(session, user_id, answer_id)
    one = _Reaction(answer_id, user_id, platform, message_id, emoji)
    if at is not None:
        await _change(session, one, at, stands=stands)
    else:
        last = await _last_change(session, one)
        if stands is not (last is not None and last.deleted_at is None):
            await _change(session, one, await _now(session), stands=stands)
    return await _judge(session, user_id, answer_id)


async def press_thumb(
    session: AsyncSession,
    user_id: UUID,
    answer_id: UUID,
    platform: Platform,
    value: FeedbackValue,
    at: datetime | None = None,
) -> Verdict:
    """Press the platform's own 👍 or 👎 button, which lets go of the other one, and return the verdict that now stands.

    Pressing the same again keeps it. Raises `NotFound` when that is no answer the person could have seen.
    """
    await _lock_answer(session, user_id, answer_id)
    at = at or await _now(session)
    for each, name in _BUTTONS.items():
        await _change(session, _Reaction(answer_id, user_id, platform, "", name), at, stands=each is value)
    return await _judge(session, user_id, answer_id)


async def give_reason(session: AsyncSession, user_id: UUID, answer_id: UUID, reason: FeedbackReason) -> None:
    """Keep why a person does not like an answer.

    Raises `NotFound` when that is no answer they could have seen, `Conflict` when they do not dislike it any more.
    """
    await _lock_answer(session, user_id, answer_id)
    row = await _feedback(session, user_id, answer_id)
    if row is None or row.deleted_at is not None or row.value is not FeedbackValue.DOWN:
        raise Conflict("You took your 👎 back, so I kept no reason for it.")
    row.reason = reason
    await session.flush()


async def _lock_answer(session: AsyncSession, user_id: UUID, answer_id: UUID) -> None:
    """Hold an answer that was shown to this person, so that what they do to it follows one another. Raises `NotFound`.

    In a thread the answer is shown to the whole class, in private to who asked, as long as they are in the class.
    """
    member = (
        select(ClassMembership.id)
        .join(Class, Class.id == ClassMembership.class_id)
        .join(AppUser, AppUser.id == ClassMembership.app_user_id)
        .where(
            ClassMembership.class_id == Chat.class_id,
            ClassMembership.app_user_id == user_id,
            ClassMembership.deleted_at.is_(None),
            Class.deleted_at.is_(None),
            AppUser.deleted_at.is_(None),
        )
        .exists()
    )
    own = Chat.app_user_id == user_id
    shown = await session.scalar(
        select(ChatMessage.id)
        .join(Chat, Chat.id == ChatMessage.chat_id)
        .where(
            ChatMessage.id == answer_id,
            ChatMessage.role == MessageRole.ASSISTANT,
            ChatMessage.deleted_at.is_(None),
            Chat.deleted_at.is_(None),
            (own & Chat.class_id.is_(None)) | ((own | Chat.thread_id.is_not(None)) & member),
        )
        .with_for_update(of=ChatMessage, key_share=True)
    )
    if shown is None:
        raise NotFound("There is no such answer.")


@dataclass(frozen=True, slots=True)
class _Reaction:
    """What makes a reaction one and the same."""

    chat_message_id: UUID
    app_user_id: UUID
    platform: Platform
    message_id: str
    emoji: str


async def _last_change(session: AsyncSession, one: _Reaction) -> MessageReaction | None:
    return await session.scalar(
        select(MessageReaction)
        .where(
            MessageReaction.chat_message_id == one.chat_message_id,
            MessageReaction.app_user_id == one.app_user_id,
            MessageReaction.platform == one.platform,
            MessageReaction.message_id == one.message_id,
            MessageReaction.emoji == one.emoji,
        )
        .order_by(MessageReaction.deleted_at.is_not(None), MessageReaction.changed_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


async def _change(session: AsyncSession, one: _Reaction, at: datetime, *, stands: bool) -> None:
    """Let a reaction stand, or not, from `at` on, unless it changed later. At the same time, taking off wins."""
    row = await _last_change(session, one)
    if row is None:
        row = MessageReaction(
            chat_message_id=one.chat_message_id,
            app_user_id=one.app_user_id,
            platform=one.platform,
            message_id=one.message_id,
            emoji=one.emoji,
        )
        session.add(row)
    elif (row.changed_at, row.deleted_at is not None) >= (at, not stands):
        return
    row.changed_at = at
    row.deleted_at, row.deleted_by_user_id = (None, None) if stands else (at, one.app_user_id)
    await session.flush()


async def _judge(session: AsyncSession, user_id: UUID, answer_id: UUID) -> Verdict:
    """Keep and return the verdict that follows from the reactions that stand."""
    known = await thumbs(session)
    standing = await session.scalars(
        select(MessageReaction.emoji)
        .where(
            MessageReaction.chat_message_id == answer_id,
            MessageReaction.app_user_id == user_id,
            MessageReaction.deleted_at.is_(None),
        )
        .order_by(MessageReaction.changed_at.desc(), MessageReaction.emoji)
    )
    values = (_PRESSED.get(emoji) or verdict_of(emoji, known) for emoji in standing)
    verdict = next((value for value in values if value is not None), None)
    row = await _feedback(session, user_id, answer_id)
    if row is None:
        if verdict is None:
            return Verdict(None)
        row = ChatMessageFeedback(chat_message_id=answer_id, app_user_id=user_id, value=verdict)
        session.add(row)
    if verdict is not row.value:
        row.reason = None
    if verdict is None:
        if row.deleted_at is None:
            row.deleted_at, row.deleted_by_user_id = await _now(session), user_id
    else:
        row.value, row.deleted_at, row.deleted_by_user_id = verdict, None, None
    ask_reason = verdict is FeedbackValue.DOWN and row.reason_asked_at is None
    if ask_reason:
        row.reason_asked_at = await _now(session)
    await session.flush()
    return Verdict(verdict, ask_reason)


async def _feedback(session: AsyncSession, user_id: UUID, answer_id: UUID) -> ChatMessageFeedback | None:
    return await session.scalar(
        select(ChatMessageFeedback)
        .where(ChatMessageFeedback.chat_message_id == answer_id, ChatMessageFeedback.app_user_id == user_id)
        .order_by(ChatMessageFeedback.deleted_at.desc().nulls_first())
        .limit(1)
        .execution_options(populate_existing=True)
    )


async def _now(session: AsyncSession) -> datetime:
    """Return the database's clock, which goes on within a transaction."""
    return (await session.scalars(select(func.clock_timestamp(type_=DateTime)))).one()
