"""The scores of a model that has nothing to score yet: a file with the columns and no row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from models_ml.lifecycle.spec import Scored
from semantic.sql.quoting import identifier, literal


def write_no_scores(
    output: Path, columns: Mapping[str, str], *, baseline: str, release_id: str, reason: str
) -> Scored:
    """An empty Parquet file with `columns` (DuckDB types by name), whole or not at all.

    So every reader finds its columns. The `reason` is a sentence on what the data lack.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    nothing = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in columns.items())
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT {nothing} LIMIT 0) TO {literal(partial)} (FORMAT parquet)")
    partial.replace(output)
    return Scored(output, 0, baseline, baseline, release_id, reason)
