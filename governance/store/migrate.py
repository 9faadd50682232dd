"""Run the packaged migrations on a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from governance.store.engine import OpsStore


def upgrade(store: OpsStore, revision: str = "head") -> None:
    """Upgrade in one write transaction; two processes that start together queue up."""
    with store.write() as transaction:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = transaction.conn
        command.upgrade(config, revision)
