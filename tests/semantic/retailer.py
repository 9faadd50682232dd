# ruff: noqa: E501 - tables of cases read better in one line
"""A tiny retailer, small enough to compute by hand: one manifest in both forms, one database."""

from __future__ import annotations

from typing import Any

import duckdb

TABLES = """
CREATE TABLE dim_product (product_id VARCHAR, department VARCHAR, brand VARCHAR, supplier_id VARCHAR);
INSERT INTO dim_product VALUES ('p1','GROCERY','own','s1'), ('p2','GROCERY','big','s2'), ('p3','DRUG','big','s1');
CREATE TABLE dim_supplier (supplier_id VARCHAR, supplier_name VARCHAR);
INSERT INTO dim_supplier VALUES ('s1','Alpha'), ('s2','Beta');
CREATE TABLE dim_location (location_id VARCHAR, region VARCHAR);
INSERT INTO dim_location VALUES ('l1','East'), ('l2','West');
CREATE TABLE dim_customer (customer_id VARCHAR, segment VARCHAR, has_consent BOOLEAN);
INSERT INTO dim_customer VALUES ('c1','gold',true), ('c2','gold',false), ('c3','new',true), ('c4',NULL,true);
CREATE TABLE fct_sales (sale_id VARCHAR, date_day DATE, product_id VARCHAR, location_id VARCHAR,
                        customer_id VARCHAR, channel VARCHAR, amount DOUBLE, units INTEGER);
INSERT INTO fct_sales VALUES
 ('1','2024-01-30','p1','l1','c1','store', 10, 1), ('2','2024-01-31','p2','l1','c2','store', 20, 2),
 ('3','2024-02-01','p3','l2','c3','web',    5, 1), ('4','2024-02-28','p1','l2','c1','store', 40, 4),
 ('5','2024-02-29','p9','l1','c2','web',    7, 1), ('6','2024-03-01', NULL,'l1', NULL,'store', 3, 1),
 ('7','2024-03-31','p1', NULL,'c4','web',  15, 3), ('8','2024-03-31','p2','l2','c1', NULL,  30, 2);
CREATE TABLE fct_stock (date_day DATE, product_id VARCHAR, location_id VARCHAR, units INTEGER, stock_value DOUBLE);
INSERT INTO fct_stock VALUES
 ('2024-01-30','p1','l1',10,100), ('2024-01-30','p2','l1',20,400),
 ('2024-01-31','p1','l1', 8, 80),
 ('2024-02-28','p1','l1', 6, 60), ('2024-02-28','p3','l2', 4, 40),
 ('2024-02-29','p1','l1', 5, 50), ('2024-02-29','p3','l2', 3, 30),
 ('2024-03-31','p1','l1', 9, 90), ('2024-03-31', NULL,'l2', 2, 20);
CREATE TABLE time_spine AS SELECT CAST(d AS DATE) AS date_day
  FROM range(DATE '2024-01-01', DATE '2024-04-01', INTERVAL 1 DAY) t(d);
"""


def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(TABLES)
    return connection


def _entity(name: str, kind: str, expr: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "expr": expr or f"{name}_id"}


def _time(name: str = "date_day") -> dict[str, Any]:
    return {"name": name, "type": "time", "type_params": {"time_granularity": "day"}}


def _word(name: str) -> dict[str, Any]:
    return {"name": name, "type": "categorical"}


def _model(
    name: str, entities: list[Any], dimensions: list[Any], measures: list[Any], **more: Any
) -> dict[str, Any]:
    return {
        "name": name, "node_relation": {"alias": name, "schema_name": "main", "relation_name": f"main.{name}"},
        "entities": entities, "dimensions": dimensions, "measures": measures, **more,
    }  # fmt: skip


def _sum(name: str, expr: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "agg": "sum", "expr": expr, **more}


def _simple(name: str, measure: str, meta: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    config = {"meta": {"steelyard": meta}} if meta else None
    metric_filter = more.pop("filter", None)
    return {
        "name": name, "type": "simple", "type_params": {"measure": {"name": measure}, **more}, "config": config,
        "filter": {"where_filters": [{"where_sql_template": metric_filter}]} if metric_filter else None,
    }  # fmt: skip


def _derived(name: str, expr: str, inputs: list[Any]) -> dict[str, Any]:
    return {"name": name, "type": "derived", "type_params": {"expr": expr, "metrics": inputs}}


def manifest() -> dict[str, Any]:
    """The legacy form: measures in semantic models."""
    sales = _model(
        "fct_sales",
        [_entity("sale", "primary"), _entity("product", "foreign"), _entity("location", "foreign"),
         _entity("customer", "foreign")],
        [_time(), _word("channel")],
        [
            _sum("sales_amount", "amount"), _sum("sold_units", "units"),
            {"name": "buyers", "agg": "count_distinct", "expr": "customer_id"},
            {"name": "sales_average", "agg": "average", "expr": "amount"},
            {"name": "sales_count", "agg": "count", "expr": "amount"},
            {"name": "sales_max", "agg": "max", "expr": "amount"},
        ],
        defaults={"agg_time_dimension": "date_day"},
    )  # fmt: skip
    last = {"name": "date_day", "window_choice": "max", "window_groupings": ["product", "location"]}
    stock = _model(
        "fct_stock", [_entity("product", "foreign"), _entity("location", "foreign")], [_time()],
        [
            _sum("stock_units_last", "units", non_additive_dimension=last),
            _sum("stock_units_last_day", "units", non_additive_dimension={**last, "window_groupings": []}),
            _sum("stock_value_sum", "stock_value"), _sum("stock_units_sum", "units"),
            {"name": "stock_days", "agg": "count_distinct", "expr": "date_day"},
        ],
        defaults={"agg_time_dimension": "date_day"}, primary_entity="stock_day",
    )  # fmt: skip
    models = [
        sales, stock,
        _model("dim_product", [_entity("product", "primary"), _entity("supplier", "foreign")],
               [_word("department"), _word("brand")], []),
        _model("dim_supplier", [_entity("supplier", "primary")], [_word("supplier_name")], []),
        _model("dim_location", [_entity("location", "primary")], [_word("region")], []),
        _model("dim_customer", [_entity("customer", "primary")], [_word("segment"), _word("has_consent")], []),
    ]  # fmt: skip
    metrics = [
        _simple("net_sales", "sales_amount"), _simple("units_sold", "sold_units"),
        _simple("active_customers", "buyers"), _simple("average_line", "sales_average"),
        _simple("sales_lines", "sales_count"), _simple("largest_line", "sales_max"),
        _simple("east_sales", "sales_amount", filter="{{ Dimension('location__region') }} = 'East'"),
        _simple("gold_sales", "sales_amount", filter="{{ Dimension('customer__segment') }} = 'gold'"),
        _simple("sales_or_zero", "sales_amount", fill_nulls_with=0, join_to_timespine=True),
        {"name": "price", "type": "ratio",
         "type_params": {"numerator": {"name": "net_sales"}, "denominator": {"name": "units_sold"}}},
        _derived("sales_growth", "net_sales - last_month", [
            {"name": "net_sales"},
            {"name": "net_sales", "alias": "last_month", "offset_window": {"count": 1, "granularity": "month"}}]),
        {"name": "sales_to_date", "type": "cumulative", "type_params": {
            "measure": {"name": "sales_amount"}, "cumulative_type_params": {"grain_to_date": "year"}}},
        {"name": "sales_28_days", "type": "cumulative", "type_params": {
            "measure": {"name": "sales_amount"},
            "cumulative_type_params": {"window": {"count": 28, "granularity": "day"}}}},
        {"name": "buyers_28_days", "type": "cumulative", "type_params": {
            "measure": {"name": "buyers"},
            "cumulative_type_params": {"window": {"count": 28, "granularity": "day"}}}},
        _simple("inventory_on_hand_units", "stock_units_last"),
        _simple("inventory_last_day_units", "stock_units_last_day"),
        _simple("average_inventory_cost", "stock_value_sum", {"period_agg_over_days": "mean"}),
        _simple("carried_units", "stock_units_sum", {"carry_forward_days": 40}),
        _simple("inventory_days", "stock_days", {"period_days": True}),
        _derived("inventory_days_before", "earlier", [{"name": "inventory_days", "alias": "earlier", "offset_window": {"count": 1, "granularity": "month"}}]),
        _derived("inventory_turns",
                 "net_sales * 365.0 / nullif(inventory_days, 0) / nullif(average_inventory_cost, 0)",
                 [{"name": "net_sales"}, {"name": "inventory_days"}, {"name": "average_inventory_cost"}]),
    ]  # fmt: skip
    spine = {
        "node_relation": {"alias": "time_spine", "schema_name": "main", "relation_name": "main.time_spine"},
        "primary_column": {"name": "date_day", "time_granularity": "day"}, "custom_granularities": [],
    }  # fmt: skip
    return {
        "semantic_models": models, "metrics": metrics, "saved_queries": [],
        "project_configuration": {"time_spines": [spine]},
    }  # fmt: skip
