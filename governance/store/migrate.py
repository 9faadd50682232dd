"""Run the packaged migrations on a store. Alembic is imported only if something is to be migrated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from governance.errors import StoreTooNewError
from governance.store.engine import OpsStore

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(store: OpsStore, revision: str = "head") -> None:
    """Upgrade in one write transaction; two processes that start together queue up.

    A store that is in the newest schema already is left alone. Raises StoreTooNewError if a newer version of
    the product has migrated it.
    """
    current = revision_of(store)
    if revision == "head" and current == newest_revision():
        return
    if current is not None and not is_known_revision(current):
        raise StoreTooNewError(
            f"The ops store has schema {current!r}; this version knows those up to {newest_revision()!r}.",
            hint="install the version of Steelyard that last opened it, or `steelyard restore` a backup "
            "that this version made",
        )
    from alembic import command

    with store.write() as transaction:
        config = _config()
        config.attributes["connection"] = transaction.conn
        command.upgrade(config, revision)


def revision_of(store: OpsStore) -> str | None:
    """The schema that the store is in, or None for one that was never migrated. Changes nothing."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def newest_revision() -> str:
    """The schema of this version of the product: that of the last file, `v0004_at_stake.py`."""
    return max(_revisions())


def is_known_revision(revision: str) -> bool:
    """Whether this version has the migration of that name, and so can bring such a store forward."""
    return revision in _revisions()


def _revisions() -> set[str]:
    return {path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v[0-9]*.py")}


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
