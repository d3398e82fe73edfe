"""Tables: assignments with their revisions, and what students hand in.

Revision ID: assignments
Revises: chunks
"""

from alembic import op
from alembic.util import CommandError

revision = "assignments"
down_revision = "chunks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE ai_policy AS ENUM ('OPEN', 'HINTS', 'OFF')")

    op.execute(
        """
        CREATE TABLE assignments (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            module_id uuid,
            lesson_unit_id uuid,
            position integer DEFAULT '0' NOT NULL,
            import_source text,
            external_id text,
            published_revision_id uuid,
            class_id uuid NOT NULL,
            created_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_assignments PRIMARY KEY (id),
            CONSTRAINT ck_assignments_one_parent CHECK (num_nonnulls(module_id, lesson_unit_id) <= 1),
            CONSTRAINT fk_assignments_module_id FOREIGN KEY (module_id) REFERENCES modules (id),
            CONSTRAINT fk_assignments_lesson_unit_id FOREIGN KEY (lesson_unit_id) REFERENCES lesson_units (id),
            CONSTRAINT fk_assignments_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_assignments_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignments_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE INDEX ix_assignments_class_id ON assignments (class_id)")

    op.execute("CREATE INDEX ix_assignments_lesson_unit_id ON assignments (lesson_unit_id)")

    op.execute("CREATE INDEX ix_assignments_module_id ON assignments (module_id)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_assignments_external_id
            ON assignments (class_id, import_source, external_id)
            WHERE deleted_at IS NULL AND external_id IS NOT NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON assignments
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER require_published_target BEFORE INSERT OR UPDATE OF published_revision_id ON assignments
            FOR EACH ROW EXECUTE FUNCTION require_published_target('assignment_revisions')
        """
    )

    op.execute(
        """
        CREATE TABLE assignment_revisions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            assignment_id uuid NOT NULL,
            instructions text DEFAULT '' NOT NULL,
            points numeric(9, 2) DEFAULT '100' NOT NULL,
            weight numeric(9, 4) DEFAULT '1' NOT NULL,
            opens_at timestamptz,
            due_at timestamptz,
            closes_at timestamptz,
            ai_policy ai_policy DEFAULT 'HINTS' NOT NULL,
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
            CONSTRAINT pk_assignment_revisions PRIMARY KEY (id),
            CONSTRAINT ck_assignment_revisions_points_not_negative CHECK (points >= 0),
            CONSTRAINT ck_assignment_revisions_weight_not_negative CHECK (weight >= 0),
            CONSTRAINT uq_assignment_revisions_revision_number UNIQUE (assignment_id, revision_number),
            CONSTRAINT uq_assignment_revisions_root_and_id UNIQUE (assignment_id, id),
            CONSTRAINT ck_assignment_revisions_title_given CHECK (title <> ''),
            CONSTRAINT fk_assignment_revisions_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
            CONSTRAINT fk_assignment_revisions_created_by_user_id FOREIGN KEY (created_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_revisions_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_revisions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_assignment_revisions_one_draft
            ON assignment_revisions (assignment_id)
            WHERE visibility_state = 'DRAFT' AND deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON assignment_revisions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_published_change BEFORE UPDATE ON assignment_revisions
            FOR EACH ROW WHEN (OLD.visibility_state = 'PUBLISHED')
            EXECUTE FUNCTION refuse_published_change(
                'id', 'assignment_id', 'revision_number', 'visibility_state', 'published_at', 'title',
                'instructions', 'points', 'weight', 'opens_at', 'due_at', 'closes_at', 'ai_policy'
            )
        """
    )

    op.execute(
        """
        CREATE TABLE assignment_submissions (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            assignment_id uuid NOT NULL,
            assignment_revision_id uuid NOT NULL,
            student_user_id uuid NOT NULL,
            attempt integer NOT NULL,
            body text DEFAULT '' NOT NULL,
            files jsonb DEFAULT '[]' NOT NULL,
            submitted_at timestamptz DEFAULT now() NOT NULL,
            late boolean DEFAULT false NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_assignment_submissions PRIMARY KEY (id),
            CONSTRAINT fk_assignment_submissions_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
            CONSTRAINT fk_assignment_submissions_assignment_revision_id FOREIGN KEY (assignment_revision_id) REFERENCES assignment_revisions (id),
            CONSTRAINT fk_assignment_submissions_student_user_id FOREIGN KEY (student_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_submissions_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE INDEX ix_assignment_submissions_student_user_id
            ON assignment_submissions (student_user_id)
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_assignment_submissions_attempt
            ON assignment_submissions (assignment_id, student_user_id, attempt)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON assignment_submissions
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        ALTER TABLE assignments
            ADD CONSTRAINT fk_assignments_published_revision
            FOREIGN KEY (id, published_revision_id) REFERENCES assignment_revisions (assignment_id, id)
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
