"""What there is to show, asked over HTTP on behalf of the people who will look."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from . import theme
from .client import Client
from .definitions_context import TIME, Known
from .errors import Error, ProgrammingError
from .periods import Recorded
from .spec import Board

_UNKNOWN = Recorded(dt.date(2000, 1, 1), dt.date(2000, 12, 31))


def fetch(client: Client, people: Sequence[str], boards: Iterable[Board], site: str) -> tuple[Known, Days]:
    """Every metric and dimension that any of `people` may see, and which days have data.

    `site` is where a browser finds the API. Raises ProgrammingError where none of them sees anything.
    """
    metrics: dict[str, dict[str, Any]] = {}
    dimensions: dict[str, dict[str, Any]] = {}
    seen_by: dict[str, str] = {}
    for person in people:
        for row in client.metrics(person):
            metrics.setdefault(row["name"], row)
            seen_by.setdefault(row["name"], person)
        for row in client.dimensions(person):
            dimensions.setdefault(row["name"], row)
    if not metrics:
        raise ProgrammingError("None of the dashboards' readers may see a metric.")
    reach = {
        name: frozenset(row["name"] for row in client.dimensions(person, (name,)))
        for name, person in seen_by.items()
    }
    days = {
        board.period_of: found
        for board in boards
        if board.period_of in metrics and (found := recorded(client, board.period_of, seen_by))
    }
    known = Known(
        metrics=metrics,
        dimensions=dimensions,
        reach=reach,
        recorded=next(iter(days.values()), _UNKNOWN),
        silent=silent(client, boards, seen_by),
        colours=dict(zip(regions(client, people), theme.CATEGORICAL[0]["colors"], strict=False)),
        review_url=f"{site}/review",
        lineage_url=f"{site}/review/lineage",
    )
    return known, days


Days = dict[str, Recorded]


def silent(client: Client, boards: Iterable[Board], seen_by: dict[str, str]) -> frozenset[str]:
    """Metrics of the boards that have no value at all, asked in one question per person."""
    wanted = sorted({name for board in boards for item in board.items for name in item.metrics})
    found: set[str] = set()
    for person in sorted(set(seen_by.values())):
        names = [name for name in wanted if seen_by.get(name) == person]
        with contextlib.suppress(Error):  # a metric over time cannot be asked without it: then all are shown
            table, _ = client.sql(
                f"SELECT {', '.join(f'MEASURE({n}) AS {n}' for n in names)} FROM metrics", person
            )
            values = (table.to_pylist() or [{}])[0]
            found |= {name for name in names if values.get(name) is None}
    return frozenset(found)


def regions(client: Client, people: Sequence[str]) -> list[str]:
    """Every region that one of `people` may see, by name."""
    found: set[str] = set()
    for person in people:
        with contextlib.suppress(Error):
            table, _ = client.sql("SELECT DISTINCT location__region AS region FROM metrics", person)
            found |= {str(row["region"]) for row in table.to_pylist() if row["region"]}
    return sorted(found)


def recorded(client: Client, metric: str, seen_by: dict[str, str]) -> Recorded | None:
    """First and last day with data of a metric, or None where there is none yet."""
    sql = f"SELECT {TIME} AS day, MEASURE({metric}) AS value FROM metrics GROUP BY {TIME}"
    try:
        table, _ = client.sql(sql, seen_by[metric])
    except Error:
        return None
    rows = table.to_pylist()
    days = [_day(row["day"]) for row in rows if row["value"] is not None and row["day"] is not None]
    return Recorded(min(days), max(days)) if days else None


def _day(value: dt.date | dt.datetime) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
