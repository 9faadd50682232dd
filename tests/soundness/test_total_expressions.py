"""With a threshold on groups, no error tells what a hidden row holds."""

from __future__ import annotations

import duckdb
import pytest

from semantic import MetricQuery, Restriction, SemanticLayer, parse_semantic_sql
from semantic.definitions.restriction import MinimumGroup
from tests.semantic.retailer import TABLES, manifest

THRESHOLD = Restriction(minimum_group=MinimumGroup(size=2))
REVEALING = [
    "CASE WHEN customer__segment = 'new' THEN CAST(CONCAT(customer__segment, 'x') AS INTEGER) ELSE 1 END = 1",
    "CAST(customer__segment AS INTEGER) = 1",
    "customer__segment IS TRUE",
    "1 % (CASE WHEN customer__segment = 'new' THEN 0 ELSE 1 END) = 0",
    "9223372036854775807 + (CASE WHEN customer__segment = 'new' THEN 1 ELSE 0 END) > 0",
    "STRPTIME(CASE WHEN customer__segment = 'new' THEN 'x' ELSE '2024' END, '%Y') IS NOT NULL",
    "CAST(CASE WHEN customer__segment = 'new' THEN 'x' ELSE '2024-01-01' END AS DATE) > '2023-01-01'",
    "REGEXP_MATCHES('a', CASE WHEN customer__segment = 'new' THEN '(' ELSE 'a' END)",
]


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    return SemanticLayer.from_dict(manifest())


def database(segment_of_c3: str) -> duckdb.DuckDBPyConnection:
    """Two databases that differ in one customer."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("UPDATE dim_customer SET segment = ? WHERE customer_id = 'c3'", [segment_of_c3])
    return connection


@pytest.mark.parametrize("expression", REVEALING)
@pytest.mark.parametrize("position", ["filter", "sql filter", "computed key"])
def test_no_error_depends_on_a_row(layer: SemanticLayer, expression: str, position: str) -> None:
    if position == "filter":
        sql = layer.compile(MetricQuery(["net_sales"], where=[expression]), restriction=THRESHOLD).sql
    elif position == "sql filter":
        text = f"SELECT MEASURE(net_sales) FROM metrics WHERE {expression}"
        sql = parse_semantic_sql(layer, text, THRESHOLD).sql
    else:
        text = f"SELECT {expression} AS k, MEASURE(net_sales) FROM metrics GROUP BY 1"
        sql = parse_semantic_sql(layer, text, THRESHOLD).sql
    for segment in ("new", "gold"):
        database(segment).execute(sql).fetchall()


def test_comparisons_stay_as_they_are(layer: SemanticLayer) -> None:
    plain = "customer__segment = 'gold' AND metric_time >= '2024-01-01' AND product__brand IN ('own', 'big')"
    sql = layer.compile(MetricQuery(["net_sales"], where=[plain]), restriction=THRESHOLD).sql
    assert "TRY" not in sql
