"""Tables: the audit log, which nothing changes or removes.

Revision ID: audit
Revises: classes
"""

from alembic import op
from alembic.util import CommandError

revision = "audit"
down_revision = "classes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE actor_kind AS ENUM ('PERSON', 'SYSTEM', 'COMMAND_LINE')")

    op.execute(
        """
        CREATE TABLE audit_logs (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            actor_kind actor_kind NOT NULL,
            actor_user_id uuid,
            surface text NOT NULL,
            request_id uuid NOT NULL,
            action text NOT NULL,
            entity_type text NOT NULL,
            entity_id uuid NOT NULL,
            class_id uuid,
            details jsonb DEFAULT '{}' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_audit_logs PRIMARY KEY (id),
            CONSTRAINT fk_audit_logs_actor_user_id FOREIGN KEY (actor_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_audit_logs_class_id FOREIGN KEY (class_id) REFERENCES classes (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_audit_logs_actor_user_id ON audit_logs (actor_user_id, created_at)")

    op.execute("CREATE INDEX ix_audit_logs_class_id ON audit_logs (class_id, created_at)")

    op.execute("CREATE INDEX ix_audit_logs_entity ON audit_logs (entity_type, entity_id, created_at)")

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_update BEFORE UPDATE ON audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_update()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
