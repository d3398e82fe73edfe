"""Makes the schema straight from the models: what migrations are compared with."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import CreateEnumType
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from core.materials.models import DEFAULT_DIMENSION
from core.models import Base
from core.schema.functions import FUNCTIONS, LOCK_DOWN, storage, triggers
from core.schema.views import VIEWS, create_view

EXTENSIONS = ("pgcrypto", "vector", "citext")
IVFFLAT_MOST_DIMENSIONS = 2000  # pgvector's limit for the vector type; halfvec goes to 4,000

# Supabase keeps its accounts in auth.users. Elsewhere a table of that name may be anything, hence the type.
AUTH_REFERENCE = """
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
END $$"""


def create_statements(dimension: int = DEFAULT_DIMENSION) -> list[str]:
    """Return every statement of the schema, in order, for embeddings of `dimension`. The extensions must be there."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    tables = Base.metadata.sorted_tables
    enums = {
        column.type.name: column.type
        for table in tables
        for column in table.columns
        if isinstance(column.type, postgresql.ENUM)
    }
    made = [LOCK_DOWN, *FUNCTIONS.values()]
    made += [str(CreateEnumType(kind).compile(dialect=dialect)) for kind in enums.values()]
    pointers: list[str] = []
    for table in tables:
        made.append(_at_dimension(str(CreateTable(table).compile(dialect=dialect)), dimension))
        made += storage(table)
        made += [
            _at_dimension(str(CreateIndex(index).compile(dialect=dialect)), dimension)
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
        made += triggers(table)
        if table.name == "app_users":
            made.append(AUTH_REFERENCE)
        pointers += [
            str(AddConstraint(constraint).compile(dialect=dialect))
            for constraint in table.constraints
            if isinstance(constraint, ForeignKeyConstraint) and constraint.use_alter
        ]
    return [statement.strip() for statement in (*made, *pointers, *(create_view(name) for name in VIEWS))]


def _at_dimension(statement: str, dimension: int) -> str:
    statement = statement.replace(f"({DEFAULT_DIMENSION})", f"({dimension})")
    if dimension > IVFFLAT_MOST_DIMENSIONS:
        indexed = f"((embedding::halfvec({dimension})) halfvec_cosine_ops)"
        statement = statement.replace("(embedding vector_cosine_ops)", indexed)
    return statement
