"""What the tests of closing balances share: times to ask for, and answers that can be compared."""

from __future__ import annotations

import datetime as dt
import random

import duckdb


def some_time(rng: random.Random) -> tuple[list[str], tuple[str, str] | None]:
    """Mostly a period to group by, and now and then a range that begins and ends within one."""
    grains = ["day", "week", "month", "quarter", "year"]
    group_by = [f"metric_time__{rng.choice(grains)}"] if rng.random() < 0.7 else []
    return group_by, ("2024-01-20", "2024-02-15") if group_by and rng.random() < 0.3 else None


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """Sorted; days as text, be they dates or the instants at which they begin."""
    answer = connection.execute(sql).fetchall()
    as_text = (tuple(f"{v:%Y-%m-%d}" if isinstance(v, dt.date) else v for v in row) for row in answer)
    return sorted(as_text, key=str)
