# ruff: noqa: E501 - tables of cases read better in one line
"""Dashboard queries over a large fact and over its rollup: how much faster, and that every row is the same."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from semantic import MetricQuery, SemanticLayer, Statistics, check_rollups
from semantic.definitions.catalog import Rollup
from semantic.definitions.manifest import build_catalog
from semantic.definitions.rollups import read_rollup
from tests.bench.rows import Row, alternate_ms
from tests.semantic.retailer import manifest

TABLES = """
CREATE TABLE dim_product AS SELECT 'p'||i product_id, 'd'||(i%30) department, 'b'||(i%500) brand, 's'||(i%80) supplier_id FROM range(20000) t(i);
CREATE TABLE dim_location AS SELECT 'l'||i location_id, ['East','West','North','South'][1+i%4] region FROM range(100) t(i);
CREATE TABLE time_spine AS SELECT CAST(d AS DATE) date_day FROM range(DATE '2016-01-01', DATE '2018-01-01', INTERVAL 1 DAY) t(d);
CREATE TABLE fct_sales AS SELECT DATE '2017-01-01' + (i*365//{lines})::INT date_day, 'p'||(hash(i)%20000) product_id, 'l'||(hash(i*7)%100) location_id, ((hash(i*3)%100000)/100.0)::DECIMAL(18,4) amount, (1+hash(i*5)%4)::INT units FROM range({lines}) t(i);
"""
DAY, PLACE = ("metric_time__day", "date_day"), ("location", "location_id")
DEPARTMENT = ("product__department", "department")
KEEPS = {
    "rollup_location_department": dict([DAY, PLACE, DEPARTMENT]),
    "rollup_location": dict([DAY, PLACE]),
    "rollup_department": dict([DAY, DEPARTMENT]),
}
MEASURES = {"amount": "sum", "units": "sum", "lines": {"agg": "count", "expr": "amount"}}


def _rollups(connection: duckdb.DuckDBPyConnection) -> tuple[Rollup, ...]:
    """Build them and declare them, as dbt models would."""
    for name, keeps in KEEPS.items():
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {', '.join(keeps.values())}, SUM(amount) amount, SUM(units) units, COUNT(amount) lines"
            " FROM fct_sales LEFT JOIN dim_product USING (product_id) GROUP BY ALL"
        )
    declared = {
        name: {"of": "fct_sales", "keeps": keeps, "measures": MEASURES} for name, keeps in KEEPS.items()
    }
    return tuple(read_rollup(name, f"main.{name}", raw) for name, raw in declared.items())


DASHBOARD = [
    ("net sales by week and region", MetricQuery(["net_sales"], ["metric_time__week", "location__region"])),
    ("net sales and price by month and department", MetricQuery(["net_sales", "price"], ["metric_time__month", "product__department"])),
    ("lines and average line by department", MetricQuery(["sales_lines", "average_line"], ["product__department"])),
    ("growth on the month before", MetricQuery(["sales_growth"], ["metric_time__month"])),
    ("trailing 28 days by day", MetricQuery(["sales_28_days"], ["metric_time__day"])),
    ("year to date of one department", MetricQuery(["sales_to_date"], ["metric_time__day"], ["product__department = 'd3'"])),
    ("top regions of a quarter", MetricQuery(["net_sales"], ["location__region"], order_by=["-net_sales"], limit=3, time_constraint=("2017-04-01", "2017-06-30"))),
]  # fmt: skip


def rollup_rows(lines: int) -> Iterator[Row]:
    """One row a query, its peer the same query without rollups; the last says the least gain."""
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(str(Path(folder) / "large.duckdb"))
        connection.execute(
            "SET threads = 2; SET preserve_insertion_order = false; SET memory_limit = '4GB'; SET enable_progress_bar = false"
        )
        connection.execute(TABLES.format(lines=lines))
        dates = frozenset({("main.fct_sales", "date_day")})
        rollups = _rollups(connection)
        plain = SemanticLayer(build_catalog(manifest()), Statistics(dates=dates))
        rolled = SemanticLayer(build_catalog(manifest(), rollups), Statistics(dates=dates))
        check_rollups(rolled.catalog, connection)
        gains = []
        for name, query in DASHBOARD:
            fast, slow = rolled.compile(query), plain.compile(query)
            ours, theirs = alternate_ms(
                [lambda s=c.sql: connection.execute(s).fetchall() for c in (fast, slow)], 3
            )  # type: ignore[misc]
            same = _rows(connection, fast.sql) == _rows(connection, slow.sql)
            gains.append(theirs / ours)
            yield Row(
                "queries", f"rollup of {lines / 1e6:g} M lines: {name}", "ms", ours, "1/10 of the fact, same rows", theirs,
                ours / theirs, holds=same and bool(fast.rollups) and ours <= theirs / 10,
            )  # fmt: skip
        yield Row(
            "queries",
            f"rollup of {lines / 1e6:g} M lines: median gain",
            "×",
            statistics.median(gains),
            10,
            holds=statistics.median(gains) >= 10,
        )
        connection.close()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return sorted(connection.execute(sql).fetchall(), key=str)
