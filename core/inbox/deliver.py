"""Which platform message shows which part of which answer: stored before it is posted, completed after."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import ChatMessage
from core.db import Sessions, autocommit
from core.enums import MessageRole, Platform
from core.inbox.models import MessageDelivery
from core.ports import Post

_INTEND = text(
    """
    INSERT INTO message_deliveries (chat_message_id, platform, workspace_id, channel_id, thread_id, part, message_id)
    VALUES (
        :chat_message_id, CAST(:platform AS platform),
        (
            SELECT id FROM workspaces
            WHERE platform = CAST(:platform AS platform) AND external_id = :workspace AND deleted_at IS NULL
        ),
        :channel_id, :thread_id, :part, :message_id
    )
    ON CONFLICT (chat_message_id, platform, channel_id, part)
    DO UPDATE SET thread_id = excluded.thread_id, message_id = excluded.message_id
    """
)
_NOTE = text(
    """
    UPDATE message_deliveries SET message_id = :message_id, thread_id = coalesce(:thread_id, thread_id)
    WHERE chat_message_id = :chat_message_id AND platform = CAST(:platform AS platform) AND channel_id = :channel_id
        AND part = :part
    """
)


# An answer outside of any thread of the class's is for one person: the thread it was posted in is theirs.
_PRIVATE_THREAD = text(
    """
    SELECT d.thread_id
    FROM workspaces w
    JOIN workspace_identities i ON i.workspace_id = w.id AND i.deleted_at IS NULL
    JOIN chats c ON c.app_user_id = i.app_user_id AND c.thread_id IS NULL
    JOIN chat_messages m ON m.chat_id = c.id AND m.role = 'ASSISTANT'
    JOIN message_deliveries d ON d.chat_message_id = m.id AND d.workspace_id = w.id
    WHERE w.platform = CAST(:platform AS platform) AND w.external_id = :workspace AND w.deleted_at IS NULL
        AND i.platform_user_id = :user AND d.channel_id = :channel_id AND d.thread_id IS NOT NULL
    ORDER BY d.created_at DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Notes where a platform's workspace shows answers."""

    sessions: Sessions
    platform: Platform
    workspace: str

    async def intend(
        self, message_id: UUID, channel_id: str, thread_id: str | None, part: int = 0, *, posted: str | None = None
    ) -> None:
        """Note that part `part` of a message is about to be posted, or that it stands as the post `posted` already."""
        values = {
            "chat_message_id": message_id,
            "platform": self.platform.value,
            "workspace": self.workspace,
            "channel_id": channel_id,
            "thread_id": thread_id,
            "part": part,
            "message_id": posted,
        }
        async with autocommit(self.sessions) as session:
            await session.execute(_INTEND, values)

    async def note(
        self, message_id: UUID, channel_id: str, part: int, posted: str, *, thread_id: str | None = None
    ) -> None:
        """Note the platform's id of what was posted, and the thread where that became known only now."""
        values = {
            "chat_message_id": message_id,
            "platform": self.platform.value,
            "channel_id": channel_id,
            "part": part,
            "message_id": posted,
            "thread_id": thread_id,
        }
        async with autocommit(self.sessions) as session:
            await session.execute(_NOTE, values)


async def answer_shown(session: AsyncSession, platform: Platform, channel_id: str, message_id: str) -> UUID | None:
    """Return the answer that a platform's message shows a part of, or None."""
    return await _shown(session, platform, channel_id, message_id, MessageRole.ASSISTANT)


async def question_shown(session: AsyncSession, platform: Platform, channel_id: str, message_id: str) -> UUID | None:
    """Return the question that a platform's message is, or None."""
    return await _shown(session, platform, channel_id, message_id, MessageRole.USER)


async def _shown(
    session: AsyncSession, platform: Platform, channel_id: str, message_id: str, role: MessageRole
) -> UUID | None:
    return await session.scalar(
        select(MessageDelivery.chat_message_id)
        .join(ChatMessage, ChatMessage.id == MessageDelivery.chat_message_id)
        .where(
            MessageDelivery.platform == platform,
            MessageDelivery.channel_id == channel_id,
            MessageDelivery.message_id == message_id,
            ChatMessage.role == role,
        )
    )


async def private_thread(
    session: AsyncSession, platform: Platform, workspace: str, user: str, channel_id: str
) -> str | None:
    """Return the thread of a channel in which somebody was last answered alone, or None."""
    thread: str | None = await session.scalar(
        _PRIVATE_THREAD,
        {"platform": platform.value, "workspace": workspace, "user": user, "channel_id": channel_id},
    )
    return thread


async def posts_of_event(session: AsyncSession, inbox_event_id: UUID) -> list[Post]:
    """Return what was posted, or was about to be, for the question that an event brought."""
    question = select(ChatMessage.id).where(ChatMessage.inbox_event_id == inbox_event_id)
    rows = await session.execute(
        select(
            MessageDelivery.chat_message_id,
            MessageDelivery.channel_id,
            MessageDelivery.message_id,
            MessageDelivery.thread_id,
        )
        .join(ChatMessage, ChatMessage.id == MessageDelivery.chat_message_id)
        .where(ChatMessage.answers_message_id.in_(question), ChatMessage.deleted_at.is_(None))
        .order_by(MessageDelivery.chat_message_id, MessageDelivery.part)
    )
    return [Post(*row) for row in rows]
