"""`steelyard doctor --deep`: everything that is stored is read in full and held against what sealed it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import sqlalchemy as sa

from api.doctor.finding import Finding, Level
from api.doctor.state import open_store
from api.settings import Settings
from governance.releases import ReleaseCorruptError, ReleaseStore, check_content
from governance.store.migrate import newest_revision, revision_of
from governance.store.schema import metadata
from integrations.ingest import check_landing

_BACKUP = "Compare it with a backup: `steelyard restore`."
_NAMED = 5  # findings of one kind that are named one by one


def check_release_content(settings: Settings) -> Iterator[Finding]:
    """Every byte of every release against its seal."""
    store = ReleaseStore(settings.var_dir)
    sound = 0
    for release_id in store.ids():
        try:
            check_content(store.get(release_id))
            sound += 1
        except ReleaseCorruptError as error:
            hint = "`steelyard release publish` a sound one; find out what wrote to the folder."
            yield Finding("release content", Level.FAILED, error.message, hint)
    yield Finding("release content", Level.OK, f"{sound} releases, every byte as sealed")


def check_store_integrity(settings: Settings) -> Iterator[Finding]:
    """The ops store's pages, its references, and those of the register of models."""
    mlflow = Path(settings.mlflow_uri.removeprefix("sqlite:///"))
    if mlflow.exists():
        with closing(sqlite3.connect(mlflow)) as connection:
            yield from _sqlite_integrity("register integrity", connection)
    with open_store(settings) as store:
        if store is None or revision_of(store) != newest_revision():
            return  # `check_store` has said so
        if store.is_sqlite:
            with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
                yield from _sqlite_integrity("ops store integrity", connection)
        with store.read() as conn:
            orphans = list(_orphans(conn))
        for problem in orphans:
            yield Finding("ops store integrity", Level.FAILED, problem, _BACKUP)
        if not orphans and not store.is_sqlite:
            yield Finding("ops store integrity", Level.OK, "every reference holds")


def check_landing_content(settings: Settings) -> Iterator[Finding]:
    """Every landed batch against the hashes that were written with it."""
    if not settings.landing.is_dir():
        return
    report = check_landing(settings.landing)
    for problem in report.problems[:_NAMED]:
        hint = "`steelyard restore` a backup, or remove the batch's folder and run `steelyard ingest run`."
        yield Finding("landing", Level.FAILED, f"{problem.batch}: {problem.problem}", hint)
    if len(report.problems) > _NAMED:
        yield Finding("landing", Level.FAILED, f"and {len(report.problems) - _NAMED} batches more")
    if not report.problems:
        older = f", {report.unsealed} of them from a version that kept no hashes" if report.unsealed else ""
        yield Finding("landing", Level.OK, f"{report.batches} batches hold{older}")


def check_registry_artifacts(settings: Settings) -> Iterator[Finding]:
    """The files of every registered model version against the digest it was registered with."""
    from models_ml.lifecycle import registry  # brings MLflow
    from models_ml.lifecycle.artifacts import bundle_digest
    from models_ml.models import MODELS

    if not registry.exists(settings.mlflow_uri):
        return
    count = 0
    for name in MODELS:
        for version in registry.versions(settings.mlflow_uri, name):
            count += 1
            subject = f"model {name} {version.version}"
            if not version.bundle.is_dir():
                yield Finding(subject, Level.FAILED, f"its files are missing in {version.bundle}", _BACKUP)
            elif bundle_digest(version.bundle) != version.digest:
                yield Finding(subject, Level.FAILED, "its files were changed after registration", _BACKUP)
    yield Finding("model artifacts", Level.OK, f"{count} versions looked at")


def _sqlite_integrity(subject: str, connection: sqlite3.Connection) -> Iterator[Finding]:
    """SQLite's own look at every page and at every reference."""
    wrong: list[str] = []
    try:
        wrong += [row[0] for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        wrong += [f"a row of {row[0]} refers to none of {row[2]}" for row in _broken_references(connection)]
    except sqlite3.DatabaseError as error:
        wrong.append(str(error))
    for problem in wrong[:_NAMED]:
        yield Finding(subject, Level.FAILED, problem.splitlines()[0], _BACKUP)
    if not wrong:
        yield Finding(subject, Level.OK, "every page and every reference holds")


def _broken_references(connection: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    with suppress(sqlite3.OperationalError):  # a register whose schema refers to a table it has not
        return connection.execute("PRAGMA foreign_key_check").fetchall()
    return []


def _orphans(conn: sa.Connection) -> Iterator[str]:
    """Rows that refer to none, by the references of our own schema, on any database."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            for key in column.foreign_keys:
                target = key.column
                lost = sa.select(sa.func.count()).where(
                    column.is_not(None), ~sa.exists().where(target == column).correlate(table)
                )
                number = conn.execute(lost.select_from(table)).scalar_one()
                if number:
                    yield f"{number} rows of {table.name} refer to none of {target.table.name}"
