"""Today is the as-of day of the data: in semantic SQL, in filters and in definitions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import InvalidQueryError

from .retailer import TABLES, manifest

DAY = dt.date(2024, 3, 1)


@pytest.mark.parametrize(
    ("condition", "sales"),
    [
        ("metric_time = CURRENT_DATE", 3),
        ("metric_time = TODAY()", 3),
        ("metric_time >= NOW() AND metric_time < CURRENT_TIMESTAMP + INTERVAL 1 DAY", 3),
        ("metric_time > current_date - 2 and metric_time <= current_date()", 10),
        ("metric_time BETWEEN DATEADD(day, -1, GETDATE()) AND LOCALTIMESTAMP", 10),
        ("metric_time = DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)", 7),
        ("metric_time = DATE_ADD('day', -1, CURRENT_DATE)", 7),
        ("metric_time__month = DATE_TRUNC('month', CURRENT_DATE - INTERVAL '1 month')", 52),
        ("DATEDIFF('day', metric_time, CURRENT_DATE) = 1", 7),
    ],
)
def test_today_is_the_day_of_the_data(tables: duckdb.DuckDBPyConnection, condition: str, sales: int) -> None:
    layer = SemanticLayer.from_dict(manifest(), as_of=DAY)
    compiled = [
        layer.compile(MetricQuery(metrics=["net_sales"], where=[condition])),
        parse_semantic_sql(layer, f"SELECT MEASURE(net_sales) FROM metrics WHERE {condition}"),
    ]
    assert [tables.execute(c.sql).fetchall() for c in compiled] == [[(float(sales),)]] * 2


def test_today_may_be_shown_and_named(tables: duckdb.DuckDBPyConnection) -> None:
    layer = SemanticLayer.from_dict(manifest(), as_of=DAY)
    sql = """SELECT CURRENT_DATE AS "today()", 'now()' AS n, MEASURE(net_sales) FROM metrics GROUP BY 1, 2"""
    compiled = parse_semantic_sql(layer, sql)
    assert [c.name for c in compiled.columns][:2] == ["today()", "n"]
    assert tables.execute(compiled.sql).fetchall() == [(DAY, "now()", 130.0)]


def test_definitions_mean_it_as_well(tables: duckdb.DuckDBPyConnection) -> None:
    raw = manifest()
    net_sales = next(m for m in raw["metrics"] if m["name"] == "net_sales")
    today = "{{ TimeDimension('metric_time', 'day') }} = CURRENT_DATE"
    filters = {"where_filters": [{"where_sql_template": today}]}
    raw["metrics"].append({**net_sales, "name": "sales_today", "filter": filters})
    layer = SemanticLayer.from_dict(raw, as_of=DAY)
    assert tables.execute(layer.compile(MetricQuery(metrics=["sales_today"])).sql).fetchall() == [(3.0,)]


def test_without_a_day_of_the_data_today_is_refused(layer: SemanticLayer) -> None:
    for condition in ("metric_time > CURRENT_DATE - 7", "metric_time < now()"):
        with pytest.raises(InvalidQueryError, match="asks for today"):
            layer.compile(MetricQuery(metrics=["net_sales"], where=[condition]))


@pytest.mark.parametrize(("built", "day"), [(None, "2024-03-31"), ("2024-03-30", "2024-03-01")])
def test_the_newest_day_with_rows_within_the_spine(tmp_path: Path, built: str | None, day: str) -> None:
    """What was promised for later, or after the build, is not data yet."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
        connection.execute("INSERT INTO fct_stock VALUES (DATE '2031-01-01', 'p1', 'l1', 1, 1)")
    layer = SemanticLayer.from_dict(manifest())
    with Engine(path) as engine:
        when = dt.date.fromisoformat(built) if built else None
        assert engine.as_of_day(layer.catalog, when) == dt.date.fromisoformat(day)
