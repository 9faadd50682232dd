"""What there is to show, asked over HTTP on behalf of the people who will look."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Sequence

from . import theme
from .client import Client
from .definitions_context import TIME, DefinitionsContext
from .errors import Error, ProgrammingError
from .json_types import Dimension, Metric
from .periods import Recorded
from .spec import DashboardSpec

_UNKNOWN = Recorded(dt.date(2000, 1, 1), dt.date(2000, 12, 31))


def fetch(
    client: Client, people: Sequence[str], specs: Iterable[DashboardSpec], site: str
) -> tuple[DefinitionsContext, Days]:
    """Every metric and dimension that any of `people` may see, and which days have data.

    `site` is where a browser finds the API. Raises ProgrammingError if none of them sees anything.
    """
    metrics: dict[str, Metric] = {}
    dimensions: dict[str, Dimension] = {}
    seen_by: dict[str, str] = {}
    for person in people:
        for metric in client.metrics(person):
            metrics.setdefault(metric["name"], metric)
            seen_by.setdefault(metric["name"], person)
        for dimension in client.dimensions(person):
            dimensions.setdefault(dimension["name"], dimension)
    if not metrics:
        raise ProgrammingError("None of the dashboards' readers may see a metric.")
    reach = {
        name: frozenset(row["name"] for row in client.dimensions(person, (name,)))
        for name, person in seen_by.items()
    }
    days = {
        spec.period_of: period
        for spec in specs
        if spec.period_of in metrics and (period := recorded(client, spec.period_of, seen_by))
    }
    context = DefinitionsContext(
        metrics=metrics,
        dimensions=dimensions,
        reach=reach,
        recorded=next(iter(days.values()), _UNKNOWN),
        metrics_without_data=metrics_without_data(client, specs, seen_by),
        colours=dict(zip(regions(client, people), theme.COLOURS, strict=False)),
        review_url=f"{site}/review",
        lineage_url=f"{site}/review/lineage",
    )
    return context, days


Days = dict[str, Recorded]


def metrics_without_data(
    client: Client, specs: Iterable[DashboardSpec], seen_by: dict[str, str]
) -> frozenset[str]:
    """Metrics of the dashboards that have no value at all, asked in one question per person."""
    wanted = sorted({name for spec in specs for item in spec.items for name in item.metrics})
    empty: set[str] = set()
    for person in sorted(set(seen_by.values())):
        names = [name for name in wanted if seen_by.get(name) == person]
        with contextlib.suppress(Error):  # a metric over time cannot be asked without it: then all are shown
            table, _ = client.sql(
                f"SELECT {', '.join(f'MEASURE({n}) AS {n}' for n in names)} FROM metrics", person
            )
            values = (table.to_pylist() or [{}])[0]
            empty |= {name for name in names if values.get(name) is None}
    return frozenset(empty)


def regions(client: Client, people: Sequence[str]) -> list[str]:
    """Every region that one of `people` may see, by name."""
    names: set[str] = set()
    for person in people:
        with contextlib.suppress(Error):
            table, _ = client.sql("SELECT DISTINCT location__region AS region FROM metrics", person)
            names |= {str(row["region"]) for row in table.to_pylist() if row["region"]}
    return sorted(names)


def recorded(client: Client, metric: str, seen_by: dict[str, str]) -> Recorded | None:
    """First and last day with data of a metric, or None if there is none yet."""
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
