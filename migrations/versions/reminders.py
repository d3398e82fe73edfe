"""Column: whether somebody is reminded before their work is due.

Revision ID: reminders
Revises: gradebook
"""

from alembic import op

revision = "reminders"
down_revision = "gradebook"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE app_users ADD COLUMN wants_reminders boolean DEFAULT true NOT NULL")
