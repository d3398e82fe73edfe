"""Columns: how an event is answered later, who it waits for, threads of posts, the chosen class, when a role rose.

Revision ID: routes_and_waiting
Revises: lock_down
"""

from alembic import op

revision = "routes_and_waiting"
down_revision = "lock_down"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE inbox_events
            ADD COLUMN route jsonb DEFAULT '{}' NOT NULL,
            ADD COLUMN sender text DEFAULT '' NOT NULL,
            ADD COLUMN waits_until timestamptz
        """
    )
    op.execute("CREATE INDEX ix_inbox_events_waiting ON inbox_events (platform, sender) WHERE waits_until IS NOT NULL")

    op.execute("ALTER TABLE message_deliveries ADD COLUMN thread_id text")
    op.execute("CREATE INDEX ix_message_deliveries_thread ON message_deliveries (platform, channel_id, thread_id)")

    op.execute("ALTER TABLE chat_messages ADD COLUMN inbox_event_id uuid")
    op.execute(
        """
        CREATE INDEX ix_chat_messages_inbox_event_id
            ON chat_messages (inbox_event_id)
            WHERE inbox_event_id IS NOT NULL
        """
    )

    op.execute(
        """
        ALTER TABLE workspace_identities
            ADD COLUMN class_id uuid,
            ADD CONSTRAINT fk_workspace_identities_class_id FOREIGN KEY (class_id) REFERENCES classes (id)
        """
    )

    op.execute("ALTER TABLE app_users ADD COLUMN raised_at timestamptz")
