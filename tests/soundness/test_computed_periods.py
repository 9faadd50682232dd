"""A period that an expression tells is the period that its plain name tells, for every kind of metric.

BI tools seldom write `DATE_TRUNC('month', metric_time)` alone: Tableau casts it twice, Metabase shifts weeks
to Sundays, people write EXTRACT and CASE. Whatever asks "which period is shown" (closing balances, balances
carried forward, means over days, offsets, windows, fills) must see such keys as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import UnsupportedError
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest

Label = Callable[[dt.date], object]
FactScan = dict[object, tuple[object, ...]]

T = "metric_time"
MONTH_BY_CASE = (
    f"CASE WHEN {T} < '2024-02-01' THEN 1 WHEN {T} < '2024-03-01' THEN 2 "
    f"WHEN {T} < '2024-04-01' THEN 3 ELSE 4 END"
)
QUARTER_BY_MONTHS = f"CASE WHEN EXTRACT(MONTH FROM {T}) <= 3 THEN 1 ELSE 2 END"
LOOKS_A_MONTH_BACK = {"sales_growth", "inventory_days_before"}
WAYS: dict[str, dict[str, Label]] = {
    "month": {
        f"DATE_TRUNC('month', {T})": lambda d: d,
        f"CAST(DATE_TRUNC('MONTH', CAST({T} AS TIMESTAMP)) AS DATE)": lambda d: d,
        f"DATE_TRUNC('month', {T})::DATE": lambda d: d,
        f"CAST(DATE_TRUNC('month', CAST({T} AS DATE)) AS TIMESTAMP)": lambda d: d,
        f"EXTRACT(MONTH FROM {T})": lambda d: d.month,
        f"EXTRACT(MONTH FROM CAST({T} AS TIMESTAMP))": lambda d: d.month,
        f"EXTRACT(YEAR FROM {T}) * 100 + EXTRACT(MONTH FROM {T})": lambda d: d.year * 100 + d.month,
        f"DATE_TRUNC('month', {T}) + INTERVAL '1 day'": lambda d: d + dt.timedelta(1),
        f"CASE WHEN EXTRACT(MONTH FROM {T}) = 2 THEN 2 ELSE EXTRACT(MONTH FROM {T}) END": lambda d: d.month,
        MONTH_BY_CASE: lambda d: d.month,
        f"DATE_TRUNC('month', DATE_TRUNC('day', {T}))": lambda d: d,
    },
    "quarter": {
        f"DATE_TRUNC('quarter', {T})": lambda d: d,
        f"CAST(DATE_TRUNC('QUARTER', CAST({T} AS TIMESTAMP)) AS DATE)": lambda d: d,
        f"EXTRACT(QUARTER FROM {T})": lambda d: (d.month + 2) // 3,
        f"EXTRACT(YEAR FROM {T}) * 10 + EXTRACT(QUARTER FROM {T})": (
            lambda d: d.year * 10 + (d.month + 2) // 3
        ),
        QUARTER_BY_MONTHS: lambda d: (d.month + 2) // 3,
    },
    "week": {
        f"DATE_TRUNC('week', {T})": lambda d: d,
        f"CAST(DATE_TRUNC('WEEK', CAST({T} AS TIMESTAMP)) AS DATE)": lambda d: d,
        f"DATE_TRUNC('week', {T}) + INTERVAL '6 days'": lambda d: d + dt.timedelta(6),
        f"DATE_TRUNC('week', {T} + INTERVAL '7 days') + INTERVAL '-7 days'": lambda d: d,
    },
}  # fmt: skip
"""How people and BI tools say a period, and what each shows for the period that starts on a day."""
METRICS = [
    "net_sales", "active_customers", "price", "sales_or_zero", "sales_growth", "sales_to_date",
    "sales_28_days", "buyers_28_days", "inventory_on_hand_units", "inventory_last_day_units",
    "average_inventory_cost", "carried_units", "inventory_days", "inventory_days_before", "inventory_turns",
]  # fmt: skip


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    return SemanticLayer.from_dict(manifest())


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    """The tiny retailer with one whole month more, so that every period of the year has a neighbour."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    return connection


def plain(value: object) -> object:
    match value:
        case dt.datetime():
            return value.date()
        case float() | int() if not isinstance(value, bool):
            return round(float(value), 6)
    return value


def by_name(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, metrics: list[str], grain: str
) -> FactScan:
    compiled = layer.compile(MetricQuery(metrics, [f"metric_time__{grain}"]))
    return {plain(at): tuple(map(plain, rest)) for at, *rest in tables.execute(compiled.sql).fetchall()}


def by_sql(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, metrics: list[str], way: str, where: str = ""
) -> FactScan:
    measures = ", ".join(f"MEASURE({m}) AS {m}" for m in metrics)
    sql = f"SELECT {way} AS shown, {measures} FROM metrics {where} GROUP BY 1"
    answer = tables.execute(parse_semantic_sql(layer, sql).sql).fetchall()
    rows = {plain(at): tuple(map(plain, rest)) for at, *rest in answer}
    assert len(rows) == len(answer), "a period is shown twice"
    return rows


@pytest.mark.parametrize(("grain", "way"), [(grain, way) for grain, ways in WAYS.items() for way in ways])
@pytest.mark.parametrize("metric", METRICS)
def test_a_period_by_expression_is_the_period_by_name(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, metric: str, grain: str, way: str
) -> None:
    if way == QUARTER_BY_MONTHS and metric in LOOKS_A_MONTH_BACK:
        way = f"EXTRACT(QUARTER FROM {T})"  # by months whole months move, by quarters single days
    label = WAYS[grain][way]
    expected = labelled(by_name(layer, tables, [metric], grain), label)
    answer = by_sql(layer, tables, [metric], way)
    assert without_empty(answer) == without_empty(expected)


def labelled(rows: FactScan, label: Label) -> FactScan:
    return {plain(label(at)): rest for at, rest in rows.items() if isinstance(at, dt.date)}


def without_empty(rows: FactScan) -> FactScan:
    """Without periods of which nothing is known: an expression over data cannot name those that have none."""
    return {at: rest for at, rest in rows.items() if any(v is not None for v in rest)}


def test_several_kinds_of_metrics_in_one_question(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    """Random sets of metrics by random ways: columns of one answer are those of the answers one by one."""
    rng = seeded()
    for _ in range(25):
        grain = rng.choice(list(WAYS))
        way, label = rng.choice(list(WAYS[grain].items()))
        metrics = rng.sample([m for m in METRICS if m not in LOOKS_A_MONTH_BACK], rng.randint(2, 4))
        expected = labelled(by_name(layer, tables, metrics, grain), label)
        assert without_empty(by_sql(layer, tables, metrics, way)) == without_empty(expected), (metrics, way)


SUNDAYS = f"(DATE_TRUNC('week', ({T} + INTERVAL '1 day')) + INTERVAL '-1 day')"


def test_weeks_that_start_on_sunday(layer: SemanticLayer, tables: duckdb.DuckDBPyConnection) -> None:
    """What Metabase writes, against hand-written SQL."""
    rows = by_sql(
        layer, tables, ["inventory_on_hand_units", "inventory_last_day_units", "net_sales"], SUNDAYS
    )
    sunday = "CAST(DATE_TRUNC('week', date_day + INTERVAL 1 DAY) - INTERVAL 1 DAY AS DATE) AS w"
    hand = tables.execute(
        f"""
        WITH x AS (SELECT *, {sunday} FROM fct_stock),
             last AS (SELECT *, MAX(date_day) OVER (PARTITION BY w) AS d,
                             MAX(date_day) OVER (PARTITION BY w, product_id, location_id) AS own FROM x),
             stock AS (SELECT w, SUM(units) FILTER (date_day = own) AS a,
                              SUM(units) FILTER (date_day = d) AS b FROM last GROUP BY w),
             sales AS (SELECT {sunday}, SUM(amount) AS c FROM fct_sales GROUP BY 1)
        SELECT COALESCE(stock.w, sales.w), a, b, c FROM stock FULL JOIN sales ON stock.w = sales.w
        """
    ).fetchall()
    assert rows == {plain(at): tuple(map(plain, rest)) for at, *rest in hand}


def test_a_filter_on_days_beside_an_expression(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    """The balance at the end of what is asked for, not at the end of the month."""
    where = "WHERE metric_time < '2024-03-15'"
    way = f"EXTRACT(MONTH FROM {T})"
    rows = by_sql(layer, tables, ["inventory_on_hand_units", "average_inventory_cost"], way, where)
    assert rows == {1: (28.0, 290.0), 2: (8.0, 90.0)}


def test_time_and_another_dimension_in_one_expression(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    """Rows decide such a key, so balances can be cut by it; days of a period cannot, and that is said."""
    way = f"CASE WHEN location__region = 'East' THEN EXTRACT(MONTH FROM {T}) ELSE 0 END"
    rows = by_sql(layer, tables, ["inventory_on_hand_units"], way)
    assert rows == {1: (28.0,), 2: (5.0,), 3: (9.0,), 0: (5.0,)}
    with pytest.raises(UnsupportedError, match="number of days of average_inventory_cost"):
        by_sql(layer, tables, ["average_inventory_cost"], way)
