"""Consistent copies of databases that are in use: SQLite by its online backup, PostgreSQL by its tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from api.errors import BackupFailedError

_BUSY_SECONDS = 60


def copy_sqlite(source: Path, target: Path) -> None:
    """The database as it is at one moment; writers go on meanwhile. Raises BackupFailedError."""
    try:
        with (
            closing(sqlite3.connect(source, timeout=_BUSY_SECONDS)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise BackupFailedError(f"{source.name} cannot be copied: {error}.") from error


def dump_postgresql(url: URL, target: Path) -> None:
    """The whole database as SQL, of one snapshot.

    Raises BackupFailedError, with a hint if pg_dump is missing.
    """
    _run("pg_dump", ["--no-owner", "--file", str(target), _libpq(url)], url)


def load_postgresql(url: URL, dump: Path, *, aside: str | None) -> None:
    """Run a dump in one transaction: all of it or nothing.

    With `aside` the schema that is there is renamed to that first, in the same transaction. Raises
    BackupFailedError.
    """
    options = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction"]
    if aside is not None:
        options += ["--command", f'ALTER SCHEMA public RENAME TO "{aside}"']
        options += ["--command", "CREATE SCHEMA public"]
    _run("psql", [*options, "--file", str(dump), _libpq(url)], url)


def _libpq(url: URL) -> str:
    """Without the password: command lines can be read by others."""
    return url.set(drivername="postgresql", password=None).render_as_string()


def _run(tool: str, arguments: Sequence[str], url: URL) -> None:
    if shutil.which(tool) is None:
        raise BackupFailedError(
            f"The ops store is in PostgreSQL, and {tool} is not installed here.",
            hint="Install PostgreSQL's client tools, of the server's version or newer (Debian and Ubuntu: "
            "postgresql-client), and run it again.",
        )
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run(
        [tool, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise BackupFailedError(
            f"{tool}: {lines[-1].rstrip('.')}.", hint="See that the server answers, then run it again."
        )
