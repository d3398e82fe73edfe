"""Lock the schema against the roles through which Supabase serves it to anybody.

Revision ID: lock_down
Revises: published_views
"""

from alembic import op
from alembic.util import CommandError

revision = "lock_down"
down_revision = "published_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION lock_down() RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            thing record;
            outsider text;
            outsiders text[] := ARRAY(SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated'));
        BEGIN
            FOR thing IN
                SELECT c.oid::regclass AS name, c.relkind, c.relrowsecurity
                FROM pg_class c
                WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                    AND pg_has_role(c.relowner, 'MEMBER')
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
            LOOP
                IF thing.relkind IN ('r', 'p') AND NOT thing.relrowsecurity THEN
                    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', thing.name);
                END IF;
                FOREACH outsider IN ARRAY outsiders || 'PUBLIC'::text LOOP
                    EXECUTE format(
                        'REVOKE ALL ON %s %s FROM %s',
                        CASE thing.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                        thing.name,
                        CASE outsider WHEN 'PUBLIC' THEN outsider ELSE quote_ident(outsider) END
                    );
                END LOOP;
            END LOOP;
            FOR thing IN
                SELECT p.oid::regprocedure AS name FROM pg_proc p
                WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind <> 'a'
                    AND pg_has_role(p.proowner, 'MEMBER')
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            LOOP
                FOREACH outsider IN ARRAY outsiders || 'PUBLIC'::text LOOP
                    EXECUTE format(
                        'REVOKE ALL ON ROUTINE %s FROM %s',
                        thing.name,
                        CASE outsider WHEN 'PUBLIC' THEN outsider ELSE quote_ident(outsider) END
                    );
                END LOOP;
            END LOOP;
        END $$
        """
    )

    op.execute("SELECT lock_down()")


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
