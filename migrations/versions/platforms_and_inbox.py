"""Tables: where classes meet, what platforms told us, what we posted, and what is to happen later.

Revision ID: platforms_and_inbox
Revises: admin
"""

from alembic import op
from alembic.util import CommandError

revision = "platforms_and_inbox"
down_revision = "admin"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE channel_purpose AS ENUM ('CLASS', 'TEACHERS')")

    op.execute("CREATE TYPE inbox_state AS ENUM ('RECEIVED', 'WORKING', 'DONE', 'FAILED')")

    op.execute("CREATE TYPE action_kind AS ENUM ('PUBLISH', 'RELEASE')")

    op.execute("CREATE TYPE action_state AS ENUM ('PENDING', 'DONE', 'FAILED', 'CANCELLED')")

    op.execute("CREATE TYPE notification_state AS ENUM ('PENDING', 'INTENDED', 'SENT', 'FAILED')")

    op.execute(
        """
        CREATE TABLE channel_bindings (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            workspace_id uuid NOT NULL,
            channel_id text NOT NULL,
            class_id uuid NOT NULL,
            lesson_unit_id uuid,
            purpose channel_purpose DEFAULT 'CLASS' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_channel_bindings PRIMARY KEY (id),
            CONSTRAINT fk_channel_bindings_workspace_id FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
            CONSTRAINT fk_channel_bindings_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_channel_bindings_lesson_unit_id FOREIGN KEY (lesson_unit_id) REFERENCES lesson_units (id),
            CONSTRAINT fk_channel_bindings_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_channel_bindings_class_id ON channel_bindings (class_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_channel_bindings_channel
            ON channel_bindings (workspace_id, channel_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON channel_bindings
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE inbox_events (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            platform platform NOT NULL,
            dedupe_key text NOT NULL,
            event jsonb NOT NULL,
            state inbox_state DEFAULT 'RECEIVED' NOT NULL,
            attempts integer DEFAULT '0' NOT NULL,
            lease_until timestamptz,
            error text,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_inbox_events PRIMARY KEY (id),
            CONSTRAINT uq_inbox_events_platform_dedupe_key UNIQUE (platform, dedupe_key)
        )
        """
    )

    op.execute(
        """
        CREATE INDEX ix_inbox_events_open
            ON inbox_events (lease_until)
            WHERE state IN ('RECEIVED', 'WORKING')
        """
    )

    op.execute(
        """
        CREATE TABLE message_deliveries (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_message_id uuid NOT NULL,
            platform platform NOT NULL,
            workspace_id uuid,
            channel_id text NOT NULL,
            part integer DEFAULT '0' NOT NULL,
            message_id text,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_message_deliveries PRIMARY KEY (id),
            CONSTRAINT uq_message_deliveries_chat_message_id_platform_channel_id_part UNIQUE (chat_message_id, platform, channel_id, part),
            CONSTRAINT fk_message_deliveries_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_message_deliveries_workspace_id FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
        )
        """
    )

    op.execute(
        """
        CREATE INDEX ix_message_deliveries_message
            ON message_deliveries (platform, channel_id, message_id)
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON message_deliveries
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE scheduled_actions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            kind action_kind NOT NULL,
            entity_type text NOT NULL,
            entity_id uuid NOT NULL,
            class_id uuid NOT NULL,
            due_at timestamptz NOT NULL,
            details jsonb DEFAULT '{}' NOT NULL,
            state action_state DEFAULT 'PENDING' NOT NULL,
            created_by_user_id uuid,
            done_at timestamptz,
            error text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_scheduled_actions PRIMARY KEY (id),
            CONSTRAINT fk_scheduled_actions_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_scheduled_actions_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_scheduled_actions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_scheduled_actions_class_id ON scheduled_actions (class_id)")

    op.execute("CREATE INDEX ix_scheduled_actions_due ON scheduled_actions (due_at) WHERE state = 'PENDING'")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_scheduled_actions_pending
            ON scheduled_actions (kind, entity_type, entity_id)
            WHERE state = 'PENDING' AND deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON scheduled_actions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE notifications (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            dedupe_key text NOT NULL,
            app_user_id uuid,
            class_id uuid,
            kind text NOT NULL,
            details jsonb DEFAULT '{}' NOT NULL,
            state notification_state DEFAULT 'PENDING' NOT NULL,
            state_changed_at timestamptz DEFAULT now() NOT NULL,
            platform platform,
            message_id text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_notifications PRIMARY KEY (id),
            CONSTRAINT fk_notifications_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_notifications_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_notifications_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_notifications_app_user_id ON notifications (app_user_id)")

    op.execute(
        """
        CREATE INDEX ix_notifications_open
            ON notifications (state)
            WHERE state IN ('PENDING', 'INTENDED')
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_notifications_dedupe_key
            ON notifications (dedupe_key)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON notifications
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
