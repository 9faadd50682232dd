"""Unknown keys: rows whose foreign key no landed parent has. Reported, never refused.

A sale of a product that the catalogue misses is still a sale.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from integrations.contracts import Contract, contract
from semantic.sql.quoting import identifier, literal


def unknown_keys(
    con: duckdb.DuckDBPyConnection, landing: Path, table: str, batches: Iterable[str]
) -> list[str]:
    """A sentence per foreign key of `table` with unknown values in the given batches."""
    files = [str(landing / table / f"batch={b}" / "*.parquet") for b in batches]
    return [
        w
        for w in (_unknown(con, landing, contract(table), files, c.name) for c in contract(table).columns)
        if w
    ]


def _unknown(
    con: duckdb.DuckDBPyConnection, landing: Path, child: Contract, files: list[str], name: str
) -> str | None:
    parent = child.column(name).reference
    if parent is None or not files:
        return None
    con.execute("SET VARIABLE child_files = ?", [files])
    parents_files = f"read_parquet({literal(landing / parent.table / '*' / '*.parquet')})"
    rows, values, example, parents = con.execute(
        f"""WITH known AS (SELECT DISTINCT {identifier(parent.column)} AS k FROM {parents_files}),
                 used AS (SELECT {identifier(name)} AS k, count(*) AS n
                          FROM read_parquet(getvariable('child_files'))
                          WHERE {identifier(name)} IS NOT NULL GROUP BY ALL)
            SELECT coalesce(sum(n), 0), count(*), min(k), (SELECT count(*) FROM known)
            FROM used ANTI JOIN known USING (k)"""
    ).fetchall()[0]
    if not rows or not parents:
        return None
    return f"{rows:,} rows name {values:,} unknown {name} (such as '{example}'); they are kept"
