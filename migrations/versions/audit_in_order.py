"""Default: an audit row's time is when it was written, not when its transaction began, which may have waited since.

Revision ID: audit_in_order
Revises: unreached
"""

from alembic import op

revision = "audit_in_order"
down_revision = "unreached"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE audit_logs ALTER COLUMN created_at SET DEFAULT clock_timestamp()")
