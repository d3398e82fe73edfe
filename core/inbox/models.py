"""Tables: what platforms told us, what we posted, what is to happen later, and who is to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, Identified, native_enum, unique_while_live
from core.enums import ActionKind, ActionState, InboxState, NotificationState, Platform


class InboxEvent(Identified, Base):
    """A platform's event, once. Rows go when they are done and old: this is no entity.

    `event` is emptied when it is done. With `waits_until` it is not served yet: its sender has to say who they are, or
    which class they mean. `sender` is workspace and user, for those.
    """

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("platform", "dedupe_key"),
        Index("ix_inbox_events_open", "lease_until", postgresql_where=text("state IN ('RECEIVED', 'WORKING')")),
        Index("ix_inbox_events_waiting", "platform", "sender", postgresql_where=text("waits_until IS NOT NULL")),
    )

    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "platform"))
    dedupe_key: Mapped[str]
    event: Mapped[dict[str, Any]]
    route: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    sender: Mapped[str] = mapped_column(server_default="")
    waits_until: Mapped[datetime | None]
    state: Mapped[InboxState] = mapped_column(
        native_enum(InboxState, "inbox_state"), server_default=InboxState.RECEIVED.value
    )
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None]


class MessageDelivery(Identified, Base):
    """One part of an answer as posted on a platform; `message_id` is null between the intent and the post.

    A question that was asked by a message has a row too, which is that message.
    """

    __tablename__ = "message_deliveries"
    __table_args__ = (
        UniqueConstraint("chat_message_id", "platform", "channel_id", "part"),
        Index("ix_message_deliveries_message", "platform", "channel_id", "message_id"),
        Index("ix_message_deliveries_thread", "platform", "channel_id", "thread_id"),
    )

    chat_message_id: Mapped[UUID] = mapped_column(ForeignKey("chat_messages.id"))
    platform: Mapped[Platform] = mapped_column(native_enum(Platform, "platform"))
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    channel_id: Mapped[str]
    thread_id: Mapped[str | None]
    part: Mapped[int] = mapped_column(server_default="0")
    message_id: Mapped[str | None]


class ScheduledAction(Entity, Base):
    """Something that is to happen at a time, once, with any number of clocks.

    Those of one `batch_id` happen together or not at all. One that failed stays PENDING with its `error` and is tried
    again at `retry_at`. `details` says `queued` of what waits for its text to be processed, and for no moment.
    """

    __tablename__ = "scheduled_actions"
    __table_args__ = (
        Index("ix_scheduled_actions_due", "due_at", postgresql_where=text("state = 'PENDING'")),
        Index(
            "uq_scheduled_actions_pending",
            "kind",
            "entity_type",
            "entity_id",
            unique=True,
            postgresql_where=text("state = 'PENDING' AND deleted_at IS NULL"),
        ),
        Index("ix_scheduled_actions_batch_id", "batch_id", postgresql_where=text("batch_id IS NOT NULL")),
    )

    kind: Mapped[ActionKind] = mapped_column(native_enum(ActionKind, "action_kind"))
    entity_type: Mapped[str]
    entity_id: Mapped[UUID]
    class_id: Mapped[UUID] = mapped_column(ForeignKey("classes.id"), index=True)
    due_at: Mapped[datetime]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    state: Mapped[ActionState] = mapped_column(
        native_enum(ActionState, "action_state"), server_default=ActionState.PENDING.value
    )
    created_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    done_at: Mapped[datetime | None]
    error: Mapped[str | None]
    batch_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]


class Notification(Entity, Base):
    """Something one person, or one channel, is to be told once."""

    __tablename__ = "notifications"
    __table_args__ = (
        unique_while_live("uq_notifications_dedupe_key", "dedupe_key"),
        Index("ix_notifications_open", "state", postgresql_where=text("state IN ('PENDING', 'INTENDED')")),
        Index("ix_notifications_unreached", "class_id", postgresql_where=text("state = 'FAILED'")),
    )

    dedupe_key: Mapped[str]
    app_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"), index=True)
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("classes.id"))
    kind: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    state: Mapped[NotificationState] = mapped_column(
        native_enum(NotificationState, "notification_state"), server_default=NotificationState.PENDING.value
    )
    state_changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    platform: Mapped[Platform | None] = mapped_column(native_enum(Platform, "platform"))
    message_id: Mapped[str | None]
