"""Tables: materials with their revisions, and their places in lessons.

Revision ID: materials
Revises: content
"""

from alembic import op
from alembic.util import CommandError

revision = "materials"
down_revision = "content"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE material_kind AS ENUM ('FILE', 'QA')")

    op.execute(
        """
        CREATE TABLE materials (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            kind material_kind DEFAULT 'FILE' NOT NULL,
            position integer DEFAULT '0' NOT NULL,
            import_source text,
            external_id text,
            published_revision_id uuid,
            class_id uuid NOT NULL,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_materials PRIMARY KEY (id),
            CONSTRAINT fk_materials_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_materials_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_materials_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_materials_class_id ON materials (class_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_materials_external_id
            ON materials (class_id, import_source, external_id)
            WHERE deleted_at IS NULL AND external_id IS NOT NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON materials
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER require_published_target BEFORE INSERT OR UPDATE OF published_revision_id ON materials
            FOR EACH ROW EXECUTE FUNCTION require_published_target('material_revisions')
        """
    )

    op.execute(
        """
        CREATE TABLE material_revisions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            material_id uuid NOT NULL,
            storage_key text NOT NULL,
            filename text NOT NULL,
            media_type text NOT NULL,
            byte_size bigint NOT NULL,
            sha256 bytea NOT NULL,
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
            CONSTRAINT pk_material_revisions PRIMARY KEY (id),
            CONSTRAINT uq_material_revisions_revision_number UNIQUE (material_id, revision_number),
            CONSTRAINT uq_material_revisions_root_and_id UNIQUE (material_id, id),
            CONSTRAINT ck_material_revisions_title_given CHECK (title <> ''),
            CONSTRAINT fk_material_revisions_material_id FOREIGN KEY (material_id) REFERENCES materials (id),
            CONSTRAINT fk_material_revisions_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_material_revisions_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_material_revisions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_material_revisions_one_draft
            ON material_revisions (material_id)
            WHERE visibility_state = 'DRAFT' AND deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON material_revisions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_published_change BEFORE UPDATE ON material_revisions
            FOR EACH ROW WHEN (OLD.visibility_state = 'PUBLISHED')
            EXECUTE FUNCTION refuse_published_change(
                'id', 'material_id', 'revision_number', 'visibility_state', 'published_at', 'title',
                'storage_key', 'filename', 'media_type', 'byte_size', 'sha256'
            )
        """
    )

    op.execute(
        """
        CREATE TABLE lesson_unit_materials (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            lesson_unit_id uuid NOT NULL,
            material_id uuid NOT NULL,
            position integer DEFAULT '0' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_lesson_unit_materials PRIMARY KEY (id),
            CONSTRAINT fk_lesson_unit_materials_lesson_unit_id FOREIGN KEY (lesson_unit_id) REFERENCES lesson_units (id),
            CONSTRAINT fk_lesson_unit_materials_material_id FOREIGN KEY (material_id) REFERENCES materials (id),
            CONSTRAINT fk_lesson_unit_materials_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE INDEX ix_lesson_unit_materials_material_id
            ON lesson_unit_materials (material_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_lesson_unit_materials_pair
            ON lesson_unit_materials (lesson_unit_id, material_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON lesson_unit_materials
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        ALTER TABLE materials
            ADD CONSTRAINT fk_materials_published_revision
            FOREIGN KEY (id, published_revision_id) REFERENCES material_revisions (material_id, id)
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
