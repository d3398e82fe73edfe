"""Tables: people, and who they are on each platform.

Revision ID: people
Revises: principles
"""

from alembic import op
from alembic.util import CommandError

revision = "people"
down_revision = "principles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE global_role AS ENUM ('UNASSIGNED', 'STUDENT', 'TEACHER', 'ADMIN')")

    op.execute("CREATE TYPE platform AS ENUM ('SLACK', 'DISCORD', 'TERMINAL')")

    op.execute("CREATE TYPE link_method AS ENUM ('EMAIL', 'CODE', 'OTP', 'OPERATOR')")

    op.execute(
        """
        CREATE TABLE app_users (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            email citext NOT NULL,
            name text NOT NULL,
            global_role global_role DEFAULT 'UNASSIGNED' NOT NULL,
            auth_user_id uuid,
            time_zone text DEFAULT 'UTC' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_app_users PRIMARY KEY (id),
            CONSTRAINT fk_app_users_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_app_users_auth_user_id
            ON app_users (auth_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute("CREATE UNIQUE INDEX uq_app_users_email ON app_users (email) WHERE deleted_at IS NULL")

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON app_users
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        DO $$
        BEGIN
            IF EXISTS (
                SELECT FROM pg_attribute a
                JOIN pg_class c ON c.oid = a.attrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'auth' AND c.relname = 'users' AND c.relkind = 'r'
                    AND a.attname = 'id' AND a.atttypid = 'uuid'::regtype
            ) THEN
                ALTER TABLE app_users ADD CONSTRAINT fk_app_users_auth_user_id
                    FOREIGN KEY (auth_user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
            END IF;
        END $$
        """
    )

    op.execute(
        """
        CREATE TABLE workspaces (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            platform platform NOT NULL,
            external_id text NOT NULL,
            name text DEFAULT '' NOT NULL,
            installation bytea,
            email_trusted boolean DEFAULT false NOT NULL,
            revoked_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_workspaces PRIMARY KEY (id),
            CONSTRAINT fk_workspaces_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_workspaces_platform_external_id
            ON workspaces (platform, external_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON workspaces
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE workspace_identities (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            workspace_id uuid NOT NULL,
            platform_user_id text NOT NULL,
            app_user_id uuid NOT NULL,
            method link_method NOT NULL,
            linked_at timestamptz DEFAULT now() NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_workspace_identities PRIMARY KEY (id),
            CONSTRAINT fk_workspace_identities_workspace_id FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
            CONSTRAINT fk_workspace_identities_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_workspace_identities_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_workspace_identities_app_user_id ON workspace_identities (app_user_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_workspace_identities_platform_user
            ON workspace_identities (workspace_id, platform_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON workspace_identities
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE link_codes (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            app_user_id uuid NOT NULL,
            code_hash bytea NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_link_codes PRIMARY KEY (id),
            CONSTRAINT fk_link_codes_app_user_id FOREIGN KEY (app_user_id) REFERENCES app_users (id),
            CONSTRAINT uq_link_codes_code_hash UNIQUE (code_hash),
            CONSTRAINT fk_link_codes_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_link_codes_app_user_id ON link_codes (app_user_id)")


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
