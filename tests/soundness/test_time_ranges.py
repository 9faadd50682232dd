"""The first and the last day asked for are what is counted, however finely the data know their time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import InvalidQueryError
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest

HALF_HOURS = [dt.datetime(2024, 3, 9) + dt.timedelta(minutes=30 * n) for n in range(3 * 48)]


def readings(grain: str = "hour") -> dict[str, Any]:
    """A fact that is known by the hour, beside the tiny retailer."""
    raw = manifest()
    raw["semantic_models"].append(
        {
            "name": "readings", "primary_entity": "reading", "entities": [],
            "node_relation": {"alias": "readings", "schema_name": "main", "relation_name": "main.readings"},
            "dimensions": [{"name": "seen_at", "type": "time", "type_params": {"time_granularity": grain}}],
            "measures": [{"name": "counted", "agg": "sum", "expr": "1"}],
            "defaults": {"agg_time_dimension": "seen_at"},
        }
    )  # fmt: skip
    raw["metrics"] += [
        {"name": "readings", "type": "simple", "type_params": {"measure": {"name": "counted"}}},
        {"name": "readings_a_day_ago", "type": "derived", "type_params": {"expr": "ago", "metrics": [
            {"name": "readings", "alias": "ago", "offset_window": {"count": 1, "granularity": "day"}}]}},
        {"name": "readings_24_hours", "type": "cumulative", "type_params": {
            "measure": {"name": "counted"},
            "cumulative_type_params": {"window": {"count": 24, "granularity": "hour"}}}},
    ]  # fmt: skip
    hours = {"alias": "hours", "schema_name": "main", "relation_name": "main.hours"}
    raw["project_configuration"]["time_spines"].append(
        {"node_relation": hours, "primary_column": {"name": "starts_at", "time_granularity": "hour"},
         "custom_granularities": []}
    )  # fmt: skip
    return raw


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    return SemanticLayer.from_dict(readings())


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("CREATE TABLE readings (seen_at TIMESTAMP)")
    connection.executemany("INSERT INTO readings VALUES (?)", [[at] for at in HALF_HOURS])
    connection.execute(
        "CREATE TABLE hours AS SELECT starts_at FROM range(TIMESTAMP '2024-03-01', TIMESTAMP '2024-04-01', "
        "INTERVAL 1 HOUR) r(starts_at)"
    )
    return connection


def value(tables: duckdb.DuckDBPyConnection, sql: str) -> object:
    rows = tables.execute(sql).fetchall()
    assert len(rows) == 1
    return rows[0][-1]


@pytest.mark.parametrize(
    ("over", "counted"),
    [
        (("2024-03-10", "2024-03-10"), 48),
        (("2024-03-10", "2024-03-11"), 96),
        (("2024-03-10 06:00", "2024-03-10 06:00"), 2),
        (("2024-03-10 22:00", "2024-03-11"), 4 + 48),
    ],
)
@pytest.mark.parametrize("whole_periods", [True, False])
def test_days_and_hours_of_an_hourly_metric(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, over: tuple[str, str], counted: int,
    whole_periods: bool,
) -> None:  # fmt: skip
    asked = MetricQuery(["readings"], time_constraint=over, whole_periods=whole_periods)
    assert value(tables, layer.compile(asked).sql) == counted


def test_hours_of_a_day_by_hour(layer: SemanticLayer, tables: duckdb.DuckDBPyConnection) -> None:
    asked = MetricQuery(["readings"], ["metric_time__hour"], time_constraint=("2024-03-10", "2024-03-10"))
    rows = tables.execute(layer.compile(asked).sql).fetchall()
    assert sorted(rows) == [(dt.datetime(2024, 3, 10, hour), 2) for hour in range(24)]


@pytest.mark.parametrize(
    ("where", "counted"),
    [
        (
            "metric_time >= TIMESTAMP '2024-03-10 06:00' AND metric_time < TIMESTAMP '2024-03-10 12:00'",
            12,
        ),
        ("metric_time >= '2024-03-10' AND metric_time < '2024-03-11'", 48),
        ("metric_time BETWEEN '2024-03-10 06:00:00' AND '2024-03-10 06:59:59'", 2),
        ("CAST(metric_time AS DATE) = '2024-03-10'", 48),
        ("DATE_TRUNC('day', metric_time) = '2024-03-10'", 48),
        ("EXTRACT(HOUR FROM metric_time) = 6", 6),
    ],
)
def test_an_instant_in_where(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, where: str, counted: int
) -> None:
    compiled = parse_semantic_sql(layer, f"SELECT MEASURE(readings) FROM metrics WHERE {where}")
    assert value(tables, compiled.sql) == counted


def test_the_middle_of_a_month_is_not_the_month(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    """The same days by month, by week, by day and ungrouped: one total."""
    rng = seeded()
    days = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(91)]
    for _ in range(40):
        first, last = sorted(rng.sample(days, 2))
        over = (first.isoformat(), last.isoformat())
        by_hand = tables.execute(
            "SELECT SUM(amount) FROM fct_sales WHERE date_day BETWEEN ? AND ?", list(over)
        ).fetchone()
        for grain in ("", "day", "week", "month", "quarter", "year"):
            by = [f"metric_time__{grain}"] if grain else []
            asked = MetricQuery(["net_sales"], by, time_constraint=over, whole_periods=False)
            rows = tables.execute(layer.compile(asked).sql).fetchall()
            total = sum(row[-1] for row in rows if row[-1] is not None) if rows else None
            assert (total or None) == by_hand[0], (over, grain)  # type: ignore[index]


def test_whole_periods_are_a_question_of_their_own(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    over = ("2024-02-10", "2024-02-11")
    asked = MetricQuery(["net_sales"], ["metric_time__month"], time_constraint=over, whole_periods=True)
    assert value(tables, layer.compile(asked).sql) == 52.0
    asked = MetricQuery(["net_sales"], ["metric_time__month"], time_constraint=over, whole_periods=False)
    assert tables.execute(layer.compile(asked).sql).fetchall() == []


def test_balances_at_the_end_of_what_is_asked_for(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    """Stock on the last day with data up to 28 February; a month before, there was no sale by then."""
    over = ("2024-02-01", "2024-02-28")
    asked = MetricQuery(
        ["inventory_on_hand_units", "sales_growth"], ["metric_time__month"], time_constraint=over,
        whole_periods=False,
    )  # fmt: skip
    (row,) = tables.execute(layer.compile(asked).sql).fetchall()
    assert row[1:] == (10, None)  # 30 and 31 January are 29 February a month later


@pytest.mark.parametrize(
    "instant", ["2024-03-10T00:00:00Z", "2024-03-10T00:00:00+02:00", "2024-03-10 00:00-05"]
)
def test_an_instant_with_a_zone_is_refused(layer: SemanticLayer, instant: str) -> None:
    """Which day it is in the retailer's zone is not the compiler's to guess: never cut off."""
    with pytest.raises(InvalidQueryError, match="zone"):
        layer.compile(MetricQuery(["net_sales"], time_constraint=(instant, "2024-03-11")))
    for where in (f"metric_time >= '{instant}'", f"metric_time__day = CAST('{instant}' AS TIMESTAMP)"):
        with pytest.raises(InvalidQueryError, match="zone"):
            layer.compile(MetricQuery(["net_sales"], where=[where]))
        with pytest.raises(InvalidQueryError, match="zone"):
            parse_semantic_sql(layer, f"SELECT MEASURE(net_sales) FROM metrics WHERE {where}")
