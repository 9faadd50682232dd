"""The history of groups of households that each reader was shown."""

import sqlalchemy as sa
from alembic import op

from governance.store.types import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "shown_groups",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("reader", sa.String(128), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("sketch", sa.LargeBinary, nullable=False),
        sa.Column("is_shown", sa.Boolean, nullable=False),
        sa.Column("shown_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("reader", "model", "fingerprint", "is_shown", name="uq_shown_groups_once"),
    )
    op.create_index("ix_shown_groups_reader", "shown_groups", ["reader", "model", "number"])
