"""What `docs/semantic-differences.md` promises where MetricFlow differs, beside hand-written SQL."""

from __future__ import annotations

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from tests.semantic.retailer import database, manifest


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    return database()


@pytest.fixture(scope="module")
def layer() -> SemanticLayer:
    raw = manifest()
    start = {"name": "net_sales", "alias": "at_start", "offset_to_grain": "month"}
    raw["metrics"] += [
        {"name": "sales_at_start", "type": "derived",
         "type_params": {"expr": "at_start", "metrics": [start]}},
        {"name": "sales_ever", "type": "cumulative",
         "type_params": {"measure": {"name": "sales_amount"}, "cumulative_type_params": {}}},
    ]  # fmt: skip
    return SemanticLayer.from_dict(raw)


def test_the_start_of_a_month_by_month_is_its_first_day(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection
) -> None:
    asked = MetricQuery(["sales_at_start"], ["metric_time__month"])
    rows = tables.execute(layer.compile(asked).sql).fetchall()
    by_hand = tables.execute(
        "SELECT date_day, SUM(amount) FROM fct_sales WHERE DAY(date_day) = 1 GROUP BY 1"
    ).fetchall()
    assert {(f"{at:%Y-%m-%d}", value) for at, value in rows if value is not None} == {
        (f"{at:%Y-%m-%d}", value) for at, value in by_hand
    }


@pytest.mark.parametrize("by", [[], ["location__region"]])
def test_a_cumulative_metric_without_time_is_its_balance_at_the_end(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, by: list[str]
) -> None:
    asked = MetricQuery(["sales_ever"], by, time_constraint=("2024-02-01", "2024-02-29"))
    key = "region, " if by else ""
    by_hand = tables.execute(
        f"SELECT {key} SUM(amount) FROM fct_sales LEFT JOIN dim_location USING (location_id) "
        "WHERE date_day <= DATE '2024-02-29' GROUP BY ALL"
    ).fetchall()
    assert sorted(tables.execute(layer.compile(asked).sql).fetchall(), key=str) == sorted(by_hand, key=str)
