# ruff: noqa: E501 - a query and its hand-written peer read better in one line each
"""Executing compiled SQL beside the best hand-written SQL, over a synthetic retailer of sales and stock."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import duckdb

from semantic import MetricQuery, SemanticLayer, Statistics, check_next_snapshots
from semantic.definitions.manifest import build_catalog
from tests.bench.rollups import rollup_rows
from tests.bench.rows import Row, alternate_ms
from tests.semantic.retailer import manifest

TABLES = """
CREATE TABLE dim_product AS SELECT 'p'||i product_id, 'd'||(i%30) department, 'b'||(i%500) brand, 's'||(i%80) supplier_id FROM range(20000) t(i);
CREATE TABLE dim_supplier AS SELECT 's'||i supplier_id, 'sup'||(i%40) supplier_name FROM range(80) t(i);
CREATE TABLE dim_location AS SELECT 'l'||i location_id, ['East','West','North','South'][1+i%4] region FROM range(100) t(i);
CREATE TABLE dim_customer AS SELECT 'c'||i customer_id, 'g'||(i%5) segment, true has_consent FROM range(50000) t(i);
CREATE TABLE fct_sales AS SELECT i::VARCHAR sale_id, DATE '2017-01-01' + (i*365//{sales})::INT date_day, 'p'||(hash(i)%20000) product_id, 'l'||(hash(i*7)%100) location_id, 'c'||(hash(i*13)%50000) customer_id, 'store' channel, (hash(i*3)%1000)/10.0 amount, (1+hash(i*5)%4)::INT units FROM range({sales}) t(i);
CREATE TABLE fct_stock AS SELECT DATE '2017-01-01'+d::INT date_day, 'p'||p product_id, 'l'||l location_id, CASE WHEN d < 364 THEN DATE '2017-01-01'+d::INT+1 END next_day, (hash(d*p+l)%50)::INT units, (hash(d+p*l)%5000)/10.0 stock_value FROM range(365) t(d), range({products}) u(p), range(20) v(l);
CREATE TABLE time_spine AS SELECT CAST(d AS DATE) date_day FROM range(DATE '2016-01-01', DATE '2018-01-01', INTERVAL 1 DAY) t(d);
"""
GROWTH = {
    "name": "growth_28", "type": "derived",
    "type_params": {"expr": "net_sales - before", "metrics": [
        {"name": "net_sales"},
        {"name": "net_sales", "alias": "before", "offset_window": {"count": 28, "granularity": "day"}}]},
}  # fmt: skip
BY_MONTH = ("metric_time__month", "product__department")
DAILY = "WITH d AS (SELECT date_day, SUM(amount) a FROM fct_sales GROUP BY 1)"
SHAPES: list[tuple[str, MetricQuery, str]] = [
    ("net sales by week", MetricQuery(["net_sales"], ["metric_time__week"]), "SELECT DATE_TRUNC('week', date_day), SUM(amount) FROM fct_sales GROUP BY 1"),
    ("by week and department", MetricQuery(["net_sales"], ["metric_time__week", "product__department"]), "SELECT DATE_TRUNC('week', date_day), department, SUM(amount) FROM fct_sales LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2"),
    ("rate by region", MetricQuery(["price"], ["location__region"]), "SELECT region, SUM(a) / SUM(u) FROM (SELECT location_id, SUM(amount) a, SUM(units) u FROM fct_sales GROUP BY 1) LEFT JOIN dim_location USING (location_id) GROUP BY 1"),
    ("growth against 4 weeks ago", MetricQuery(["growth_28"], ["metric_time__day"]), f"{DAILY} SELECT COALESCE(x.date_day, y.date_day + 28), x.a - y.a FROM d x FULL JOIN d y ON x.date_day = y.date_day + 28"),
    ("year to date by day", MetricQuery(["sales_to_date"], ["metric_time__day"]), f"{DAILY} SELECT date_day, SUM(a) OVER (PARTITION BY YEAR(date_day) ORDER BY date_day) FROM d"),
    ("trailing 28 days", MetricQuery(["sales_28_days"], ["metric_time__day"]), f"{DAILY} SELECT date_day, SUM(a) OVER (ORDER BY date_day ROWS 27 PRECEDING) FROM d"),
    ("stock on the last day, month and department", MetricQuery(["inventory_last_day_units"], BY_MONTH), "WITH l AS (SELECT MAX(date_day) d FROM (SELECT DISTINCT date_day FROM fct_stock) GROUP BY DATE_TRUNC('month', date_day)), s AS (SELECT date_day, product_id, SUM(units) u FROM fct_stock WHERE date_day IN (SELECT d FROM l) GROUP BY 1, 2) SELECT DATE_TRUNC('month', date_day), department, SUM(u) FROM s LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2"),
    ("stock on hand of every holding, next count declared, month and department", MetricQuery(["inventory_on_hand_units"], BY_MONTH), "SELECT m, department, SUM(u) FROM (SELECT DATE_TRUNC('month', date_day) m, product_id, SUM(units) u FROM fct_stock WHERE next_day IS NULL OR MONTH(next_day) <> MONTH(date_day) OR YEAR(next_day) <> YEAR(date_day) GROUP BY 1, 2) LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2"),
    ("mean stock value, month and department", MetricQuery(["average_inventory_cost"], BY_MONTH), "SELECT mo, department, SUM(v) / MAX(n) FROM (SELECT DATE_TRUNC('month', date_day) mo, product_id, SUM(stock_value) v FROM fct_stock GROUP BY 1, 2) LEFT JOIN dim_product USING (product_id) JOIN (SELECT DATE_TRUNC('month', date_day) mo, COUNT(DISTINCT date_day) n FROM fct_stock GROUP BY 1) USING (mo) GROUP BY 1, 2"),
    ("distinct customers by month", MetricQuery(["active_customers"], ["metric_time__month"]), "SELECT DATE_TRUNC('month', date_day), COUNT(DISTINCT customer_id) FROM fct_sales GROUP BY 1"),
    ("two facts, month and department", MetricQuery(["net_sales", "average_inventory_cost"], BY_MONTH), "SELECT * FROM (SELECT mo, department, SUM(v) FROM (SELECT DATE_TRUNC('month', date_day) mo, product_id, SUM(stock_value) v FROM fct_stock GROUP BY 1, 2) LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2) FULL JOIN (SELECT mo, department, SUM(v) FROM (SELECT DATE_TRUNC('month', date_day) mo, product_id, SUM(amount) v FROM fct_sales GROUP BY 1, 2) LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2) USING (mo, department)"),
    ("filter on a joined dimension", MetricQuery(["net_sales"], ["metric_time__month"], ["product__department = 'd3'"]), "SELECT DATE_TRUNC('month', date_day), SUM(amount) FROM fct_sales LEFT JOIN dim_product USING (product_id) WHERE department = 'd3' GROUP BY 1"),
    ("top ten brands", MetricQuery(["net_sales"], ["product__brand"], order_by=["-net_sales"], limit=10), "SELECT brand, SUM(a) s FROM (SELECT product_id, SUM(amount) a FROM fct_sales GROUP BY 1) LEFT JOIN dim_product USING (product_id) GROUP BY 1 ORDER BY 2 DESC LIMIT 10"),
    ("two hops", MetricQuery(["net_sales"], ["product__supplier__supplier_name"]), "SELECT supplier_name, SUM(a) FROM (SELECT product_id, SUM(amount) a FROM fct_sales GROUP BY 1) LEFT JOIN dim_product USING (product_id) LEFT JOIN dim_supplier USING (supplier_id) GROUP BY 1"),
]  # fmt: skip


PER_HOLDING = (
    MetricQuery(["inventory_on_hand_units"], BY_MONTH),
    "SELECT m, department, SUM(u) FROM (SELECT DATE_TRUNC('month', date_day) m, product_id, location_id, ARG_MAX(units, date_day) u FROM fct_stock GROUP BY 1, 2, 3) LEFT JOIN dim_product USING (product_id) GROUP BY 1, 2",
)
STOCK_DAY = {"name": "stock_day", "type": "primary", "expr": "date_day || product_id || location_id"}
DATES = Statistics(dates=frozenset({("main.fct_sales", "date_day"), ("main.fct_stock", "date_day")}))


def run(*, quick: bool = False) -> Iterator[Row]:
    """One row a shape, the median of their ratios to the hand-written SQL, and rollups beside their fact."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET enable_progress_bar = false")
    size = {"sales": 1_000_000, "products": 70} if quick else {"sales": 10_000_000, "products": 685}
    connection.execute(TABLES.format(**size))
    raw = manifest()
    raw["metrics"].append(GROWTH)
    careful = SemanticLayer(build_catalog(raw), DATES)
    stock = next(m for m in raw["semantic_models"] if m["name"] == "fct_stock")
    stock["entities"].append(STOCK_DAY)
    keyed = SemanticLayer(build_catalog(raw), DATES)
    stock["dimensions"].append({"name": "next_day", "type": "categorical"})
    declaration = {"day": "next_day", "of": ["location", "product"]}
    stock["config"] = {"meta": {"steelyard": {"next_count": declaration}}}
    layer = SemanticLayer(build_catalog(raw), DATES)
    check_next_snapshots(layer.catalog, connection)
    ratios = []
    for name, query, hand in SHAPES:
        row = _beside_hand(connection, layer, name, query, hand)
        ratios.append(row.ratio or 0)
        yield row
    holding = "stock on hand of every holding, month and department"
    yield _beside_hand(connection, careful, f"{holding}: nothing declared", *PER_HOLDING)
    yield _beside_hand(connection, keyed, f"{holding}: one row a day by its key", *PER_HOLDING)
    middle = statistics.median(ratios)
    yield Row(
        "queries", "median of the ratios to hand-written SQL", "×", middle, target=1.15, holds=middle <= 1.15
    )
    connection.close()
    yield from rollup_rows(2_000_000 if quick else 50_000_000)


def _beside_hand(
    connection: duckdb.DuckDBPyConnection, layer: SemanticLayer, name: str, query: MetricQuery, hand: str
) -> Row:
    """One shape: our SQL and the best by hand, in turn."""
    sql = layer.compile(query).sql
    ours, theirs = alternate_ms(
        [lambda: connection.execute(sql).fetchall(), lambda: connection.execute(hand).fetchall()], 5
    )
    ratio = ours / theirs
    return Row("queries", name, "ms", ours, "1.5 × by hand", theirs, ratio, holds=ratio <= 1.5)
