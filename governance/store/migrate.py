"""Run the packaged migrations on a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from governance.store.engine import OpsStore


def upgrade(store: OpsStore, revision: str = "head") -> None:
    """Upgrade in one write transaction; two processes that start together queue up."""
    with store.write() as transaction:
        config = _config()
        config.attributes["connection"] = transaction.conn
        command.upgrade(config, revision)


def revision_of(store: OpsStore) -> str | None:
    """The schema that the store is in, or None for one that was never migrated. Changes nothing."""
    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The schema of this version of the product."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
