"""Run the packaged migrations on a store. Alembic is imported only when it is needed: it takes a moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from governance.store.engine import OpsStore

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(store: OpsStore, revision: str = "head") -> None:
    """Upgrade in one write transaction; two processes that start together queue up."""
    from alembic import command

    with store.write() as transaction:
        config = _config()
        config.attributes["connection"] = transaction.conn
        command.upgrade(config, revision)


def revision_of(store: OpsStore) -> str | None:
    """The schema that the store is in, or None for one that was never migrated. Changes nothing."""
    from alembic.migration import MigrationContext

    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The schema of this version of the product."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
