"""Tables: the passages that are searched and cited.

Revision ID: chunks
Revises: materials
"""

from alembic import op
from alembic.util import CommandError

revision = "chunks"
down_revision = "materials"
branch_labels = None
depends_on = None

# pgvector indexes the vector type up to here; halfvec goes to 4,000.
IVFFLAT_MOST_DIMENSIONS = 2000


def upgrade() -> None:
    dimension = int(op.get_context().opts["embedding_dimension"])
    indexed = "embedding vector_cosine_ops"
    if dimension > IVFFLAT_MOST_DIMENSIONS:
        indexed = f"(embedding::halfvec({dimension})) halfvec_cosine_ops"

    op.execute(
        r"""
        CREATE FUNCTION search_text(body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT CASE
                WHEN octet_length(body) = length(body) THEN translate(body, '/_', '  ')
                WHEN body !~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]' THEN regexp_replace(body, '[/_\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u060c\u061b\u061f\u06d4\u2000-\u206f\u20a0-\u20bf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe6f\ufeff-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff\U0001f000-\U0001faff]+', ' ', 'g')
                ELSE (
                    SELECT string_agg(
                        CASE
                            WHEN part[2] IS NULL THEN regexp_replace(part[1], '[/_\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u060c\u061b\u061f\u06d4\u2000-\u206f\u20a0-\u20bf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe6f\ufeff-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff\U0001f000-\U0001faff]+', ' ', 'g')
                            ELSE (
                                SELECT string_agg(substr(part[2], at, 2), ' ' ORDER BY at)
                                FROM generate_series(1, greatest(length(part[2]) - 1, 1)) AS at
                            )
                        END, ' ' ORDER BY place
                    )
                    FROM regexp_matches(body, '([^\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]+)|([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]+)', 'g') WITH ORDINALITY AS run (part, place)
                )
            END
        $$
        """
    )

    op.execute(
        """
        CREATE FUNCTION search_tsvector(language text, body text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT to_tsvector(language::regconfig, search_text(body))
        $$
        """
    )

    op.execute(
        """
        CREATE FUNCTION index_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            words tsvector := search_tsvector(NEW.language, NEW.context || ' ' || NEW.text);
        BEGIN
            NEW.tsv := words || array_to_tsvector(ARRAY['class:' || NEW.class_id]);
            NEW.token_count := (SELECT coalesce(sum(cardinality(positions)), 0) FROM unnest(words));
            RETURN NEW;
        END $$
        """
    )

    op.execute(
        f"""
        CREATE TABLE material_chunks (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            class_id uuid NOT NULL,
            material_revision_id uuid,
            lesson_unit_revision_id uuid,
            revision_id uuid GENERATED ALWAYS AS (coalesce(material_revision_id, lesson_unit_revision_id)) STORED NOT NULL,
            generation integer NOT NULL,
            ordinal integer NOT NULL,
            token_count integer NOT NULL,
            tsv tsvector NOT NULL,
            bits bit({dimension}) GENERATED ALWAYS AS ((binary_quantize(embedding))::bit({dimension})) STORED NOT NULL,
            embedding vector({dimension}) NOT NULL,
            language text NOT NULL,
            context text NOT NULL,
            text text NOT NULL,
            locator jsonb NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_material_chunks PRIMARY KEY (id),
            CONSTRAINT ck_material_chunks_one_owner CHECK (num_nonnulls(material_revision_id, lesson_unit_revision_id) = 1),
            CONSTRAINT fk_material_chunks_class_id FOREIGN KEY (class_id) REFERENCES classes (id),
            CONSTRAINT fk_material_chunks_material_revision_id FOREIGN KEY (material_revision_id) REFERENCES material_revisions (id),
            CONSTRAINT fk_material_chunks_lesson_unit_revision_id FOREIGN KEY (lesson_unit_revision_id) REFERENCES lesson_unit_revisions (id)
        )
        """
    )

    op.execute(
        """
        ALTER TABLE material_chunks
            ALTER COLUMN embedding SET STORAGE MAIN,
            ALTER COLUMN bits SET STORAGE MAIN,
            ALTER COLUMN tsv SET STORAGE MAIN
        """
    )

    op.execute("ALTER TABLE material_chunks SET (toast_tuple_target = 8160)")

    op.execute(
        f"""
        CREATE INDEX ix_material_chunks_embedding
            ON material_chunks USING ivfflat ({indexed})
            WITH (lists = 100)
        """
    )

    op.execute("CREATE INDEX ix_material_chunks_tsv ON material_chunks USING gin (tsv) WITH (fastupdate = off)")

    op.execute(
        """
        CREATE UNIQUE INDEX uq_material_chunks_place
            ON material_chunks (revision_id, generation, ordinal)
            INCLUDE (id, bits)
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON material_chunks
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_update BEFORE UPDATE ON material_chunks
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_update()
        """
    )

    op.execute(
        """
        CREATE TRIGGER index_chunk BEFORE INSERT ON material_chunks
            FOR EACH ROW EXECUTE FUNCTION index_chunk()
        """
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
