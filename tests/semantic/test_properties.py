# ruff: noqa: E501 - tables of cases read better in one line
"""Properties that hold for any data: totals are sums of parts, plans do not depend on rewrites."""

from __future__ import annotations

import datetime as dt

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic import MetricQuery, Restriction, RowRule, SemanticLayer, Statistics
from semantic.definitions.manifest import build_catalog

from .retailer import TABLES, manifest

SETTINGS = settings(
    max_examples=25, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
LAYER = SemanticLayer.from_dict(manifest())
EAGER = SemanticLayer(
    build_catalog(manifest()),
    Statistics({"main.fct_sales": 10**9}, {("main.fct_sales", k): 1 for k in
               ("product_id", "location_id", "customer_id", "channel", "DATE_TRUNC('DAY', fct_sales.date_day)")}),
)  # fmt: skip
DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2024, 3, 31))
SALES = st.lists(
    st.tuples(
        DAYS,
        st.sampled_from(["p1", "p2", "p3", "p9", None]),
        st.sampled_from(["l1", "l2", "l9", None]),
        st.sampled_from(["c1", "c2", "c3", None]),
        st.sampled_from(["store", "web", None]),
        st.integers(-50, 500),
    ),
    min_size=1,
    max_size=30,
)
STOCK = st.lists(
    st.tuples(DAYS, st.sampled_from(["p1", "p2", None]), st.sampled_from(["l1", "l2"]), st.integers(0, 90)),
    min_size=1, max_size=30, unique_by=lambda r: r[:3],
)  # fmt: skip
CUT = [
    "net_sales",
    "sales_to_date",
    "sales_28_days",
    "buyers_28_days",
    "sales_growth",
    "inventory_on_hand_units",
    "inventory_last_day_units",
    "average_inventory_cost",
    "carried_units",
]
KEYS = [
    "product__department",
    "location__region",
    "customer__segment",
    "channel",
    "product",
    "product__supplier__supplier_name",
]


def _tables(
    sales: list[tuple[object, ...]], stock: list[tuple[object, ...]] = ()
) -> duckdb.DuckDBPyConnection:  # type: ignore[assignment]
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute("DELETE FROM fct_sales; DELETE FROM fct_stock")
    for i, (day, product, location, customer, channel, amount) in enumerate(sales):
        connection.execute(
            "INSERT INTO fct_sales VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            [str(i), day, product, location, customer, channel, amount],
        )
    for day, product, location, units in stock:
        connection.execute(
            "INSERT INTO fct_stock VALUES (?, ?, ?, ?, ?)", [day, product, location, units, units]
        )
    return connection


def _rows(
    layer: SemanticLayer,
    tables: duckdb.DuckDBPyConnection,
    restriction: Restriction | None = None,
    **query: object,
):  # type: ignore[no-untyped-def]
    sql = layer.compile(MetricQuery(**query), restriction=restriction).sql  # type: ignore[arg-type]
    return sorted(tables.execute(sql).fetchall(), key=str)


@SETTINGS
@given(SALES, st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True))
def test_parts_add_up_to_the_total(sales: list[tuple[object, ...]], keys: list[str]) -> None:
    tables = _tables(sales)
    total = _rows(LAYER, tables, metrics=["net_sales"])[0][0]
    assert sum(r[-1] for r in _rows(LAYER, tables, metrics=["net_sales"], group_by=keys)) == total


@SETTINGS
@given(SALES, STOCK)
def test_balances_add_up_over_products_and_places(
    sales: list[tuple[object, ...]], stock: list[tuple[object, ...]]
) -> None:
    tables = _tables(sales, stock)
    for metric in ("inventory_on_hand_units", "average_inventory_cost", "carried_units"):
        months = {r[0]: r[1] for r in _rows(LAYER, tables, metrics=[metric], group_by=["metric_time__month"])}
        parts: dict[object, float] = {}
        for month, _, value in _rows(
            LAYER, tables, metrics=[metric], group_by=["metric_time__month", "product"]
        ):
            parts[month] = parts.get(month, 0) + value
        assert {m: round(v, 6) for m, v in parts.items()} == {m: round(v, 6) for m, v in months.items()}


@SETTINGS
@given(SALES, st.sampled_from(KEYS))
def test_aggregating_before_the_join_changes_nothing(sales: list[tuple[object, ...]], key: str) -> None:
    tables = _tables(sales)
    metrics = ["net_sales", "average_line", "sales_lines", "largest_line", "price"]
    for by in ([key], ["metric_time__day", key]):
        query = MetricQuery(metrics=metrics, group_by=by)
        if key not in ("channel", "product"):
            assert EAGER.compile(query).sql != LAYER.compile(query).sql or by == [key]
        rounded = [
            [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in _rows(layer, tables, metrics=metrics, group_by=by)]
            for layer in (EAGER, LAYER)
        ]  # fmt: skip
        assert rounded[0] == rounded[1]


@SETTINGS
@given(SALES, STOCK, st.sampled_from(CUT))
def test_a_restriction_is_a_filtered_copy(
    sales: list[tuple[object, ...]], stock: list[tuple[object, ...]], metric: str
) -> None:
    east = Restriction(rows=(RowRule("location", "region = 'East'"),))
    query = {"metrics": [metric], "group_by": ["metric_time__month"]}
    got = _rows(LAYER, _tables(sales, stock), east, **query)
    copy = _tables([s for s in sales if s[2] == "l1"], [s for s in stock if s[2] == "l1"])
    assert got == _rows(LAYER, copy, **query)
