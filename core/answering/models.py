"""Tables: chats, their messages, and what an answer cites."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, Identified, native_enum
from core.enums import GenerationStatus, MessageRole, Platform, SourceMode


class Chat(Entity, Base):
    """A conversation of one person in one context.

    In private there is one per person, class, mode and lesson, whichever platform it is continued on; in a channel
    one per person and thread (`platform`, `channel_id`, `thread_id`). `class_id` is null where no class is meant.
    """

    __tablename__ = "chats"
    __table_args__ = (
        Index(
            "uq_chats_private",
            "app_user_id",
            "class_id",
            "source_mode",
            "lesson_unit_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("deleted_at IS NULL AND thread_id IS NULL"),
        ),
        Index(
            "uq_chats_thread",
            "app_user_id",
            "platform",
            "channel_id",
            "thread_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND thread_id IS NOT NULL"),
        ),
        Index("ix_chats_thread", "channel_id", "thread_id", postgresql_where=text("thread_id IS NOT NULL")),
        CheckConstraint("(source_mode = 'LESSON') <= (lesson_unit_id IS NOT NULL)", name="lesson_given"),
    )

    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"))
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("classes.id"), index=True)
    source_mode: Mapped[SourceMode] = mapped_column(native_enum(SourceMode, "source_mode"))
    lesson_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("lesson_units.id"))
    platform: Mapped[Platform | None] = mapped_column(native_enum(Platform, "platform"))
    channel_id: Mapped[str | None]
    thread_id: Mapped[str | None]


class ChatMessage(Entity, Base):
    """A question, or an answer as far as it is written. `lease_until` tells a writing process from a dead one.

    `inbox_event_id` is the event a question came in by, so that one which is served again does not stand here twice.
    """

    __tablename__ = "chat_messages"
    __table_args__ = (
        Index("ix_chat_messages_chat_id", "chat_id", "created_at"),
        Index("ix_chat_messages_streaming", "lease_until", postgresql_where=text("status = 'STREAMING'")),
        Index("ix_chat_messages_inbox_event_id", "inbox_event_id", postgresql_where=text("inbox_event_id IS NOT NULL")),
        CheckConstraint("(role = 'ASSISTANT') = (status IS NOT NULL)", name="answers_have_status"),
    )

    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chats.id"))
    role: Mapped[MessageRole] = mapped_column(native_enum(MessageRole, "message_role"))
    text: Mapped[str] = mapped_column(server_default="")
    answers_message_id: Mapped[UUID | None] = mapped_column(ForeignKey("chat_messages.id"), index=True)
    inbox_event_id: Mapped[UUID | None]
    source_mode: Mapped[SourceMode] = mapped_column(native_enum(SourceMode, "source_mode"))
    status: Mapped[GenerationStatus | None] = mapped_column(native_enum(GenerationStatus, "generation_status"))
    lease_until: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    grounded: Mapped[bool | None]
    model: Mapped[str | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    error_code: Mapped[str | None]
    error: Mapped[str | None]


class ChatMessageCitation(Identified, Base):
    """A numbered source of an answer, pinned to the passage: `quote` stands verbatim in the chunk's text."""

    __tablename__ = "chat_message_citations"
    __table_args__ = (UniqueConstraint("chat_message_id", "number"),)

    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    number: Mapped[int]
    chunk_id: Mapped[UUID] = mapped_column(ForeignKey("material_chunks.id"), index=True)
    quote: Mapped[str]
    score: Mapped[float]
