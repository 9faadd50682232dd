# ruff: noqa: E501 - tables of cases read better in one line
"""A rollup answers only where it gives the very same numbers; each way in which it would not has a line."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, MinimumGroup, Restriction, RowRule, SemanticLayer, check_rollups
from semantic.definitions.manifest import build_catalog
from semantic.definitions.rollups import read_rollup
from semantic.errors import RollupError, SemanticError
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest
from tests.semantic.rollup_retailer import fill, layers

PLAIN, ROLLED = layers()
EAST = Restriction(rows=(RowRule("location", "region = 'East'"),))
GROCERY = Restriction(rows=(RowRule("product", "department IS NOT NULL AND department IN ('GROCERY')"),))
NO_DEPARTMENT = Restriction(rows=(RowRule("product", "department IS NULL OR department = 'DRUG'"),))
BRAND = Restriction(rows=(RowRule("product", "brand = 'own'"),))
CONSENT = Restriction(rows=(RowRule("customer", "has_consent"),))
SMALL = Restriction(minimum_group=MinimumGroup(2))
NOTHING = Restriction(allow_nothing=True)


def query(*metrics: str, by: tuple[str, ...] = (), where: tuple[str, ...] = (), **rest: Any) -> MetricQuery:
    return MetricQuery(metrics, by, where, **rest)


NEVER = [
    ("count distinct", query("active_customers"), None),
    ("beside a count distinct of the same scan", query("net_sales", "active_customers"), None),
    ("median", query("line_median"), None),
    ("percentile", query("line_tenth", by=("channel",)), None),
    ("a dropped dimension", query("net_sales", by=("product__brand",)), None),
    ("a dropped key", query("net_sales", by=("product",)), None),
    ("a dimension behind a dropped key", query("net_sales", by=("product__supplier__supplier_name",)), None),
    ("a filter on a dropped dimension", query("net_sales", where=("product__brand = 'own'",)), None),
    ("a metric's own filter on a dropped dimension", query("gold_sales"), None),
    ("a metric filter by a dropped key",
     query("net_sales", where=("{{ Metric('net_sales', ['customer']) }} > 20",)), None),
    ("a row rule on a dropped key", query("net_sales"), CONSENT),
    ("a row rule on a dropped dimension", query("net_sales"), BRAND),
    ("a row rule that is true of no dimension at all", query("net_sales"), NO_DEPARTMENT),
    ("groups too small by a dropped key", query("net_sales", by=("channel",)), SMALL),
    ("last value of each product", query("inventory_on_hand_units"), None),
    ("a balance carried forward", query("carried_units", by=("metric_time__month",)), None),
    ("distinct customers over a window", query("buyers_28_days", by=("metric_time__day",)), None),
    ("a measure that it does not hold", query("line_least"), None),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "restriction"), [n[1:] for n in NEVER], ids=[n[0] for n in NEVER])
def test_the_fact_answers(asked: MetricQuery, restriction: Restriction | None) -> None:
    compiled = ROLLED.compile(asked, restriction=restriction, explain=True)
    assert compiled.rollups == ()
    assert compiled.sql == PLAIN.compile(asked, restriction=restriction).sql
    assert "not read: " in compiled.explain or "carried" in str(asked.metrics)


SMALLEST = [
    (query("net_sales"), None, "sales_by_month"),
    (query("net_sales", by=("metric_time__month",)), None, "sales_by_month"),
    (query("net_sales", by=("metric_time__quarter", "product__department")), None, "sales_by_month"),
    (query("net_sales", by=("metric_time__month",), time_constraint=("2024-02-01", "2024-02-29")), None,
     "sales_by_month"),
    (query("net_sales", by=("metric_time__day",)), None, "sales_by_day"),
    (query("net_sales", by=("metric_time__week",)), None, "sales_by_day"),
    (query("net_sales", by=("metric_time__extract_dow",)), None, "sales_by_day"),
    (query("net_sales", by=("metric_time__extract_year",)), None, "sales_by_month"),
    (query("net_sales", by=("location__region",)), None, "sales_by_day"),
    (query("net_sales"), EAST, "sales_by_day"),
    (query("net_sales"), GROCERY, "sales_by_month"),
    (query("net_sales"), NOTHING, "sales_by_month"),
    (query("sales_to_date", by=("metric_time__day",)), None, "sales_by_day"),
    (query("sales_growth", by=("metric_time__month",)), None, "sales_by_month"),
    (query("average_line", "price", by=("channel",)), None, "sales_by_day"),
    (query("inventory_days"), None, "stock_by_day"),
    (query("inventory_last_day_units", by=("metric_time__month",)), None, "stock_by_day"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "restriction", "rollup"), SMALLEST)
def test_the_smallest_that_is_exact(asked: MetricQuery, restriction: Restriction | None, rollup: str) -> None:
    assert ROLLED.compile(asked, restriction=restriction).rollups == (rollup,)


METRICS = [
    "net_sales", "units_sold", "sales_lines", "largest_line", "average_line", "price", "east_sales", "gold_sales",
    "sales_growth", "sales_to_date", "sales_28_days", "sales_or_zero", "active_customers", "line_median", "line_least",
    "inventory_on_hand_units", "inventory_last_day_units", "average_inventory_cost", "inventory_days",
    "inventory_turns", "carried_units",
]  # fmt: skip
KEYS = [
    "channel",
    "location",
    "location__region",
    "product__department",
    "product__brand",
    "metric_time__extract_dow",
]
FILTERS = [
    "product__department = 'GROCERY'", "product__department IS NULL", "location__region = 'East'", "channel = 'web'",
    "channel = 'none'", "customer__segment = 'gold'", "metric_time__day >= '2024-02-01'",
    "metric_time__month = '2024-02-01'", "{{ Metric('net_sales', ['location']) }} > 20",
]  # fmt: skip
READERS = [None, None, EAST, GROCERY, NO_DEPARTMENT, BRAND, CONSENT, SMALL, NOTHING]
COUNT = 200


def _random_query(rng: random.Random) -> MetricQuery:
    time = (
        [f"metric_time__{rng.choice(['day', 'week', 'month', 'quarter', 'year'])}"]
        if rng.random() < 0.7
        else []
    )
    return MetricQuery(
        metrics=rng.sample(METRICS, rng.choice([1, 1, 2, 3])),
        group_by=time + rng.sample(KEYS, rng.choice([0, 1, 1, 2])),
        where=rng.sample(FILTERS, rng.choice([0, 0, 1, 2])),
        time_constraint=("2024-02-01", "2024-03-15") if time and rng.random() < 0.3 else None,
    )


def _random_sales(connection: duckdb.DuckDBPyConnection, rng: random.Random) -> None:
    """Facts with orphan keys, NULL keys, NULL values and negative amounts."""
    connection.execute("DELETE FROM fct_sales; DELETE FROM fct_stock")
    days = [f"2024-0{rng.randint(1, 3)}-{rng.randint(1, 28):02}" for _ in range(40)]
    for i, day in enumerate(days):
        keys = [rng.choice(k) for k in (("p1", "p2", "p3", "p9", None), ("l1", "l2", "l9", None),
                                        ("c1", "c2", "c3", None), ("store", "web", None))]  # fmt: skip
        values = [rng.choice([None, rng.randint(-20, 99)]), rng.choice([None, 1, 2])]
        connection.execute(
            "INSERT INTO fct_sales VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [str(i), day, *keys, *values]
        )
    counted = {(d, rng.choice(["p1", "p2", None]), rng.choice(["l1", "l2"])) for d in days}
    for row in counted:
        connection.execute("INSERT INTO fct_stock VALUES (?, ?, ?, ?, ?)", [*row, rng.randint(0, 9), 5.0])


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    cursor = connection.execute(sql)
    types = [str(d[1]) for d in cursor.description]
    rows = [tuple(round(v, 9) if isinstance(v, float) else v for v in row) for row in cursor.fetchall()]
    return types, sorted(rows, key=str)


def test_random_queries_have_the_same_numbers_and_types_with_and_without() -> None:
    rng = seeded()
    connection = duckdb.connect()
    connection.execute(TABLES)
    read = 0
    for i in range(COUNT):
        if i % 50 == 0:
            _random_sales(connection, rng)
            fill(connection)
            check_rollups(ROLLED.catalog, connection)
        asked, restriction = _random_query(rng), rng.choice(READERS)
        try:
            plain = PLAIN.compile(asked, restriction=restriction)
        except SemanticError as refused:
            with pytest.raises(type(refused)):
                ROLLED.compile(asked, restriction=restriction)
            continue
        rolled = ROLLED.compile(asked, restriction=restriction)
        assert _rows(connection, rolled.sql) == _rows(connection, plain.sql), (
            f"{asked} {restriction}\n{rolled.sql}"
        )
        read += bool(rolled.rollups)
    assert read > COUNT // 5


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE sales_by_day SET amount = amount + 0.01 WHERE department = 'DRUG'",
        "DELETE FROM sales_by_day WHERE department IS NULL",
        "INSERT INTO sales_by_day FROM sales_by_day LIMIT 1",
        "INSERT INTO fct_sales SELECT '99', '2024-03-31', 'p1', 'l1', 'c1', 'store', 1, 1",
        "ALTER TABLE sales_by_day DROP COLUMN units",
        "DROP TABLE stock_by_day",
    ],
)
def test_a_rollup_that_differs_from_its_fact_is_found(tampering: str) -> None:
    """What a release build asks before it seals: stale, partial and doubled rollups never serve."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    fill(connection)
    check_rollups(ROLLED.catalog, connection)
    connection.execute(tampering)
    with pytest.raises(RollupError):
        check_rollups(ROLLED.catalog, connection)


def test_what_a_reader_may_not_see_behind_a_key_is_not_read_from_a_rollup() -> None:
    """The rule on suppliers blanks the supplier of the fact's rows; a column kept by the rollup would show it."""
    keeps = {"product__department": "department", "product__supplier__supplier_name": "supplier_name"}
    declared = {"of": "fct_sales", "keeps": keeps, "measures": {"amount": "sum"}}
    rollup = read_rollup("sales_by_supplier", "main.sales_by_supplier", declared)
    rolled = SemanticLayer(build_catalog(manifest(), (rollup,)))
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute(
        "CREATE TABLE sales_by_supplier AS SELECT department, supplier_name, SUM(amount) AS amount FROM fct_sales"
        " LEFT JOIN dim_product USING (product_id) LEFT JOIN dim_supplier USING (supplier_id) GROUP BY ALL"
    )
    check_rollups(rolled.catalog, connection)
    asked = query("net_sales", by=("product__supplier__supplier_name",))
    alpha = Restriction(rows=(RowRule("supplier", "supplier_name = 'Alpha'"),))
    for restriction, read in ((None, ("sales_by_supplier",)), (GROCERY, ("sales_by_supplier",)), (alpha, ())):
        compiled = rolled.compile(asked, restriction=restriction)
        assert compiled.rollups == read
        assert _rows(connection, compiled.sql) == _rows(
            connection, PLAIN.compile(asked, restriction=restriction).sql
        )
