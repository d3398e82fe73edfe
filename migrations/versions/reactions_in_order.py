"""Columns: on which post a reaction stands and when the platform last changed it, and when a reason was asked for.

Revision ID: reactions_in_order
Revises: routes_and_waiting
"""

from alembic import op

revision = "reactions_in_order"
down_revision = "routes_and_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE message_reactions
            ADD COLUMN message_id text DEFAULT '' NOT NULL,
            ADD COLUMN changed_at timestamptz DEFAULT now() NOT NULL
        """
    )
    op.execute("UPDATE message_reactions SET changed_at = greatest(created_at, deleted_at)")
    op.execute("DROP INDEX uq_message_reactions_one")
    op.execute(
        """
        CREATE UNIQUE INDEX uq_message_reactions_one
            ON message_reactions (chat_message_id, app_user_id, platform, message_id, emoji)
            WHERE deleted_at IS NULL
        """
    )

    op.execute("ALTER TABLE chat_message_feedback ADD COLUMN reason_asked_at timestamptz")
