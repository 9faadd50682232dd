"""What the platform keeps: releases, the ops store, the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from sqlalchemy.engine import make_url

from api.doctor.finding import Finding, Level
from api.services.ops_store import key_file, open_ops_store
from api.settings import Settings
from governance.releases import ReleaseStore
from governance.store import OpsStore
from governance.store.audit import verify
from governance.store.migrate import newest_revision, revision_of
from semantic.sql.quoting import literal


def check_release(settings: Settings) -> Iterator[Finding]:
    """The published release holds against its seal and opens; others that do not are named."""
    store = ReleaseStore(settings.var_dir)
    current = store.current()  # raises ReleaseNotFoundError or ReleaseCorruptError
    with opened(current.warehouse) as warehouse:
        tables = warehouse.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
    yield Finding("release", Level.OK, f"{current.release_id} serves, {tables[0] if tables else 0} tables")
    unsound = sorted(set(store.ids()) - {release.path.name for release in store.list()})
    for release_id in unsound:
        hint = "It cannot be served or rolled back to; `steelyard release prune` removes old ones."
        yield Finding("release", Level.WARNING, f"{release_id} does not hold against its seal", hint)


def check_store(settings: Settings) -> Iterator[Finding]:
    """The ops store answers, in this version's schema."""
    with open_store(settings) as store:
        if store is None:
            yield Finding("ops store", Level.WARNING, "not there yet", "The first command makes it.")
            return
        kind, schema, newest_schema = store.engine.dialect.name, revision_of(store), newest_revision()
    if schema == newest_schema:
        yield Finding("ops store", Level.OK, f"{kind}, schema {schema}")
    else:
        hint = "Take a backup; the next command brings it forward. A newer schema needs a newer Steelyard."
        yield Finding(
            "ops store", Level.WARNING, f"{kind}, schema {schema}, this version has {newest_schema}", hint
        )


def check_audit(settings: Settings) -> Iterator[Finding]:
    """The record of who did what is whole."""
    with open_store(settings) as store:
        if store is None or revision_of(store) != newest_revision():
            return  # `check_store` has said so
        report = verify(store)
    if not report.holds:
        row = f" at row {report.first_broken}" if report.first_broken else ""
        message = f"does not hold{row}: {report.problem}"
        yield Finding("audit", Level.FAILED, message, "Keep the store as it is and compare it with a backup.")
    elif report.keyed_from is None and report.rows:
        hint = "The next entry closes them and seals itself with the key."
        yield Finding("audit", Level.WARNING, f"{report.rows:,} rows hold, no key has sealed them", hint)
    else:
        yield Finding("audit", Level.OK, f"{report.rows:,} rows hold, and every row that they bind")


def check_audit_key(settings: Settings) -> Iterator[Finding]:
    """Whether who has the state folder has the audit's key, too, and so can forge it."""
    if settings.audit_key.get_secret_value():
        yield Finding("audit key", Level.OK, "comes from the environment")
        return
    path = key_file(settings).resolve()
    if not path.exists():
        return
    ops = make_url(settings.ops_store_url)
    beside = [settings.var_dir.resolve()]
    if ops.get_backend_name() == "sqlite" and ops.database:
        beside.append(Path(ops.database).resolve().parent)
    if any(path.is_relative_to(folder) for folder in beside):
        level = Level.WARNING if settings.mode == "production" else Level.OK
        hint = "STEELYARD_AUDIT_KEY_FILE names a file elsewhere: move it there, on a disk of its own."
        message = f"{path.name} is beside what it seals: who can write both can forge the audit"
        yield Finding("audit key", level, message, hint if level is Level.WARNING else "")
    else:
        yield Finding("audit key", Level.OK, f"in {path}, apart from state and database")


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A release's warehouse to read, attached: this process may hold the file open with its own settings."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(warehouse)} AS warehouse (READ_ONLY)")
        connection.execute("USE warehouse")
        yield connection


@contextmanager
def open_store(settings: Settings) -> Iterator[OpsStore | None]:
    """The ops store as it is, not migrated; None if SQLite has no file yet."""
    url = make_url(settings.ops_store_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        yield None
        return
    store = open_ops_store(settings, migrate=False)
    try:
        yield store
    finally:
        store.close()
