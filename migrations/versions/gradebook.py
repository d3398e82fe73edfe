"""Column and view: what a gradebook file calls an assignment, and who may hand in until when.

Revision ID: gradebook
Revises: schedules
"""

from alembic import op
from alembic.util import CommandError

revision = "gradebook"
down_revision = "schedules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE assignments ADD COLUMN lms_assignment_id text")

    op.execute(
        """
        CREATE VIEW published_extensions WITH (security_invoker = true) AS
        SELECT a.class_id, g.assignment_id, g.student_user_id, g.extension_due_at AS due_at
        FROM assignment_grade_rows g
        JOIN published_assignments a ON a.id = g.assignment_id
        JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = g.student_user_id
            AND s.role = 'STUDENT' AND s.deleted_at IS NULL
        WHERE g.deleted_at IS NULL AND g.extension_due_at IS NOT NULL
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
