"""Measured outcomes of decisions, as landing rows: the file that the measuring wrote."""

from __future__ import annotations

import duckdb

from integrations.platform.exporter import PlatformState
from semantic.sql.quoting import literal


def export_outcomes(state: PlatformState, connection: duckdb.DuckDBPyConnection) -> str | None:
    """Every measured decision; None if none was measured yet."""
    if not state.outcomes.exists():
        return None
    return f"read_parquet({literal(state.outcomes)})"


def outcomes_fingerprint(state: PlatformState) -> str:
    """When the file was written, and its size: it is replaced whole, by rename."""
    if not state.outcomes.exists():
        return ""
    status = state.outcomes.stat()
    return f"{status.st_mtime_ns}:{status.st_size}"
