"""Tables: what people think of an answer, and calls for a teacher."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, native_enum, unique_while_live
from core.enums import EscalationState, FeedbackReason, FeedbackValue, Platform


class MessageReaction(Entity, Base):
    """A reaction that stands on an answer, or (deleted) stood, or was taken off before it came. Feedback is derived.

    `message_id` is the platform's message it stands on, of the several that may show one answer; empty where the
    answer itself is meant. `changed_at` is the platform's time of its last change.
    """

    __tablename__ = "message_reactions"
    __table_args__ = (
        unique_while_live(
            "uq_message_reactions_one", "chat_message_id", "app_user_id", "platform", "message_id", "emoji"
        ),
    )

    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "platform"))
    message_id: Mapped[str] = mapped_column(server_default="")
    emoji: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ChatMessageFeedback(Entity, Base):
    """One person's verdict on one answer. `reason_asked_at`: they were offered, once, to say why not."""

    __tablename__ = "chat_message_feedback"
    __table_args__ = (unique_while_live("uq_chat_message_feedback_one", "chat_message_id", "app_user_id"),)

    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    app_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    value: Mapped[FeedbackValue] = mapped_column(native_enum(FeedbackValue, "feedback_value"))
    reason: Mapped[FeedbackReason | None] = mapped_column(native_enum(FeedbackReason, "feedback_reason"))
    reason_asked_at: Mapped[datetime | None]


class AnswerEndorsement(Entity, Base):
    """A teacher stands behind an answer."""

    __tablename__ = "answer_endorsements"
    __table_args__ = (unique_while_live("uq_answer_endorsements_one", "chat_message_id", "teacher_user_id"),)

    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    teacher_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)


class Escalation(Entity, Base):
    """A question that needs a teacher."""

    __tablename__ = "escalations"
    __table_args__ = (unique_while_live("uq_escalations_message", "chat_message_id"),)

    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"), index=True)
    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    asked_by_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"))
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("escalations.id"))
    state: Mapped[EscalationState] = mapped_column(
        native_enum(EscalationState, "escalation_state"), server_default=EscalationState.OPEN.value
    )
    claimed_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    claimed_at: Mapped[datetime | None]
    resolved_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    resolved_at: Mapped[datetime | None]
    reply: Mapped[str | None]
