"""What the tests of closing balances share: times to ask for, and answers that can be compared."""

from __future__ import annotations

import datetime as dt
import random

import duckdb


def some_time(rng: random.Random) -> tuple[list[str], tuple[str, str] | None]:
    """Mostly a period to group by, and now and then a range that begins and ends within one."""
    grains = ["day", "week", "month", "quarter", "year"]
    shown = [f"metric_time__{rng.choice(grains)}"] if rng.random() < 0.7 else []
    return shown, ("2024-01-20", "2024-02-15") if shown and rng.random() < 0.3 else None


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """Sorted; days as text, be they dates or the instants at which they begin."""
    found = connection.execute(sql).fetchall()
    told = (tuple(f"{v:%Y-%m-%d}" if isinstance(v, dt.date) else v for v in row) for row in found)
    return sorted(told, key=str)
