"""Table: grades, draft and published side by side on one row (principle 2)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Entity, native_enum, unique_while_live
from core.enums import GradeStatus


class AssignmentGradeRow(Entity, Base):
    """One student's grade for one assignment.

    Saving touches `draft_…` columns only; releasing copies them to `published_…`, together with the points and
    weight of that moment. `version` counts the changes of the draft, for two teachers at once.
    """

    __tablename__ = "assignment_grade_rows"
    __table_args__ = (
        unique_while_live("uq_assignment_grade_rows_pair", "assignment_id", "student_user_id"),
        CheckConstraint("draft_score >= 0", name="draft_score_not_negative"),
        CheckConstraint("published_score >= 0", name="published_score_not_negative"),
        CheckConstraint("(released_at IS NULL) = (published_status IS NULL)", name="published_whole"),
        CheckConstraint(
            "released_at IS NOT NULL"
            " OR num_nonnulls(published_score, published_feedback, published_points, published_weight) = 0",
            name="unreleased_empty",
        ),
        CheckConstraint("draft_status <> 'GRADED' OR draft_score IS NOT NULL", name="draft_graded_with_score"),
        CheckConstraint(
            "published_status <> 'GRADED' OR published_score IS NOT NULL", name="published_graded_with_score"
        ),
    )

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    student_user_id: Mapped[UUID] = mapped_column(ForeignKey("app_users.id"), index=True)
    version: Mapped[int] = mapped_column(server_default="1")
    draft_score: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    draft_feedback: Mapped[str] = mapped_column(server_default="")
    draft_status: Mapped[GradeStatus] = mapped_column(
        native_enum(GradeStatus, "grade_status"), server_default=GradeStatus.UNGRADED.value
    )
    draft_updated_at: Mapped[datetime | None]
    draft_updated_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    published_score: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    published_feedback: Mapped[str | None]
    published_status: Mapped[GradeStatus | None] = mapped_column(native_enum(GradeStatus, "grade_status"))
    published_points: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    published_weight: Mapped[Decimal | None] = mapped_column(Numeric(9, 4))
    released_at: Mapped[datetime | None]
    released_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_users.id"))
    graded_submission_id: Mapped[UUID | None] = mapped_column(ForeignKey("assignment_submissions.id"))
    extension_due_at: Mapped[datetime | None]
