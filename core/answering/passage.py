"""What stands behind a number of an answer: its passage, for those whom the answer was shown to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import Chat, ChatMessage, ChatMessageCitation
from core.errors import NotFound
from core.materials.source_page import GONE, open_passage


@dataclass(frozen=True, slots=True)
class Passage:
    """A cited passage. `quote` stands verbatim in `text`; `replaced`: there is a newer version of the material.

    `chunk_id` and `class_id`, with the answer's id, are what a link to its source page is made of.
    """

    number: int
    title: str
    place: str
    text: str
    quote: str
    replaced: bool
    chunk_id: UUID
    class_id: UUID


async def show_passage(session: AsyncSession, user_id: UUID, answer_id: UUID, number: int) -> Passage:
    """Return the passage that an answer cites under a number.

    An answer in private is shown to who asked, one in a thread to the members of its class, and its sources only while
    students see the material. Raises `NotFound`, with a sentence for the person.
    """
    row = (
        await session.execute(
            select(ChatMessageCitation.chunk_id, ChatMessageCitation.quote, Chat.class_id)
            .join(ChatMessage, ChatMessage.id == ChatMessageCitation.chat_message_id)
            .join(Chat, Chat.id == ChatMessage.chat_id)
            .where(
                ChatMessage.id == answer_id,
                ChatMessageCitation.number == number,
                ChatMessage.deleted_at.is_(None),
                Chat.deleted_at.is_(None),
                Chat.thread_id.is_not(None) | (Chat.app_user_id == user_id),
            )
        )
    ).one_or_none()
    if row is None:
        raise NotFound("That answer has no such source.")
    passage = await open_passage(session, user_id, row.chunk_id)
    if passage.class_id != row.class_id:
        raise NotFound(GONE)
    return Passage(
        number=number,
        title=passage.title,
        place=passage.place,
        text=passage.text,
        quote=row.quote,
        replaced=passage.replaced,
        chunk_id=passage.chunk_id,
        class_id=passage.class_id,
    )
