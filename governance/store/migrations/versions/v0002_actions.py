"""Actions beyond reorders: where a transfer comes from, what an action is about, and its own details."""

import sqlalchemy as sa
from alembic import op

from governance.store.types import JsonText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("recommendations", sa.Column("from_location_id", sa.String(64)))
    op.add_column("recommendations", sa.Column("subject_id", sa.String(160)))
    op.add_column("recommendations", sa.Column("details", JsonText))
    op.create_index("ix_recommendations_subject", "recommendations", ["action", "subject_id", "state"])
