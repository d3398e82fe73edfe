"""Columns: which scheduled actions go together, how often one was tried, and when it is tried again; unpublishing.

Revision ID: schedules
Revises: reactions_in_order
"""

from alembic import op

revision = "schedules"
down_revision = "reactions_in_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TYPE action_kind ADD VALUE 'UNPUBLISH'")
    op.execute(
        """
        ALTER TABLE scheduled_actions
            ADD COLUMN batch_id uuid,
            ADD COLUMN attempts integer DEFAULT '0' NOT NULL,
            ADD COLUMN retry_at timestamptz
        """
    )
    op.execute(
        """
        CREATE INDEX ix_scheduled_actions_batch_id
            ON scheduled_actions (batch_id)
            WHERE batch_id IS NOT NULL
        """
    )
    # Until now a thing could only wait for its text.
    op.execute("""UPDATE scheduled_actions SET details = '{"queued": true}' WHERE state = 'PENDING'""")
