# ruff: noqa: E501 - tables of cases read better in one line
"""Closing balances picked in one pass equal those found edge by edge, and those written by hand."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, MinimumGroup, Restriction, RowRule, SemanticLayer
from semantic.rules.statistics import Statistics
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest
from tests.soundness.stock_questions import rows, some_time

AGGREGATES = ["sum", "average", "min", "max", "count", "count_distinct", "median", "sum_boolean"]
STOCK = "fct_stock"
DATES = Statistics(dates=frozenset({("main.fct_stock", "date_day")}))
KEY = "date_day || '@' || product_id || '@' || location_id"
ONE_PASS = ("ARG_MAX_NULL", "ARG_MIN_NULL")


def keyed(
    key: str = KEY,
    *,
    kind: str = "primary",
    grain: str = "day",
    groups: tuple[str, ...] = ("product", "location"),
) -> SemanticLayer:
    """The retailer, whose stock table has a key. Closing and opening balances by every aggregate."""
    raw: dict[str, Any] = manifest()
    stock = next(m for m in raw["semantic_models"] if m["name"] == STOCK)
    stock["entities"].append({"name": "stock_day", "type": kind, "expr": key})
    stock["entities"].append({"name": "customer", "type": "foreign", "expr": "counted_by"})
    stock["dimensions"] = [
        {"name": "date_day", "type": "time", "type_params": {"time_granularity": grain}},
        {"name": "units", "type": "categorical"}, {"name": "is_low", "type": "categorical", "expr": "units < 9"},
    ]  # fmt: skip
    stock["measures"] = []
    for choice in ("max", "min"):
        for agg in AGGREGATES:
            name = f"{choice}_{agg}"
            edge = {"name": "date_day", "window_choice": choice, "window_groupings": list(groups)}
            expr = "units > 20" if agg == "sum_boolean" else "units + 0 * stock_value"
            stock["measures"].append({"name": name, "agg": agg, "expr": expr, "non_additive_dimension": edge})
            raw["metrics"].append(
                {"name": name, "type": "simple", "type_params": {"measure": {"name": name}}}
            )
    additive = {"net_sales", "sales_amount"}
    raw["metrics"] = [
        m for m in raw["metrics"] if m["name"] in additive or m["name"].partition("_")[0] in ("max", "min")
    ]
    return SemanticLayer.from_dict(raw)


EDGES = keyed()
QUICK = SemanticLayer(EDGES.catalog, DATES)
KEYS = ["product", "location", "location__region", "product__department", "product__supplier__supplier_name",
        "stock_day__is_low", "metric_time__extract_dow", "stock_day__date_day", "product__brand",
        "customer", "customer__segment"]  # fmt: skip
FILTERS = [
    "product__department = 'GROCERY'", "location__region IS NULL", "product IS NOT NULL", "stock_day__units > 3",
    "metric_time__day <= '2024-02-20'", "metric_time__extract_dow = 3", "NOT stock_day__is_low",
    "{{ Metric('net_sales', ['product']) }} > 1", "customer__segment = 'gold'",
]  # fmt: skip
RESTRICTIONS = [
    None,
    Restriction(rows=(RowRule("location", "region = 'East'"),)),
    Restriction(rows=(RowRule("product", "department = 'GROCERY'"),)),
    Restriction(masked_dimensions=frozenset({"product__brand"})),
]


def _stock(connection: duckdb.DuckDBPyConnection, rng: random.Random) -> None:
    """Counts on any days, with values, products, places and days that are not known; no day twice."""
    connection.execute(
        "DELETE FROM fct_stock; ALTER TABLE fct_stock ADD COLUMN IF NOT EXISTS counted_by VARCHAR"
    )
    for product in ("p1", "p2", "p3", "p9", None):
        for location in ("l1", "l2", None):
            for day in [*rng.sample(range(91), 25), None]:
                units, value = (rng.choice([None, rng.randint(0, 50)]), rng.choice([None, 1.0, 1.0]))
                by = rng.choice(["c1", "c2", "c3", "c4", None])
                connection.execute(
                    "INSERT INTO fct_stock VALUES (DATE '2024-01-01' + ?::INT, ?, ?, ?, ?, ?)",
                    [day, product, location, units, value, by],
                )


def test_random_queries_agree() -> None:
    rng = seeded()
    connection = duckdb.connect()
    connection.execute(TABLES)
    answered = 0
    for i in range(200):
        if i % 40 == 0:
            _stock(connection, rng)
        choice = rng.choice(["max", "min"])
        time, within = some_time(rng)
        asked = MetricQuery(
            [f"{choice}_{agg}" for agg in rng.sample(AGGREGATES, rng.choice([1, 2]))],
            time + rng.sample(KEYS, rng.choice([0, 1, 2])),
            rng.sample(FILTERS, rng.choice([0, 0, 1, 2])),
            time_constraint=within,
        )  # fmt: skip
        restriction = rng.choice(RESTRICTIONS)
        edges, quick = (layer.compile(asked, restriction=restriction).sql for layer in (EDGES, QUICK))
        assert not any(f in edges for f in ONE_PASS) and any(f in quick for f in ONE_PASS)
        expected = rows(connection, edges)
        assert rows(connection, quick) == expected, f"{asked}\n{quick}"
        answered += len(expected) > 0
    assert answered > 100


@pytest.mark.parametrize(("choice", "order"), [("max", "DESC"), ("min", "ASC")])
def test_the_same_as_by_hand(choice: str, order: str) -> None:
    connection = duckdb.connect()
    connection.execute(TABLES)
    _stock(connection, seeded(choice))
    by_hand = f"""
        WITH counted AS (
          SELECT date_trunc('month', date_day) AS month, s.*, region, row_number() OVER (
            PARTITION BY date_trunc('month', date_day), s.product_id, s.location_id ORDER BY date_day {order}) AS n
          FROM fct_stock s LEFT JOIN dim_location l ON l.location_id = s.location_id
          LEFT JOIN dim_product p ON p.product_id = s.product_id
          WHERE date_day IS NOT NULL AND p.department = 'GROCERY')
        SELECT month, region, SUM(units + 0 * stock_value), COUNT(units + 0 * stock_value) FROM counted WHERE n = 1 GROUP BY ALL"""
    asked = MetricQuery(
        [f"{choice}_sum", f"{choice}_count"], ["metric_time__month", "location__region"], ["product__department = 'GROCERY'"]
    )  # fmt: skip
    sql = QUICK.compile(asked).sql
    assert any(f in sql for f in ONE_PASS)
    assert sql.count("AS location_id") == 1
    assert rows(connection, sql) == rows(connection, by_hand)


@pytest.mark.parametrize(
    ("layer", "statistics"),
    [
        (keyed(KEY, kind="foreign"), DATES),  # no key at all
        (keyed(f"{KEY} || units"), DATES),  # two counts of one day
        (keyed("CAST(random() AS VARCHAR) || date_day || product_id || location_id"), DATES),
        (keyed("1"), DATES),
        (keyed(groups=("product",)), DATES),  # two places of one product on one day
        (keyed(grain="month"), DATES),  # two days of one month
        (EDGES, Statistics()),  # instants, for all that is known
    ],
    ids=["no-key", "finer-key", "random-key", "constant-key", "coarser-groups", "coarser-instant", "no-date"],
)  # fmt: skip
def test_where_a_holding_may_have_two_rows_at_once(layer: SemanticLayer, statistics: Statistics) -> None:
    sql = SemanticLayer(layer.catalog, statistics).compile(MetricQuery(["max_sum"], ["location__region"])).sql
    assert not any(f in sql for f in ONE_PASS)


def test_the_floor_on_groups_counts_single_rows() -> None:
    floor = Restriction(minimum_group=MinimumGroup(2, entity="product"))
    sql = QUICK.compile(MetricQuery(["max_sum"], ["location__region"]), restriction=floor).sql
    assert "HAVING" in sql and not any(f in sql for f in ONE_PASS)
