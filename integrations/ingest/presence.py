"""What a landing holds: whether a table has a row, and a column a value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb

from semantic.sql.quoting import identifier, literal

ALTERNATIVE = " or "


def missing_needs(landing: Path, needs: Iterable[str]) -> frozenset[str]:
    """Of `needs`, those that the landing does not meet.

    A need is a table with a row, `table.column` with a value that is not NULL, or several of these joined by
    ` or `, of which one is enough.
    """
    with duckdb.connect() as con:

        @cache
        def is_met(part: str) -> bool:
            table, _, column = part.partition(".")
            return _has(con, landing / table, column)

        return frozenset(need for need in needs if not any(is_met(part) for part in need.split(ALTERNATIVE)))


def _has(con: duckdb.DuckDBPyConnection, folder: Path, column: str) -> bool:
    """A row in any batch of the table, with a value in `column` if one is named."""
    if not any(folder.glob("*/*.parquet")):
        return False
    files = f"read_parquet({literal(folder / '*' / '*.parquet')}, union_by_name = true)"
    if not column:
        return bool(con.execute(f"SELECT 1 FROM {files} LIMIT 1").fetchall())
    columns = {name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    condition = f"{identifier(column)} IS NOT NULL"
    return column in columns and bool(
        con.execute(f"SELECT 1 FROM {files} WHERE {condition} LIMIT 1").fetchall()
    )
