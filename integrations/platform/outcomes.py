"""Measured outcomes of decisions, as landing rows: the file that the measuring wrote."""

from __future__ import annotations

import duckdb

from integrations.ingest.checks import literal
from integrations.platform.exporter import Recorded


def export_outcomes(recorded: Recorded, connection: duckdb.DuckDBPyConnection) -> str | None:
    """Every measured decision; None where none was measured yet."""
    if not recorded.outcomes.exists():
        return None
    return f"read_parquet({literal(recorded.outcomes)})"


def mark_of_outcomes(recorded: Recorded) -> str:
    """When the file was written, and its size: it is replaced whole, by rename."""
    if not recorded.outcomes.exists():
        return ""
    found = recorded.outcomes.stat()
    return f"{found.st_mtime_ns}:{found.st_size}"
