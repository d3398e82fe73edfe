"""Tables: classes, and who is in them.

Revision ID: classes
Revises: people
"""

from alembic import op
from alembic.util import CommandError

revision = "classes"
down_revision = "people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE membership_role AS ENUM ('STUDENT', 'TEACHER')")

    op.execute(
        """
        CREATE TABLE classes (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            code citext NOT NULL,
            title text NOT NULL,
            description text DEFAULT '' NOT NULL,
            language text DEFAULT 'english' NOT NULL,
            time_zone text DEFAULT 'UTC' NOT NULL,
            settings jsonb DEFAULT '{}' NOT NULL,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_classes PRIMARY KEY (id),
            CONSTRAINT fk_classes_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_classes_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE UNIQUE INDEX uq_classes_code ON classes (code) WHERE deleted_at IS NULL")

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON classes
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE class_memberships (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            class_id uuid NOT NULL,
            app_user_id uuid NOT NULL,
            role membership_role NOT NULL,
            section text DEFAULT '' NOT NULL,
            lms_user_id text,
            sis_user_id text,
            login_id text,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_class_memberships PRIMARY KEY (id),
            CONSTRAINT fk_class_memberships_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_class_memberships_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_class_memberships_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_class_memberships_app_user_id ON class_memberships (app_user_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_class_memberships_class_user
            ON class_memberships (class_id, app_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON class_memberships
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE class_workspaces (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            class_id uuid NOT NULL,
            workspace_id uuid NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_class_workspaces PRIMARY KEY (id),
            CONSTRAINT fk_class_workspaces_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_class_workspaces_workspace_id FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
            CONSTRAINT fk_class_workspaces_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_class_workspaces_workspace_id ON class_workspaces (workspace_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_class_workspaces_class_workspace
            ON class_workspaces (class_id, workspace_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON class_workspaces
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
