"""A person's own questions and answers, looked up again: for /history, for Retry and mode switches, for Stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.answering.models import Chat, ChatMessage
from core.classes.models import ClassMembership
from core.enums import GenerationStatus, MembershipRole, MessageRole, SourceMode
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """A question with what became of it; `private`: not in a thread that others read."""

    answer_id: UUID
    question: str
    answer: str
    mode: SourceMode
    status: GenerationStatus
    asked_at: datetime
    class_id: UUID | None
    lesson_unit_id: UUID | None
    private: bool


async def list_history(session: AsyncSession, user_id: UUID, class_id: UUID, *, limit: int = 10) -> list[PastAnswer]:
    """Return a person's last questions in a class with their answers, newest first."""
    question = aliased(ChatMessage)
    rows = await session.execute(
        _past(question)
        .where(Chat.app_user_id == user_id, Chat.class_id == class_id, question.deleted_at.is_(None))
        .order_by(question.created_at.desc())
        .limit(limit)
    )
    return [PastAnswer(*row) for row in rows]


async def own_answer(session: AsyncSession, user_id: UUID, answer_id: UUID) -> PastAnswer:
    """Return an answer that this person asked for. Raises `NotFound`."""
    question = aliased(ChatMessage)
    row = (
        await session.execute(_past(question).where(Chat.app_user_id == user_id, ChatMessage.id == answer_id))
    ).one_or_none()
    if row is None:
        raise NotFound("That answer is not one of yours.")
    return PastAnswer(*row)


async def request_stop(session: AsyncSession, user_id: UUID, answer_id: UUID) -> bool:
    """Ask whichever process writes an answer to stop; by who asked, or by a teacher of the class.

    Says whether it was still being written. Raises `NotFound` when it is none of theirs.
    """
    teaches = select(ClassMembership.class_id).where(
        ClassMembership.app_user_id == user_id,
        ClassMembership.role == MembershipRole.TEACHER,
        ClassMembership.deleted_at.is_(None),
    )
    allowed = await session.scalar(
        select(ChatMessage.id)
        .join(Chat, Chat.id == ChatMessage.chat_id)
        .where(
            ChatMessage.id == answer_id,
            ChatMessage.role == MessageRole.ASSISTANT,
            (Chat.app_user_id == user_id) | Chat.class_id.in_(teaches),
        )
    )
    if allowed is None:
        raise NotFound("That answer is not one of yours.")
    stopped = await session.scalar(
        update(ChatMessage)
        .where(ChatMessage.id == answer_id, ChatMessage.status == GenerationStatus.STREAMING)
        .values(stop_requested_at=func.now())
        .returning(ChatMessage.id)
    )
    return stopped is not None


async def request_stop_all(session: AsyncSession, user_id: UUID) -> bool:
    """Ask whichever processes write answers to this person's questions to stop; say whether there are any."""
    theirs = select(Chat.id).where(Chat.app_user_id == user_id)
    stopped = await session.scalars(
        update(ChatMessage)
        .where(ChatMessage.chat_id.in_(theirs), ChatMessage.status == GenerationStatus.STREAMING)
        .values(stop_requested_at=func.now())
        .returning(ChatMessage.id)
        .execution_options(synchronize_session=False)
    )
    return bool(stopped.all())


def _past(question: type[ChatMessage]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ChatMessage.id,
            question.text,
            ChatMessage.text,
            ChatMessage.source_mode,
            ChatMessage.status,
            question.created_at,
            Chat.class_id,
            Chat.lesson_unit_id,
            Chat.thread_id.is_(None),
        )
        .join(question, question.id == ChatMessage.answers_message_id)
        .join(Chat, Chat.id == ChatMessage.chat_id)
        .where(ChatMessage.role == MessageRole.ASSISTANT, ChatMessage.deleted_at.is_(None))
    )
