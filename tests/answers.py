"""Questions with their answers, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import Chat, ChatMessage
from core.enums import GenerationStatus, MessageRole, Platform, SourceMode
from tests import factories as make


@dataclass(frozen=True, slots=True)
class Told:
    """Who asked, the question and its answer."""

    user_id: UUID
    question_id: UUID
    answer_id: UUID


async def tell(
    session: AsyncSession,
    *,
    user_id: UUID | None = None,
    class_id: UUID | None = None,
    chat_id: UUID | None = None,
    thread: str | None = None,
    question: str = "Why does the Moon wane?",
    answer: str = "It circles the Earth.",
    status: GenerationStatus = GenerationStatus.COMPLETED,
) -> Told:
    """Store a question and its answer, in a new chat unless one is named; in private unless a thread is."""
    user_id = user_id or (await make.person(session)).id
    if chat_id is None:
        place = {"platform": Platform.SLACK, "channel_id": "C1", "thread_id": thread} if thread else {}
        chat = Chat(app_user_id=user_id, class_id=class_id, source_mode=SourceMode.CLASS, **place)
        chat_id = (await make.add(session, chat)).id
    common = {"chat_id": chat_id, "source_mode": SourceMode.CLASS}
    asked = await make.add(
        session, ChatMessage(role=MessageRole.USER, text=question, created_at=func.clock_timestamp(), **common)
    )
    told = await make.add(
        session,
        ChatMessage(
            role=MessageRole.ASSISTANT,
            text=answer,
            status=status,
            answers_message_id=asked.id,
            created_at=func.clock_timestamp(),
            **common,
        ),
    )
    return Told(user_id, asked.id, told.id)
