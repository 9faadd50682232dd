# ruff: noqa: E501 - tables of cases read better in one line
"""A small project of the shapes that real ones have: several facts, one by the hour, balances, conversions.

Orders by the day, visits by the hour, stock as a snapshot with gaps; products lead to suppliers; keys hold
orphans and NULLs. Tables are random, definitions are dbt's, `mart` says the same by hand.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import duckdb

from .hand_sql import Combined, Fact, Mart, Metric

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 4, 30)
DAYS = (LAST - FIRST).days + 1
AS_OF = "2024-04-30"
VALUES = {
    "product__color": ["red", "blue", "Green"], "product__supplier__country": ["DE", "FR"],
    "store__region": ["East", "West"], "customer__tier": ["gold", "new"],
}  # fmt: skip


def database(rng: random.Random) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        """
        CREATE TABLE suppliers (supplier_id VARCHAR, country VARCHAR);
        CREATE TABLE products (product_id VARCHAR, color VARCHAR, supplier_id VARCHAR);
        CREATE TABLE stores (store_id VARCHAR, region VARCHAR);
        CREATE TABLE customers (customer_id VARCHAR, tier VARCHAR);
        CREATE TABLE orders (order_id VARCHAR, day DATE, product_id VARCHAR, store_id VARCHAR,
                             customer_id VARCHAR, amount DECIMAL(12, 2), units INTEGER);
        CREATE TABLE visits (visit_id VARCHAR, seen_at TIMESTAMP, customer_id VARCHAR, store_id VARCHAR);
        CREATE TABLE stock (day DATE, product_id VARCHAR, store_id VARCHAR, units INTEGER);
        """
    )
    connection.execute(
        f"CREATE TABLE days AS SELECT CAST(d AS DATE) AS day FROM range(DATE '{FIRST}', DATE '{LAST}' + 1, "
        "INTERVAL 1 DAY) t(d)"
    )
    connection.execute(
        f"CREATE TABLE hours AS SELECT h AS starts_at FROM range(TIMESTAMP '{FIRST}', TIMESTAMP '{LAST}' "
        "+ INTERVAL 1 DAY, INTERVAL 1 HOUR) t(h)"
    )

    def day() -> dt.date:
        return FIRST + dt.timedelta(days=rng.randrange(DAYS))

    def key(letter: str, count: int) -> str | None:
        return rng.choice([None, *(f"{letter}{n}" for n in range(count + 1))])  # the last one is an orphan

    tables: dict[str, list[tuple[object, ...]]] = {
        "suppliers": [("u0", "DE"), ("u1", "FR"), ("u2", None)],
        "products": [(f"p{n}", rng.choice(["red", "blue", "Green", None]), key("u", 3)) for n in range(6)],
        "stores": [("s0", "East"), ("s1", "West"), ("s2", None)],
        "customers": [(f"c{n}", rng.choice(["gold", "new", None])) for n in range(8)],
        "orders": [
            (f"o{n}", day(), key("p", 6), key("s", 3), key("c", 8), rng.randrange(9900) / 100, rng.randrange(4))
            for n in range(150)
        ],
        "visits": [
            (f"v{n}", dt.datetime.combine(day(), dt.time(rng.randrange(24), n % 60)), key("c", 8), key("s", 3))
            for n in range(120)
        ],
        "stock": [
            (FIRST + dt.timedelta(days=d), f"p{p}", f"s{s}", rng.randrange(20))
            for d in range(DAYS) for p in range(4) for s in range(3) if rng.random() < 0.12
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return connection


def _model(name: str, entities: dict[str, str], dimensions: list[str], **more: Any) -> dict[str, Any]:
    time, grain = more.pop("time", ("", ""))
    listed = [{"name": d, "type": "categorical"} for d in dimensions]
    if time:
        listed.append({"name": time, "type": "time", "type_params": {"time_granularity": grain}})
        more["defaults"] = {"agg_time_dimension": time}
    keys = [{"name": e, "type": kind, "expr": f"{e}_id"} for e, kind in entities.items()]
    relation = {"alias": name, "schema_name": "main", "relation_name": f"main.{name}"}
    return {
        "measures": [],
        "name": name,
        "node_relation": relation,
        "entities": keys,
        "dimensions": listed,
        **more,
    }


def _of(measure: str, **more: Any) -> dict[str, Any]:
    return {"type": "simple", "type_params": {"measure": {"name": measure, **more}}}


def _derived(expr: str, *inputs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "derived", "type_params": {"expr": expr, "metrics": list(inputs)}}


def manifest() -> dict[str, Any]:
    """The project as dbt writes it down."""
    keys = {"product": "foreign", "store": "foreign"}
    amount = {"name": "amount", "agg": "sum", "expr": "amount"}
    order_measures = [
        amount, {"name": "order_units", "agg": "sum", "expr": "units"},
        {"name": "buyers", "agg": "count_distinct", "expr": "customer_id"},
        {"name": "largest", "agg": "max", "expr": "amount"}, {"name": "mean_amount", "agg": "average", "expr": "amount"},
        {"name": "order_count", "agg": "count", "expr": "order_id"},
    ]  # fmt: skip
    last = {"name": "day", "window_choice": "max", "window_groupings": ["product", "store"]}
    balance = {"name": "balance", "agg": "sum", "expr": "units", "non_additive_dimension": last}
    week_ago = {"name": "sales", "alias": "before", "offset_window": {"count": 7, "granularity": "day"}}
    month_ago = {"name": "sales", "alias": "before", "offset_window": {"count": 1, "granularity": "month"}}
    metrics: dict[str, dict[str, Any]] = {
        "sales": _of("amount"), "units": _of("order_units"), "buyers": _of("buyers"), "largest": _of("largest"),
        "mean_amount": _of("mean_amount"), "orders": _of("order_count", fill_nulls_with=0),
        "visits": _of("visits"), "stock": _of("balance"),
        "price": {"type": "ratio", "type_params": {"numerator": {"name": "sales"}, "denominator": {"name": "units"}}},
        "per_visit": _derived("sales / NULLIF(visits, 0)", {"name": "sales"}, {"name": "visits"}),
        "sales_week_ago": _derived("before", week_ago), "sales_month_ago": _derived("before", month_ago),
        "growth": _derived("sales - before", {"name": "sales"}, week_ago),
        "sales_28_days": {"type": "cumulative", "type_params": {"measure": {"name": "amount"},
            "cumulative_type_params": {"window": {"count": 28, "granularity": "day"}}}},
        "sales_ever": {"type": "cumulative", "type_params": {"measure": {"name": "amount"}}},
    }  # fmt: skip
    return {
        "semantic_models": [
            _model("suppliers", {"supplier": "primary"}, ["country"]),
            _model("products", {"product": "primary", "supplier": "foreign"}, ["color"]),
            _model("stores", {"store": "primary"}, ["region"]),
            _model("customers", {"customer": "primary"}, ["tier"]),
            _model("orders", {"order": "primary", **keys, "customer": "foreign"}, [], time=("day", "day"),
                   measures=order_measures),
            _model("visits", {"visit": "primary", "customer": "foreign", "store": "foreign"}, [],
                   time=("seen_at", "hour"), measures=[{"name": "visits", "agg": "count", "expr": "visit_id"}]),
            _model("stock", keys, [], time=("day", "day"), measures=[balance], primary_entity="holding"),
        ],
        "metrics": [{"name": name, "type_params": {}, **metric} for name, metric in metrics.items()],
        "project_configuration": {"time_spines": [
            {"node_relation": {"alias": alias, "schema_name": "main", "relation_name": f"main.{alias}"},
             "primary_column": {"name": column, "time_granularity": grain}, "custom_granularities": []}
            for alias, column, grain in (("days", "day", "day"), ("hours", "starts_at", "hour"))
        ]},
        "saved_queries": [],
    }  # fmt: skip


def mart() -> Mart:
    """The same metrics by hand."""
    product = (
        "LEFT JOIN products AS p ON p.product_id = f.product_id LEFT JOIN suppliers AS u USING (supplier_id)"
    )
    store = "LEFT JOIN stores AS s ON s.store_id = f.store_id"
    customer = "LEFT JOIN customers AS c ON c.customer_id = f.customer_id"
    of_product = {"product__color": "p.color", "product__supplier__country": "u.country"}
    of_store, of_customer = {"store__region": "s.region", "store": "f.store_id"}, {"customer__tier": "c.tier"}
    orders = Fact(f"orders AS f {product} {store} {customer}", "f.day", of_product | of_store | of_customer)
    visits = Fact(f"visits AS f {store} {customer}", "f.seen_at", of_store | of_customer)
    stock = Fact(f"stock AS f {product} {store}", "f.day", of_product | of_store)
    sales, units = Metric(orders, "SUM(f.amount)"), Metric(orders, "SUM(f.units)")
    visited, week_ago = Metric(visits, "COUNT(f.visit_id)"), Metric(orders, "SUM(f.amount)", days_back=7)
    return Mart(
        {
            "sales": sales, "units": units, "buyers": Metric(orders, "COUNT(DISTINCT f.customer_id)"),
            "largest": Metric(orders, "MAX(f.amount)"), "mean_amount": Metric(orders, "AVG(f.amount)"),
            "orders": Metric(orders, "COUNT(f.order_id)", fill=0), "visits": visited,
            "stock": Metric(stock, "f.units", holding=("f.product_id", "f.store_id")),
            "price": Combined((sales, units), "CAST({0} AS DOUBLE) / NULLIF({1}, 0)"),
            "per_visit": Combined((sales, visited), "{0} / NULLIF({1}, 0)"),
            "sales_week_ago": week_ago, "sales_month_ago": Metric(orders, "SUM(f.amount)", months_back=1),
            "growth": Combined((sales, week_ago), "{0} - {1}"),
            "sales_28_days": Metric(orders, "SUM(f.amount)", window=28),
            "sales_ever": Metric(orders, "SUM(f.amount)", window=0),
        },
        first_day=FIRST.isoformat(), last_day=LAST.isoformat(), as_of=AS_OF, days="days",
    )  # fmt: skip
