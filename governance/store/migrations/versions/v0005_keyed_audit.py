"""Audit entries sealed by a key, with digests of the rows that their transaction wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("key_id", sa.String(12)))
    op.add_column("audit_log", sa.Column("rows", sa.Text))
