"""What every batch of one ingest shares: connection, folders, and the share of bad rows that it may have."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from integrations.pseudonyms import PseudonymTable
from semantic.sql.quoting import literal


@dataclass(frozen=True)
class IngestContext:
    """Where batches go and what they may look like. `tolerance` is the greatest share of bad rows.

    `pseudonyms` replace what names customers; keys that `are_published` get the same ones everywhere.
    """

    connection: duckdb.DuckDBPyConnection
    landing: Path
    quarantine: Path
    workspace: Path
    tolerance: float
    pseudonyms: PseudonymTable | None = None
    are_published: bool = False


def open_connection(
    workspace: Path, *, memory_limit: str, threads: int = 2, as_of: dt.date | None = None
) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory that spills below `workspace`.

    `as_of` is the day after which a recorded event is in the future; today if None.
    """
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = {literal(memory_limit)}")
    connection.execute(f"SET threads = {int(threads)}")
    connection.execute(f"SET temp_directory = {literal(workspace / 'spill')}")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET VARIABLE as_of = DATE {literal((as_of or dt.date.today()).isoformat())}")
    return connection
