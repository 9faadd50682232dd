"""A sealed release of forty households, small enough to see through, with groups above and below ten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.security.small_release import model, time_spine, word, write_release

TABLES = """
CREATE TABLE products AS SELECT * FROM (VALUES
  ('p1', 'GROCERY'), ('p2', 'DRUG GM'), ('p3', 'MEAT')) t(product_id, department);
CREATE TABLE locations AS SELECT * FROM (VALUES
  ('l1', 'East'), ('l2', 'West'), ('l3', 'South')) t(location_id, region);
CREATE TABLE customers AS SELECT 'c' || i AS customer_id,
  CASE WHEN i < 14 THEN 'gold' WHEN i < 37 THEN 'silver' ELSE 'bronze' END AS loyalty_tier,
  CASE WHEN i % 2 = 0 THEN '25-34' WHEN i < 38 THEN '35-44' ELSE '65+' END AS age_band,
  i % 9 <> 0 AS has_analytics_consent, i % 5 <> 0 AS has_marketing_consent FROM range(40) t(i);
CREATE TABLE sales AS SELECT 's' || row_number() OVER () AS sale_id,
  DATE '2017-01-01' + (i % 5)::INT AS date_day,
  'c' || i AS customer_id, l AS location_id, p AS product_id, 1 + i % 3 AS amount, 0.5 AS margin
  FROM range(40) t(i), (VALUES ('l1'), ('l2'), ('l3')) ls(l), (VALUES ('p1'), ('p2'), ('p3')) ps(p)
  WHERE (i + ascii(p)) % 3 <> 0 OR l <> 'l2';
CREATE TABLE refunds AS SELECT 'r' || i AS refund_id, DATE '2017-01-03' AS date_day, 'c' || i AS customer_id,
  'l1' AS location_id, 'p1' AS product_id, 1 AS units, 'broken' AS reason FROM range(0, 40, 3) t(i);
CREATE TABLE activity AS SELECT DISTINCT customer_id, date_day FROM sales;
CREATE TABLE spine AS SELECT DATE '2017-01-01' + i::INT AS date_day FROM range(31) t(i);
"""
DAY = {"name": "date_day", "type": "time", "type_params": {"time_granularity": "day"}}
FACT = {"product": "foreign", "location": "foreign", "customer": "foreign"}


def _tagged(node: dict[str, Any], **tags: object) -> dict[str, Any]:
    return {**node, "config": {"meta": tags}}


def _measure(name: str, agg: str, expr: str) -> dict[str, Any]:
    return {"name": name, "agg": agg, "expr": expr}


def _simple(name: str, measure: str, **tags: object) -> dict[str, Any]:
    return _tagged({"name": name, "type": "simple", "type_params": {"measure": {"name": measure}}}, **tags)


def manifest() -> dict[str, Any]:
    """Everything that policy tells apart: margin, quasi-identifiers, consent, pseudonyms, keys of rows."""
    quasi = {"pii": "quasi_identifier", "purpose": "analytics"}
    activity = model("activity", {"buyer_day": "primary", "customer": "foreign"}, [DAY], [
        _measure("buyer_days", "count", "1"),
    ])  # fmt: skip
    activity["entities"][0]["expr"] = "customer_id || '@' || date_day"
    return {
        "semantic_models": [
            model("products", {"product": "primary"}, [word("department")], []),
            model("locations", {"location": "primary"}, [word("region")], []),
            model("customers", {"customer": "primary"}, [
                word("loyalty_tier"), _tagged(word("age_band"), **quasi),
                _tagged(word("has_analytics_consent"), purpose="analytics"),
                _tagged(word("has_marketing_consent"), purpose="marketing"),
            ], []),
            activity,
            model("sales", {"sale": "primary", **FACT}, [DAY], [
                _measure("amount_sum", "sum", "amount"), _measure("margin_sum", "sum", "margin"),
                _measure("buyers", "count_distinct", "customer_id"),
            ]),
            model("refunds", {"refund": "primary", **FACT}, [DAY, word("reason")], [
                _measure("refunded", "sum", "units"),
            ]),
        ],
        "metrics": [
            _simple("net_sales", "amount_sum"),
            _simple("gross_margin", "margin_sum", margin_sensitive=True),
            _simple("active_customers", "buyers"),
            _simple("units_refunded", "refunded"),
            _simple("shopping_days", "buyer_days"),
            {"name": "sales_per_customer", "type": "ratio", "type_params": {
                "numerator": {"name": "net_sales"}, "denominator": {"name": "active_customers"}}},
            {"name": "gold_sales", "type": "derived", "type_params": {"expr": "net_sales", "metrics": [
                {"name": "net_sales",
                 "filter": {"where_filters": [
                     {"where_sql_template": "{{ Dimension('customer__loyalty_tier') }} = 'gold'"}]}}]}},
        ],
        "saved_queries": [{"name": "by_region", "query_params": {
            "metrics": ["net_sales"], "group_by": ["Dimension('location__region')"], "where": None}}],
        "project_configuration": {"time_spines": [time_spine()]},
    }  # fmt: skip


def write_households(var: Path) -> None:
    """Seal the release below `var` and make it the current one."""
    write_release(var, "households", manifest(), TABLES)
