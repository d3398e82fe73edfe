"""Tables: modules and lessons, each a root with its revisions.

Revision ID: content
Revises: audit
"""

from alembic import op
from alembic.util import CommandError

revision = "content"
down_revision = "audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE visibility_state AS ENUM ('DRAFT', 'PUBLISHED')")

    op.execute("CREATE TYPE processing_status AS ENUM ('PENDING', 'PROCESSING', 'READY', 'FAILED')")

    op.execute(
        """
        CREATE TABLE modules (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            position integer DEFAULT '0' NOT NULL,
            import_source text,
            external_id text,
            published_revision_id uuid,
            class_id uuid NOT NULL,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_modules PRIMARY KEY (id),
            CONSTRAINT fk_modules_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_modules_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_modules_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_modules_class_id ON modules (class_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_modules_external_id
            ON modules (class_id, import_source, external_id)
            WHERE deleted_at IS NULL AND external_id IS NOT NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON modules
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER require_published_target BEFORE INSERT OR UPDATE OF published_revision_id ON modules
            FOR EACH ROW EXECUTE FUNCTION require_published_target('module_revisions')
        """
    )

    op.execute(
        """
        CREATE TABLE module_revisions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            module_id uuid NOT NULL,
            description text DEFAULT '' NOT NULL,
            revision_number integer NOT NULL,
            version integer DEFAULT '1' NOT NULL,
            title text NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            published_at timestamptz,
            visibility_state visibility_state DEFAULT 'DRAFT' NOT NULL,
            created_by_user_id uuid,
            updated_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_module_revisions PRIMARY KEY (id),
            CONSTRAINT uq_module_revisions_revision_number UNIQUE (module_id, revision_number),
            CONSTRAINT uq_module_revisions_root_and_id UNIQUE (module_id, id),
            CONSTRAINT ck_module_revisions_title_given CHECK (title <> ''),
            CONSTRAINT fk_module_revisions_module_id FOREIGN KEY (module_id) REFERENCES modules (id),
            CONSTRAINT fk_module_revisions_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_module_revisions_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_module_revisions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_module_revisions_one_draft
            ON module_revisions (module_id)
            WHERE visibility_state = 'DRAFT' AND deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON module_revisions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_published_change BEFORE UPDATE ON module_revisions
            FOR EACH ROW WHEN (OLD.visibility_state = 'PUBLISHED')
            EXECUTE FUNCTION refuse_published_change(
                'id', 'module_id', 'revision_number', 'visibility_state', 'published_at', 'title',
                'description'
            )
        """
    )

    op.execute(
        """
        CREATE TABLE lesson_units (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            module_id uuid NOT NULL,
            position integer DEFAULT '0' NOT NULL,
            import_source text,
            external_id text,
            published_revision_id uuid,
            class_id uuid NOT NULL,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_lesson_units PRIMARY KEY (id),
            CONSTRAINT fk_lesson_units_module_id FOREIGN KEY (module_id) REFERENCES modules (id),
            CONSTRAINT fk_lesson_units_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_lesson_units_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_lesson_units_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_lesson_units_class_id ON lesson_units (class_id)")

    op.execute("CREATE INDEX ix_lesson_units_module_id ON lesson_units (module_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_lesson_units_external_id
            ON lesson_units (class_id, import_source, external_id)
            WHERE deleted_at IS NULL AND external_id IS NOT NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON lesson_units
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER require_published_target BEFORE INSERT OR UPDATE OF published_revision_id ON lesson_units
            FOR EACH ROW EXECUTE FUNCTION require_published_target('lesson_unit_revisions')
        """
    )

    op.execute(
        """
        CREATE TABLE lesson_unit_revisions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            lesson_unit_id uuid NOT NULL,
            body text DEFAULT '' NOT NULL,
            failure_code text,
            failure_reason text,
            page_count integer,
            chunk_generation integer DEFAULT '0' NOT NULL,
            chunk_count integer DEFAULT '0' NOT NULL,
            token_count integer DEFAULT '0' NOT NULL,
            processing_status processing_status DEFAULT 'PENDING' NOT NULL,
            revision_number integer NOT NULL,
            version integer DEFAULT '1' NOT NULL,
            title text NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            published_at timestamptz,
            visibility_state visibility_state DEFAULT 'DRAFT' NOT NULL,
            created_by_user_id uuid,
            updated_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_lesson_unit_revisions PRIMARY KEY (id),
            CONSTRAINT uq_lesson_unit_revisions_revision_number UNIQUE (lesson_unit_id, revision_number),
            CONSTRAINT uq_lesson_unit_revisions_root_and_id UNIQUE (lesson_unit_id, id),
            CONSTRAINT ck_lesson_unit_revisions_title_given CHECK (title <> ''),
            CONSTRAINT fk_lesson_unit_revisions_lesson_unit_id FOREIGN KEY (lesson_unit_id) REFERENCES lesson_units (id),
            CONSTRAINT fk_lesson_unit_revisions_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_lesson_unit_revisions_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_lesson_unit_revisions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_lesson_unit_revisions_one_draft
            ON lesson_unit_revisions (lesson_unit_id)
            WHERE visibility_state = 'DRAFT' AND deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON lesson_unit_revisions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_published_change BEFORE UPDATE ON lesson_unit_revisions
            FOR EACH ROW WHEN (OLD.visibility_state = 'PUBLISHED')
            EXECUTE FUNCTION refuse_published_change(
                'id', 'lesson_unit_id', 'revision_number', 'visibility_state', 'published_at', 'title',
                'body'
            )
        """
    )

    op.execute(
        """
        ALTER TABLE modules
            ADD CONSTRAINT fk_modules_published_revision
            FOREIGN KEY (id, published_revision_id) REFERENCES module_revisions (module_id, id)
        """
    )

    op.execute(
        """
        ALTER TABLE lesson_units
            ADD CONSTRAINT fk_lesson_units_published_revision
            FOREIGN KEY (id, published_revision_id) REFERENCES lesson_unit_revisions (lesson_unit_id, id)
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
