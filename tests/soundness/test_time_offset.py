"""Metrics that look back by months, quarters and years, against plain arithmetic on days.

Every day that was recorded counts in exactly one later period: 31 January is a month later part of February,
whatever days are filtered and whatever periods are shown, so that a filter which removes nothing changes
nothing. Only if days themselves are shown, or the window is a part of the period shown (as in MetricFlow),
does each day look at its own day back, and the 29th to 31st of March all show the end of February.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest

MONTHS = {"month": 1, "quarter": 3, "year": 12}
FIRST, LAST = dt.date(2022, 1, 1), dt.date(2025, 12, 31)
DAYS = [FIRST + dt.timedelta(n) for n in range((LAST - FIRST).days + 1)]
Keep = Callable[[dt.date], bool]


def start(day: dt.date, grain: str) -> dt.date:
    """The first day of the period that holds a day."""
    if grain == "day":
        return day
    if grain == "week":
        return day - dt.timedelta(day.weekday())
    months = MONTHS[grain]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def back(day: dt.date, months: int) -> dt.date:
    """The same day some months before, or the last of that month where it is shorter."""
    at = day.year * 12 + day.month - 1 - months
    year, month = at // 12, at % 12 + 1
    length = ((dt.date(year, month, 28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)).day
    return dt.date(year, month, min(day.day, length))


def whole_periods(sold: dict[dt.date, int], months: int, grain_shown: str, keep: Keep) -> dict[dt.date, int]:
    by_label: dict[dt.date, int] = defaultdict(int)
    for day, units in sold.items():
        label = back(start(day, grain_shown), -months)
        if keep(label) and label <= LAST:
            by_label[label] += units
    return dict(by_label)


def moved(sold: dict[dt.date, int], months: int, grain_shown: str, keep: Keep) -> dict[dt.date, int]:
    """Each recorded day counts on the day some months later, or the last of that month if it is shorter."""
    by_label: dict[dt.date, int] = defaultdict(int)
    for day, units in sold.items():
        later = back(day, -months)
        if keep(later) and later <= LAST:
            by_label[start(later, grain_shown)] += units
    return dict(by_label)


def day_by_day(sold: dict[dt.date, int], months: int, grain_shown: str, keep: Keep) -> dict[dt.date, int]:
    by_label: dict[dt.date, int] = defaultdict(int)
    for day in DAYS:
        if keep(day) and (units := sold.get(back(day, months))) is not None:
            by_label[start(day, grain_shown)] += units
    return dict(by_label)


@pytest.fixture(scope="module")
def sold() -> dict[dt.date, int]:
    rng = seeded()
    ends = [d for d in DAYS if d.day > 27 and d.year < 2025]
    return {day: rng.randint(1, 99) for day in {*rng.sample(DAYS, 500), *ends}}


@pytest.fixture(scope="module")
def tables(sold: dict[dt.date, int]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("DELETE FROM fct_sales; DELETE FROM time_spine")
    connection.executemany("INSERT INTO time_spine VALUES (?)", [[day] for day in DAYS])
    connection.executemany(
        "INSERT INTO fct_sales (sale_id, date_day, amount, customer_id) VALUES (?, ?, ?, ?)",
        [[str(n), day, units, f"c{n % 7}"] for n, (day, units) in enumerate(sold.items())],
    )
    return connection


def _before(count: int, grain: str, metric: str = "net_sales") -> SemanticLayer:
    raw = manifest()
    window = {"count": count, "granularity": grain}
    inputs = [{"name": metric, "alias": "earlier", "offset_window": window}]
    raw["metrics"].append(
        {"name": "before", "type": "derived", "type_params": {"expr": "earlier", "metrics": inputs}}
    )
    return SemanticLayer.from_dict(raw)


SINCE = dt.date(2023, 3, 30)
CASES = {
    "whole months, no filter": ((1, "month"), "month", "", lambda d: True, whole_periods),
    "a quarter back by month": ((1, "quarter"), "month", "", lambda d: True, whole_periods),
    "two years back by quarter": ((2, "year"), "quarter", "", lambda d: True, whole_periods),
    "filtered by the shown months": (
        (1, "month"), "month", "metric_time__month >= '2023-03-30'", lambda d: start(d, "month") >= SINCE,
        whole_periods,
    ),
    "a quarter back, filtered by the shown months": (
        (1, "quarter"), "month", "metric_time__month >= '2023-03-30'", lambda d: start(d, "month") >= SINCE,
        whole_periods,
    ),
    "filtered by coarser periods": (
        (1, "month"), "month", "metric_time__quarter >= '2023-03-30'", lambda d: start(d, "quarter") >= SINCE,
        whole_periods,
    ),
    "a year back by quarter, filtered by years": (
        (1, "year"), "quarter", "metric_time__year = '2024-01-01'", lambda d: d.year == 2024, whole_periods,
    ),
    "part of what is shown": ((1, "month"), "quarter", "", lambda d: True, day_by_day),
    "part of what is shown, and a filter that removes nothing": (
        (1, "month"), "quarter", "metric_time__day >= '2000-01-01'", lambda d: True, day_by_day,
    ),
    "by weeks, which are no part of a month": ((1, "month"), "week", "", lambda d: True, moved),
    "a year back by weeks, filtered by days": (
        (1, "year"), "week", "metric_time__day >= '2023-03-30'", lambda d: d >= SINCE, moved,
    ),
    "filtered by finer periods": (
        (1, "quarter"), "quarter", "metric_time__month >= '2023-03-30'", lambda d: start(d, "month") >= SINCE,
        moved,
    ),
    "filtered by days": (
        (1, "month"), "month", "metric_time__day >= '2023-03-30'", lambda d: d >= SINCE, moved,
    ),
    "filtered by days that are all there are": (
        (1, "month"), "month", "metric_time__day >= '2000-01-01'", lambda d: True, whole_periods,
    ),
    "filtered by the fact's own days": (
        (1, "month"), "month", "sale__date_day__day >= '2023-03-30'", lambda d: d >= SINCE, moved,
    ),
    "filtered by a part of the date": (
        (1, "month"), "month", "metric_time__extract_day > 29", lambda d: d.day > 29, moved,
    ),
    "by day": ((1, "month"), "day", "", lambda d: True, day_by_day),
    "a leap day by day": ((1, "year"), "day", "", lambda d: True, day_by_day),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_looking_back(case: str, sold: dict[dt.date, int], tables: duckdb.DuckDBPyConnection) -> None:
    (count, grain), grain_shown, where, keep, by_hand = CASES[case]
    asked = MetricQuery(["before"], [f"metric_time__{grain_shown}"], [where] if where else [])
    rows = tables.execute(_before(count, grain).compile(asked).sql).fetchall()
    by_label = {
        at.date() if isinstance(at, dt.datetime) else at: value for at, value in rows if value is not None
    }
    assert by_label == by_hand(sold, count * MONTHS[grain], grain_shown, keep)
    assert len(by_label) > 3


def test_the_ways_differ(sold: dict[dt.date, int]) -> None:
    everything: Keep = lambda d: True  # noqa: E731 - a parameter, as in the cases
    assert whole_periods(sold, 1, "month", everything) == moved(sold, 1, "month", everything)
    assert whole_periods(sold, 1, "month", everything) != day_by_day(sold, 1, "month", everything)


KINDS = {
    "sum": ("net_sales", "SUM(amount)"),
    "distinct": ("active_customers", "COUNT(DISTINCT customer_id)"),
    "largest": ("largest_line", "MAX(amount)"),
    "filled": ("sales_or_zero", "COALESCE(SUM(amount), 0)"),
}


@pytest.mark.parametrize("where", ["", "metric_time__day >= '2000-01-01'"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_a_filter_that_removes_nothing(
    kind: str, grain: str, where: str, tables: duckdb.DuckDBPyConnection
) -> None:
    """Last month's value of every kind of aggregation is that of the rows of last month, filtered or not."""
    metric, aggregate = KINDS[kind]
    asked = MetricQuery(["before"], [f"metric_time__{grain}"], [where] if where else [])
    rows = dict(tables.execute(_before(1, grain, metric).compile(asked).sql).fetchall())
    by_hand = tables.execute(
        f"SELECT DATE_TRUNC('{grain}', date_day) + INTERVAL 1 {grain}, {aggregate} FROM fct_sales GROUP BY 1"
    ).fetchall()
    assert {_day(at): v for at, v in rows.items() if v} == {
        _day(at): v for at, v in by_hand if _day(at) <= LAST
    }


def _day(at: dt.date) -> dt.date:
    return at.date() if isinstance(at, dt.datetime) else at
