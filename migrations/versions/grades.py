"""Tables: grades, draft and published side by side on one row.

Revision ID: grades
Revises: assignments
"""

from alembic import op
from alembic.util import CommandError

revision = "grades"
down_revision = "assignments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION require_release_to_copy() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.released_at IS NOT NULL
                AND (NEW.published_score, NEW.published_feedback, NEW.published_status)
                    IS DISTINCT FROM (NEW.draft_score, NEW.draft_feedback, NEW.draft_status)
            THEN
                RAISE EXCEPTION 'a grade is released by copying its draft' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )

    op.execute("CREATE TYPE grade_status AS ENUM ('UNGRADED', 'GRADED', 'EXCUSED', 'MISSING')")

    op.execute(
        """
        CREATE TABLE assignment_grade_rows (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            assignment_id uuid NOT NULL,
            student_user_id uuid NOT NULL,
            version integer DEFAULT '1' NOT NULL,
            draft_score numeric(9, 2),
            draft_feedback text DEFAULT '' NOT NULL,
            draft_status grade_status DEFAULT 'UNGRADED' NOT NULL,
            draft_updated_at timestamptz,
            draft_updated_by_user_id uuid,
            published_score numeric(9, 2),
            published_feedback text,
            published_status grade_status,
            published_points numeric(9, 2),
            published_weight numeric(9, 4),
            released_at timestamptz,
            released_by_user_id uuid,
            graded_submission_id uuid,
            extension_due_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_assignment_grade_rows PRIMARY KEY (id),
            CONSTRAINT ck_assignment_grade_rows_draft_score_not_negative CHECK (draft_score >= 0),
            CONSTRAINT ck_assignment_grade_rows_published_score_not_negative CHECK (published_score >= 0),
            CONSTRAINT ck_assignment_grade_rows_published_whole CHECK ((released_at IS NULL) = (published_status IS NULL)),
            CONSTRAINT ck_assignment_grade_rows_unreleased_empty CHECK (released_at IS NOT NULL OR num_nonnulls(published_score, published_feedback, published_points, published_weight) = 0),
            CONSTRAINT fk_assignment_grade_rows_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
            CONSTRAINT fk_assignment_grade_rows_student_user_id FOREIGN KEY (student_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_grade_rows_draft_updated_by_user_id FOREIGN KEY (draft_updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_grade_rows_released_by_user_id FOREIGN KEY (released_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_assignment_grade_rows_graded_submission_id FOREIGN KEY (graded_submission_id) REFERENCES assignment_submissions (id),
            CONSTRAINT fk_assignment_grade_rows_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE INDEX ix_assignment_grade_rows_student_user_id
            ON assignment_grade_rows (student_user_id)
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_assignment_grade_rows_pair
            ON assignment_grade_rows (assignment_id, student_user_id)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON assignment_grade_rows
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER require_release_to_copy BEFORE INSERT OR UPDATE OF
                published_score, published_feedback, published_status, released_at
            ON assignment_grade_rows
            FOR EACH ROW EXECUTE FUNCTION require_release_to_copy()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
