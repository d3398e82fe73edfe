"""Make sure of the extensions: create them where we may, otherwise say what an operator has to do.

Revision ID: extensions
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "extensions"
down_revision = None
branch_labels = None
depends_on = None

OLDEST_VECTOR = (0, 7)  # halfvec and binary_quantize came with it


def upgrade() -> None:
    connection = op.get_bind()
    # Supabase keeps extensions out of the schema that it serves.
    schema = connection.scalar(sa.text("SELECT s FROM unnest(current_schemas(false)) AS s WHERE s = 'extensions'"))
    missing = [name for name in ("pgcrypto", "vector", "citext") if not _installed_or_created(connection, name, schema)]
    if missing:
        statements = " ".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in missing)
        raise CommandError(
            f"The database needs the extension{'s' * (len(missing) > 1)} {', '.join(missing)}, which this role may not "
            f"create or the server does not have. Ask an administrator to run in this database: {statements} "
            "On Supabase: Dashboard, Database, Extensions."
        )
    version = _version(connection, "vector")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VECTOR:
        raise CommandError(
            f"The extension vector is version {version}; 0.7 or newer is needed. Ask an administrator to update pgvector "
            "and to run in this database: ALTER EXTENSION vector UPDATE;"
        )


def _installed_or_created(connection: sa.Connection, name: str, schema: str | None) -> bool:
    if _version(connection, name):
        return True
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"CREATE EXTENSION {name}" + (f" SCHEMA {schema}" if schema else "")))
    except sa.exc.DBAPIError:  # no right to, or not on the server
        return False
    return True


def _version(connection: sa.Connection, name: str) -> str:
    found = connection.scalar(sa.text("SELECT extversion FROM pg_extension WHERE extname = :name"), {"name": name})
    return str(found or "")


def downgrade() -> None:
    raise CommandError("Releases only go forward. To go back, restore a backup.")
