"""Table: the audit log, which a trigger keeps append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, native_enum
from core.enums import ActorKind


class AuditLog(Identified, Base):
    """One change of one thing: ids, states and grade values, no prose.

    `created_at` is when the row was written: of two that waited for each other, the later one is later.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("ix_audit_logs_entity", "entity_type", "entity_id", "created_at"),
        Index("ix_audit_logs_class_id", "class_id", "created_at"),
        Index("ix_audit_logs_actor_user_id", "actor_user_id", "created_at"),
    )

    actor_kind: Mapped[ActorKind] = mapped_column(native_enum(ActorKind, "actor_kind"))
    actor_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    surface: Mapped[str]
    request_id: Mapped[UUID]
    action: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[UUID]
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("classes.id"))
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), sort_order=90)
