"""Index: the notifications that reached nobody, which a teacher's home page looks for.

Revision ID: unreached
Revises: graded_with_score
"""

from alembic import op

revision = "unreached"
down_revision = "graded_with_score"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_notifications_unreached ON notifications (class_id) WHERE state = 'FAILED'")
