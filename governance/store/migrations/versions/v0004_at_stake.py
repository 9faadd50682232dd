"""Money in question where no margin can be promised."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("recommendations", sa.Column("at_stake_usd", sa.Float))
