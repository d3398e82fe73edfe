"""Tables: assignments with their revisions, and what students hand in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.content.revisions import Revision, Root, revision_constraints, root_constraints
from core.db import Base, Entity, native_enum, unique_while_live
from core.enums import AiPolicy


class Assignment(Root, Base):
    """A piece of work, of a lesson, of a module or of the whole class.

    `lms_assignment_id` is what the school's LMS calls it in its gradebook files.
    """

    __tablename__ = "assignments"
    __table_args__ = root_constraints(
        "assignments",
        "assignment_revisions",
        "assignment_id",
        CheckConstraint("num_nonnulls(module_id, lesson_unit_id) <= 1", name="one_parent"),
    )
    revision_table = "assignment_revisions"

    module_id: Mapped[UUID | None] = mapped_column(ForeignKey("modules.id"), index=True)
    lesson_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("lesson_units.id"), index=True)
    lms_assignment_id: Mapped[str | None]


class AssignmentRevision(Revision, Base):
    """What an assignment asks, what it is worth, when it is due, and how far the bot may help with it."""

    __tablename__ = "assignment_revisions"
    __table_args__ = revision_constraints(
        "assignment_revisions",
        "assignment_id",
        CheckConstraint("points >= 0", name="points_not_negative"),
        CheckConstraint("weight >= 0", name="weight_not_negative"),
    )
    root_key = "assignment_id"
    content_columns = ("title", "instructions", "points", "weight", "opens_at", "due_at", "closes_at", "ai_policy")

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    instructions: Mapped[str] = mapped_column(server_default="")
    points: Mapped[Decimal] = mapped_column(Numeric(9, 2), server_default="100")
    weight: Mapped[Decimal] = mapped_column(Numeric(9, 4), server_default="1")
    opens_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    ai_policy: Mapped[AiPolicy] = mapped_column(native_enum(AiPolicy, "ai_policy"), server_default=AiPolicy.HINTS.value)


class AssignmentSubmission(Entity, Base):
    """One attempt of one student. Files are `[{storage_key, filename, media_type, byte_size}]`."""

    __tablename__ = "assignment_submissions"
    __table_args__ = (
        unique_while_live("uq_assignment_submissions_attempt", "assignment_id", "student_user_id", "attempt"),
    )

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    assignment_revision_id: Mapped[UUID] = mapped_column(ForeignKey("assignment_revisions.id"))
    student_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    attempt: Mapped[int]
    body: Mapped[str] = mapped_column(server_default="")
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    late: Mapped[bool] = mapped_column(server_default=text("false"))
