"""Tables: settings, model backends and models, and how knowledge is cut, embedded and searched.

Revision ID: admin
Revises: feedback
"""

from alembic import op
from alembic.util import CommandError
from sqlalchemy import text

revision = "admin"
down_revision = "feedback"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE backend_kind AS ENUM ('OPENAI', 'LANGCHAIN', 'EMBEDDED')")

    op.execute("CREATE TYPE model_purpose AS ENUM ('CHAT', 'EMBEDDING')")

    op.execute(
        """
        CREATE TABLE app_config (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            key text NOT NULL,
            value jsonb NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_app_config PRIMARY KEY (id),
            CONSTRAINT fk_app_config_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_app_config_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute("CREATE UNIQUE INDEX uq_app_config_key ON app_config (key) WHERE deleted_at IS NULL")

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON app_config
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE admin_model_backends (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            name text NOT NULL,
            kind backend_kind NOT NULL,
            base_url text,
            provider text,
            api_key bytea,
            enabled boolean DEFAULT true NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_admin_model_backends PRIMARY KEY (id),
            CONSTRAINT fk_admin_model_backends_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_admin_model_backends_name
            ON admin_model_backends (name)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON admin_model_backends
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE admin_models (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            backend_id uuid NOT NULL,
            purpose model_purpose NOT NULL,
            name text NOT NULL,
            priority integer DEFAULT '100' NOT NULL,
            dimension integer,
            enabled boolean DEFAULT true NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_admin_models PRIMARY KEY (id),
            CONSTRAINT fk_admin_models_backend_id FOREIGN KEY (backend_id) REFERENCES admin_model_backends (id),
            CONSTRAINT fk_admin_models_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_admin_models_name
            ON admin_models (backend_id, purpose, name)
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON admin_models
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    op.execute(
        """
        CREATE TABLE admin_knowledge_settings (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            embedding_model text NOT NULL,
            embedding_dimension integer NOT NULL,
            chunk_size integer DEFAULT '1000' NOT NULL,
            chunk_overlap integer DEFAULT '150' NOT NULL,
            top_k integer DEFAULT '8' NOT NULL,
            minimum_similarity double precision DEFAULT '0.2' NOT NULL,
            lexical_weight double precision DEFAULT '1' NOT NULL,
            vector_weight double precision DEFAULT '2' NOT NULL,
            rerank_candidates integer DEFAULT '200' NOT NULL,
            ivfflat_lists integer DEFAULT '100' NOT NULL,
            ivfflat_probes integer DEFAULT '10' NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_user_id uuid,
            created_at timestamptz DEFAULT now() NOT NULL,
            deleted_at timestamptz,
            deleted_by_user_id uuid,
            CONSTRAINT pk_admin_knowledge_settings PRIMARY KEY (id),
            CONSTRAINT ck_admin_knowledge_settings_chunk_size_sane CHECK (chunk_size BETWEEN 200 AND 20000),
            CONSTRAINT ck_admin_knowledge_settings_chunk_overlap_sane CHECK (chunk_overlap >= 0 AND chunk_overlap < chunk_size),
            CONSTRAINT ck_admin_knowledge_settings_top_k_sane CHECK (top_k BETWEEN 1 AND 50),
            CONSTRAINT fk_admin_knowledge_settings_updated_by_user_id FOREIGN KEY (updated_by_user_id) REFERENCES app_users (id),
            CONSTRAINT fk_admin_knowledge_settings_deleted_by_user_id FOREIGN KEY (deleted_by_user_id) REFERENCES app_users (id)
        )
        """
    )

    op.execute(
        """
        CREATE UNIQUE INDEX uq_admin_knowledge_settings_one
            ON admin_knowledge_settings ((true))
            WHERE deleted_at IS NULL
        """
    )

    op.execute(
        """
        CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON admin_knowledge_settings
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()
        """
    )

    options = op.get_context().opts
    op.execute(
        text(
            "INSERT INTO admin_knowledge_settings (embedding_model, embedding_dimension) VALUES (:model, :dimension)"
        ).bindparams(model=options["embedding_model"], dimension=int(options["embedding_dimension"]))
    )


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
