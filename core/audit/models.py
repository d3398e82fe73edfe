"""Table: the audit log, which a trigger keeps append-only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, native_enum
from core.enums import ActorKind


class AuditLog(Identified, Base):
    """One change of one thing: ids, states and grade values, no prose."""

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
