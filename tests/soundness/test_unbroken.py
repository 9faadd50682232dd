# ruff: noqa: E501 - tables of cases read better in one line
"""Closing balances by the last day of all holdings at once equal those found holding by holding."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, Restriction, RowRule, SemanticLayer, check_unbroken
from semantic.errors import ManifestError
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest

EAST = Restriction(rows=(RowRule("location", "region = 'East'"),))
GROCERY = Restriction(rows=(RowRule("product", "department = 'GROCERY'"),))


def declared() -> dict[str, Any]:
    """The retailer, whose stock table says that it has no gaps."""
    raw = manifest()
    stock = next(m for m in raw["semantic_models"] if m["name"] == "fct_stock")
    stock["config"] = {"meta": {"steelyard": {"unbroken": True}}}
    stock["dimensions"].append({"name": "units", "type": "categorical"})
    return raw


CAREFUL, QUICK = SemanticLayer.from_dict(manifest()), SemanticLayer.from_dict(declared())
KEYS = ["product", "location", "location__region", "product__department", "product__supplier__supplier_name"]
FILTERS = [
    "product__department = 'GROCERY'", "location__region IS NULL", "product IS NOT NULL", "location <> 'l1'",
    "metric_time__day <= '2024-02-20'", "metric_time__extract_dow = 3", "product__supplier__supplier_name = 'Alpha'",
]  # fmt: skip


def _stock(connection: duckdb.DuckDBPyConnection, rng: random.Random) -> None:
    """Holdings that begin on any day and then have a row on each day on which stock was counted at all."""
    connection.execute("DELETE FROM fct_stock")
    days = sorted(rng.sample(range(91), 30))
    for product in ("p1", "p2", "p3", "p9", None):
        for location in ("l1", "l2", None):
            for day in days[rng.randrange(30) :]:
                connection.execute(
                    "INSERT INTO fct_stock VALUES (DATE '2024-01-01' + ?::INT, ?, ?, ?, 1)",
                    [day, product, location, rng.choice([None, rng.randint(0, 50)])],
                )
    connection.execute(
        "INSERT INTO fct_stock SELECT DATE '2024-01-01' + ?::INT, 'p0', 'l0', 1, 1", [days[-1]]
    )


def test_random_queries_agree() -> None:
    rng = seeded()
    connection = duckdb.connect()
    connection.execute(TABLES)
    quick = 0
    for i in range(120):
        if i % 40 == 0:
            _stock(connection, rng)
            check_unbroken(QUICK.catalog, connection)
        time = [f"metric_time__{rng.choice(['day', 'week', 'month', 'year'])}"] if rng.random() < 0.7 else []
        asked = MetricQuery(
            ["inventory_on_hand_units"],
            time + rng.sample(KEYS, rng.choice([0, 1, 2])),
            rng.sample(FILTERS, rng.choice([0, 1, 2])),
            time_constraint=("2024-01-20", "2024-02-15") if time and rng.random() < 0.3 else None,
        )
        restriction = rng.choice([None, EAST, GROCERY])
        careful, found = (layer.compile(asked, restriction=restriction).sql for layer in (CAREFUL, QUICK))
        quick += "group_product" not in found
        rows = [sorted(connection.execute(sql).fetchall(), key=str) for sql in (careful, found)]
        assert rows[0] == rows[1], f"{asked}\n{found}"
    assert quick == 120


@pytest.mark.parametrize(
    ("where", "restriction"),
    [("units > 3", None), ("{{ Metric('net_sales', ['product']) }} > 1", None)],
)
def test_a_filter_on_single_rows_looks_holding_by_holding(
    where: str, restriction: Restriction | None
) -> None:
    asked = MetricQuery(["inventory_on_hand_units"], ["metric_time__month"], [where])
    assert "group_product" in QUICK.compile(asked, restriction=restriction).sql


@pytest.mark.parametrize(
    "gap",
    ["DELETE FROM fct_stock WHERE product_id = 'p1' AND date_day = (SELECT MAX(date_day) FROM fct_stock)",
     "DELETE FROM fct_stock WHERE product_id = 'p1' AND date_day = (SELECT MIN(date_day) + 1 FROM fct_stock)"],
)  # fmt: skip
def test_a_gap_is_found_when_a_release_is_built(gap: str) -> None:
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("DELETE FROM fct_stock")
    connection.execute(
        "INSERT INTO fct_stock SELECT DATE '2024-01-01' + d::INT, 'p' || p, 'l1', 1, 1 FROM range(9) a(d), range(3) b(p)"
    )
    check_unbroken(QUICK.catalog, connection)
    connection.execute(gap)
    with pytest.raises(ManifestError, match="1 holdings have gaps or end early"):
        check_unbroken(QUICK.catalog, connection)
