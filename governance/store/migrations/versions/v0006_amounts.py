"""Amounts lose the currency in their names: a store holds one currency, which its records say."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for name in ("expected_margin", "expected_cash", "at_stake"):
        op.execute(f"ALTER TABLE recommendations RENAME COLUMN {name}_usd TO {name}")
