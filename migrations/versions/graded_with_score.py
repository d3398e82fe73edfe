"""Constraints: who is graded has a score, in the draft and in what students see.

Revision ID: graded_with_score
Revises: reminders
"""

from alembic import op

revision = "graded_with_score"
down_revision = "reminders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nobody could save such a row with Homeroom, which reads one as not graded; so that is what it becomes.
    op.execute(
        """
        WITH repaired AS (
            UPDATE assignment_grade_rows SET
                released_at = NULL, released_by_user_id = NULL, published_status = NULL, published_feedback = NULL,
                published_points = NULL, published_weight = NULL
            WHERE published_status = 'GRADED' AND published_score IS NULL
            RETURNING id
        )
        INSERT INTO audit_logs (actor_kind, surface, request_id, action, entity_type, entity_id)
        SELECT 'SYSTEM', 'migration', gen_random_uuid(), 'grade.retract', 'grade', id FROM repaired
        """
    )
    op.execute(
        """
        WITH repaired AS (
            UPDATE assignment_grade_rows SET draft_status = 'UNGRADED', version = version + 1
            WHERE draft_status = 'GRADED' AND draft_score IS NULL
            RETURNING id
        )
        INSERT INTO audit_logs (actor_kind, surface, request_id, action, entity_type, entity_id, details)
        SELECT 'SYSTEM', 'migration', gen_random_uuid(), 'grade.save', 'grade', id,
            '{"before": "graded", "after": "ungraded"}'
        FROM repaired
        """
    )
    op.execute(
        """
        ALTER TABLE assignment_grade_rows
            ADD CONSTRAINT ck_assignment_grade_rows_draft_graded_with_score
                CHECK (draft_status <> 'GRADED' OR draft_score IS NOT NULL),
            ADD CONSTRAINT ck_assignment_grade_rows_published_graded_with_score
                CHECK (published_status <> 'GRADED' OR published_score IS NOT NULL)
        """
    )
