"""Functions that hold the principles: no deletes, published revisions never change.

Revision ID: principles
Revises: extensions
"""

from alembic import op
from alembic.util import CommandError

revision = "principles"
down_revision = "extensions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never deleted; set deleted_at instead', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )

    op.execute(
        """
        CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )

    op.execute(
        """
        CREATE FUNCTION refuse_published_change() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            before jsonb := to_jsonb(OLD);
            after jsonb := to_jsonb(NEW);
            kept text;
        BEGIN
            FOREACH kept IN ARRAY TG_ARGV LOOP
                IF before -> kept IS DISTINCT FROM after -> kept THEN
                    RAISE EXCEPTION 'a published revision never changes (%.%)', TG_TABLE_NAME, kept
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END LOOP;
            RETURN NEW;
        END $$
        """
    )

    op.execute(
        """
        CREATE FUNCTION require_published_target() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            published boolean;
        BEGIN
            IF NEW.published_revision_id IS NOT NULL THEN
                EXECUTE format(
                    'SELECT visibility_state = ''PUBLISHED'' AND deleted_at IS NULL FROM %I.%I WHERE id = $1',
                    TG_TABLE_SCHEMA, TG_ARGV[0]
                ) INTO published USING NEW.published_revision_id;
                IF published IS NOT TRUE THEN
                    RAISE EXCEPTION 'students can only be shown a published revision of %', TG_TABLE_NAME
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
            RETURN NEW;
        END $$
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
