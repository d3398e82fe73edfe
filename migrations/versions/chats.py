"""Tables: chats, their messages, and what an answer cites.

Revision ID: chats
Revises: grades
"""

from alembic import op
from alembic.util import CommandError

revision = "chats"
down_revision = "grades"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE source_mode AS ENUM ('LESSON', 'CLASS', 'GENERAL')")

    op.execute("CREATE TYPE message_role AS ENUM ('USER', 'ASSISTANT')")

    op.execute("CREATE TYPE generation_status AS ENUM ('STREAMING', 'COMPLETED', 'STOPPED', 'FAILED')")

    op.execute(
        """
        CREATE TABLE chats (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            app_user_id uuid NOT NULL,
            class_id uuid,
            source_mode source_mode NOT NULL,
            lesson_unit_id uuid,
            platform platform,
            channel_id text,
            thread_id text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_chats PRIMARY KEY (id),
            CONSTRAINT ck_chats_lesson_given CHECK ((source_mode = 'LESSON') <= (lesson_unit_id IS NOT NULL)),
            CONSTRAINT fk_chats_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_chats_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_chats_lesson_unit_id FOREIGN KEY (lesson_unit_id) REFERENCES lesson_units (id),
            CONSTRAINT fk_chats_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_chats_class_id ON chats (class_id)")

    op.execute("CREATE INDEX ix_chats_thread ON chats (channel_id, thread_id) WHERE thread_id IS NOT NULL")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_chats_private
            ON chats (app_user_id, class_id, source_mode, lesson_unit_id) NULLS NOT DISTINCT
            WHERE deleted_at IS NULL AND thread_id IS NULL
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_chats_thread
            ON chats (app_user_id, platform, channel_id, thread_id)
            WHERE deleted_at IS NULL AND thread_id IS NOT NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON chats
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE chat_messages (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_id uuid NOT NULL,
            role message_role NOT NULL,
            text text DEFAULT '' NOT NULL,
            answers_message_id uuid,
            source_mode source_mode NOT NULL,
            status generation_status,
            lease_until timestamptz,
            stop_requested_at timestamptz,
            completed_at timestamptz,
            grounded boolean,
            model text,
            prompt_tokens integer,
            completion_tokens integer,
            error_code text,
            error text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_chat_messages PRIMARY KEY (id),
            CONSTRAINT ck_chat_messages_answers_have_status CHECK ((role = 'ASSISTANT') = (status IS NOT NULL)),
            CONSTRAINT fk_chat_messages_chat_id FOREIGN KEY (chat_id) REFERENCES chats (id),
            CONSTRAINT fk_chat_messages_answers_message_id FOREIGN KEY (answers_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_chat_messages_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_chat_messages_answers_message_id ON chat_messages (answers_message_id)")

    op.execute("CREATE INDEX ix_chat_messages_chat_id ON chat_messages (chat_id, created_at)")

    op.execute(
        """
        CREATE INDEX ix_chat_messages_streaming
            ON chat_messages (lease_until)
            WHERE status = 'STREAMING'
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON chat_messages
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE chat_message_citations (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            chat_message_id uuid NOT NULL,
            number integer NOT NULL,
            chunk_id uuid NOT NULL,
            quote text NOT NULL,
            score double precision NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_chat_message_citations PRIMARY KEY (id),
            CONSTRAINT uq_chat_message_citations_chat_message_id_number UNIQUE (chat_message_id, number),
            CONSTRAINT fk_chat_message_citations_chat_message_id FOREIGN KEY (chat_message_id) REFERENCES chat_messages (id),
            CONSTRAINT fk_chat_message_citations_chunk_id FOREIGN KEY (chunk_id) REFERENCES material_chunks (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_chat_message_citations_chunk_id ON chat_message_citations (chunk_id)")

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON chat_message_citations
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_update BEFORE UPDATE ON chat_message_citations
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_update()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
