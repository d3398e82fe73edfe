"""How Alembic runs here: on the connection that `upgrade` hands over, all revisions in one transaction."""

from alembic import context
from alembic.util import CommandError

attributes = context.config.attributes
if context.is_offline_mode() or "connection" not in attributes:
    raise CommandError("Migrations run through `homeroom db upgrade`.")

context.configure(
    connection=attributes["connection"],
    embedding_model=attributes["embedding_model"],
    embedding_dimension=attributes["embedding_dimension"],
)
with context.begin_transaction():
    context.run_migrations()
