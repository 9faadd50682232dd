"""Rules of the planner: SQL before and after."""

from __future__ import annotations

from semantic import MetricQuery, SemanticLayer

EAGER = """SELECT
  dim_location.region AS location__region,
  SUM(fct_sales.part_1) AS net_sales
FROM (
  SELECT
    fct_sales.location_id AS location_id,
    SUM(fct_sales.amount) AS part_1
  FROM main.fct_sales
  GROUP BY
    1
) AS fct_sales
LEFT JOIN main.dim_location
  ON fct_sales.location_id = dim_location.location_id
GROUP BY
  1"""

PLAIN = """SELECT
  DATE_TRUNC('DAY', fct_sales.date_day) AS metric_time__day,
  dim_location.region AS location__region,
  SUM(fct_sales.amount) AS net_sales
FROM main.fct_sales
LEFT JOIN main.dim_location
  ON fct_sales.location_id = dim_location.location_id
GROUP BY
  1,
  2"""


def test_few_keys_are_aggregated_before_the_join(layer: SemanticLayer) -> None:
    assert layer.compile(MetricQuery(["net_sales"], ["location__region"])).sql == EAGER


def test_many_keys_are_joined_first(layer: SemanticLayer) -> None:
    assert layer.compile(MetricQuery(["net_sales"], ["metric_time__day", "location__region"])).sql == PLAIN


def test_distinct_counts_are_never_aggregated_twice(layer: SemanticLayer) -> None:
    sql = layer.compile(MetricQuery(["active_customers"], ["location__region"])).sql
    assert sql.count("SELECT") == 1


def test_metrics_of_one_fact_share_one_scan(layer: SemanticLayer) -> None:
    sql = layer.compile(MetricQuery(["net_sales", "units_sold", "price"], ["product__department"])).sql
    assert sql.count("FROM main.fct_sales") == 1


def test_an_offset_reads_the_same_aggregate(layer: SemanticLayer) -> None:
    sql = layer.compile(MetricQuery(["sales_growth"], ["metric_time__month"])).sql
    assert sql.count("FROM main.fct_sales") == 1


def test_a_running_total_reads_the_fact_once(layer: SemanticLayer) -> None:
    sql = layer.compile(MetricQuery(["sales_to_date"], ["metric_time__day"])).sql
    assert sql.count("FROM main.fct_sales") == 1 and "OVER (" in sql
