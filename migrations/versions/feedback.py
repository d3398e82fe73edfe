"""Tables: what people think of an answer, and calls for a teacher.

Revision ID: feedback
Revises: chats
"""

from alembic import op
from alembic.util import CommandError

revision = "feedback"
down_revision = "chats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE feedback_value AS ENUM ('UP', 'DOWN')")

    op.execute("CREATE TYPE feedback_reason AS ENUM ('WRONG', 'UNCLEAR', 'NOT_IN_MATERIAL', 'TOO_MUCH')")

    op.execute("CREATE TYPE escalation_state AS ENUM ('OPEN', 'CLAIMED', 'RESOLVED')")

    op.execute(
        """
        CREATE TABLE chat_message_feedback (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_message_id uuid NOT NULL,
            app_user_id uuid NOT NULL,
            value feedback_value NOT NULL,
            reason feedback_reason,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_chat_message_feedback PRIMARY KEY (id),
            CONSTRAINT fk_chat_message_feedback_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_chat_message_feedback_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_chat_message_feedback_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_chat_message_feedback_app_user_id ON chat_message_feedback (app_user_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_chat_message_feedback_one
            ON chat_message_feedback (chat_message_id, app_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON chat_message_feedback
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE message_reactions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_message_id uuid NOT NULL,
            app_user_id uuid NOT NULL,
            platform platform NOT NULL,
            emoji text NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_message_reactions PRIMARY KEY (id),
            CONSTRAINT fk_message_reactions_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_message_reactions_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_message_reactions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_message_reactions_app_user_id ON message_reactions (app_user_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_message_reactions_one
            ON message_reactions (chat_message_id, app_user_id, platform, emoji)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON message_reactions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE answer_endorsements (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_message_id uuid NOT NULL,
            teacher_user_id uuid NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_answer_endorsements PRIMARY KEY (id),
            CONSTRAINT fk_answer_endorsements_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_answer_endorsements_teacher_user_id FOREIGN KEY (teacher_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_answer_endorsements_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_answer_endorsements_teacher_user_id ON answer_endorsements (teacher_user_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_answer_endorsements_one
            ON answer_endorsements (chat_message_id, teacher_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON answer_endorsements
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE escalations (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            class_id uuid NOT NULL,
            chat_message_id uuid NOT NULL,
            asked_by_user_id uuid NOT NULL,
            merged_into_id uuid,
            state escalation_state DEFAULT 'OPEN' NOT NULL,
            claimed_by_user_id uuid,
            claimed_at timestamptz,
            resolved_by_user_id uuid,
            resolved_at timestamptz,
            reply text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_escalations PRIMARY KEY (id),
            CONSTRAINT fk_escalations_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_escalations_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_escalations_asked_by_user_id FOREIGN KEY (asked_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_escalations_merged_into_id FOREIGN KEY (merged_into_id) REFERENCES escalations (id),
            CONSTRAINT fk_escalations_claimed_by_user_id FOREIGN KEY (claimed_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_escalations_resolved_by_user_id FOREIGN KEY (resolved_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_escalations_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_escalations_class_id ON escalations (class_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_escalations_message
            ON escalations (chat_message_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON escalations
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
