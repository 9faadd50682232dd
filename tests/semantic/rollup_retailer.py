# ruff: noqa: E501 - tables of cases read better in one line
"""The tiny retailer with rollups: by day, by month and by category, and metrics that need the single rows."""

from __future__ import annotations

from typing import Any

import duckdb

from semantic import SemanticLayer, Statistics
from semantic.definitions.manifest import build_catalog
from semantic.definitions.rollups import read_rollup

from .retailer import manifest

JOINED = "FROM fct_sales LEFT JOIN dim_product USING (product_id)"
TABLES = f"""
CREATE OR REPLACE TABLE sales_by_day AS SELECT date_day, location_id, department, channel, SUM(amount) AS amount,
  SUM(units) AS units, COUNT(amount) AS lines, MAX(amount) AS largest {JOINED} GROUP BY ALL;
CREATE OR REPLACE TABLE sales_by_month AS SELECT DATE_TRUNC('month', date_day) AS month, department,
  SUM(amount) AS amount {JOINED} GROUP BY ALL;
CREATE OR REPLACE TABLE stock_by_day AS SELECT date_day, location_id, SUM(units) AS units,
  SUM(stock_value) AS stock_value FROM fct_stock GROUP BY ALL;
"""
DECLARED: dict[str, dict[str, Any]] = {
    "sales_by_day": {
        "of": "fct_sales",
        "keeps": {"metric_time__day": "date_day", "location": "location_id", "product__department": "department",
                  "channel": "channel"},
        "measures": {"amount": "sum", "units": "sum", "lines": {"agg": "count", "expr": "amount"},
                     "largest": {"agg": "max", "expr": "amount"}},
    },
    "sales_by_month": {
        "of": "fct_sales",
        "keeps": {"metric_time__month": "month", "product__department": "department"},
        "measures": {"amount": "sum"},
    },
    "stock_by_day": {
        "of": "fct_stock",
        "keeps": {"metric_time__day": "date_day", "location": "location_id"},
        "measures": {"units": "sum", "stock_value": "sum"},
    },
}  # fmt: skip
ROLLUPS = tuple(read_rollup(name, f"main.{name}", raw) for name, raw in DECLARED.items())
DATES = frozenset({("main.fct_sales", "date_day"), ("main.fct_stock", "date_day")})


def rich_manifest() -> dict[str, Any]:
    """The retailer's manifest with a median, a percentile and a minimum, which no rollup holds."""
    raw = manifest()
    measures = next(m for m in raw["semantic_models"] if m["name"] == "fct_sales")["measures"]
    measures.append({"name": "line_median", "agg": "median", "expr": "amount"})
    tenth = {"percentile": 0.1, "use_discrete_percentile": False, "use_approximate_percentile": False}
    measures.append({"name": "line_tenth", "agg": "percentile", "expr": "amount", "agg_params": tenth})
    measures.append({"name": "line_least", "agg": "min", "expr": "amount"})
    for name in ("line_median", "line_tenth", "line_least"):
        raw["metrics"].append({"name": name, "type": "simple", "type_params": {"measure": {"name": name}}})
    return raw


def layers() -> tuple[SemanticLayer, SemanticLayer]:
    """The retailer without rollups, and with them."""
    statistics = Statistics(dates=DATES)
    return (
        SemanticLayer(build_catalog(rich_manifest()), statistics),
        SemanticLayer(build_catalog(rich_manifest(), ROLLUPS), statistics),
    )


def fill(connection: duckdb.DuckDBPyConnection) -> None:
    """Build the rollups of what the facts hold now."""
    connection.execute(TABLES)
