# ruff: noqa: E501 - tables of cases read better in one line
"""Every kind of metric over the tiny retailer, against numbers computed by hand."""

from __future__ import annotations

import pytest

from semantic import MetricQuery, SemanticLayer
from semantic.errors import SemanticError

from .conftest import Answer
from .retailer import manifest


@pytest.mark.parametrize(
    ("metrics", "by", "expected"),
    [
        (["net_sales"], (), [(130.0,)]),
        (["net_sales"], ("product__department",), [("DRUG", 5.0), ("GROCERY", 115.0), (None, 10.0)]),
        (["net_sales"], ("location__region",), [("East", 40.0), ("West", 75.0), (None, 15.0)]),
        (["net_sales"], ("product__supplier__supplier_name",), [("Alpha", 70.0), ("Beta", 50.0), (None, 10.0)]),
        (["net_sales"], ("channel",), [("store", 73.0), ("web", 27.0), (None, 30.0)]),
        (["net_sales"], ("sale__channel",), [("store", 73.0), ("web", 27.0), (None, 30.0)]),
        (["active_customers"], ("metric_time__month",), [("2024-01-01", 2), ("2024-02-01", 3), ("2024-03-01", 2)]),
        (["average_line"], ("product__department",), [("DRUG", 5.0), ("GROCERY", 23.0), (None, 5.0)]),
        (["sales_lines"], ("product__department",), [("DRUG", 1), ("GROCERY", 5), (None, 2)]),
        (["largest_line"], ("product__department",), [("DRUG", 5.0), ("GROCERY", 40.0), (None, 7.0)]),
        (["price"], ("product__department",), [("DRUG", 5.0), ("GROCERY", 9.583333), (None, 5.0)]),
        (["east_sales"], (), [(40.0,)]),
        (["sales_growth"], ("metric_time__month",), [("2024-01-01", None), ("2024-02-01", 22.0), ("2024-03-01", -4.0)]),
        (["net_sales"], ("metric_time__extract_month",), [(1, 30.0), (2, 52.0), (3, 48.0)]),
        (["inventory_on_hand_units"], ("metric_time__month",), [("2024-01-01", 28), ("2024-02-01", 8), ("2024-03-01", 11)]),
        (["inventory_last_day_units"], ("metric_time__month",), [("2024-01-01", 8), ("2024-02-01", 8), ("2024-03-01", 11)]),
        (["carried_units"], ("metric_time__month",), [("2024-01-01", 28), ("2024-02-01", 28), ("2024-03-01", 14)]),
        (["average_inventory_cost"], ("metric_time__month",), [("2024-01-01", 290.0), ("2024-02-01", 90.0), ("2024-03-01", 110.0)]),
        (["average_inventory_cost"], ("product__department",), [("DRUG", 14.0), ("GROCERY", 156.0), (None, 4.0)]),
        (["inventory_days"], ("product__department",), [("DRUG", 5), ("GROCERY", 5), (None, 5)]),
        (["inventory_turns"], (), [(54.540230,)]),
    ],
)  # fmt: skip
def test_by_hand(
    answer: Answer, metrics: list[str], by: tuple[str, ...], expected: list[tuple[object, ...]]
) -> None:
    assert answer(*metrics, by=by) == sorted(expected, key=str)


def test_running_metrics_equal_a_range_join_by_hand(answer: Answer, tables) -> None:  # type: ignore[no-untyped-def]
    for metric, value, start in [
        ("sales_28_days", "SUM(amount)", "f.date_day > t.date_day - INTERVAL 28 DAY"),
        ("buyers_28_days", "COUNT(DISTINCT customer_id)", "f.date_day > t.date_day - INTERVAL 28 DAY"),
        ("sales_to_date", "SUM(amount)", "f.date_day >= DATE_TRUNC('year', t.date_day)"),
    ]:
        for keys in ("", ", channel"):
            by_hand = tables.execute(
                f"SELECT strftime(t.date_day, '%Y-%m-%d'){keys}, {value} FROM time_spine t"
                f" JOIN fct_sales f ON f.date_day <= t.date_day AND {start} GROUP BY ALL"
            ).fetchall()
            by = ("metric_time__day", "channel") if keys else ("metric_time__day",)
            assert answer(metric, by=by) == sorted(by_hand, key=str), (metric, keys)


JANUARY, FEBRUARY, MARCH = "2024-01-01", "2024-02-01", "2024-03-01"


@pytest.mark.parametrize(
    ("metric", "by", "where", "expected"),
    [
        ("inventory_days", "metric_time__month", "", [(JANUARY, 2), (FEBRUARY, 2), (MARCH, 1)]),
        ("inventory_days", "metric_time__month", "product = 'p2'", [(JANUARY, 2)]),
        ("inventory_days", "stock_day__date_day__month", "product = 'p2'", [(JANUARY, 2)]),
        ("inventory_days", "metric_time__month", "metric_time__day >= '2024-01-31'", [(JANUARY, 1), (FEBRUARY, 2), (MARCH, 1)]),
        ("inventory_days", "metric_time__month", "stock_day__date_day__day < '2024-02-29'", [(JANUARY, 2), (FEBRUARY, 1)]),
        ("inventory_days_before", "metric_time__month", "", [(FEBRUARY, 2), (MARCH, 2)]),
        ("inventory_days_before", "metric_time__month", "product = 'p2'", [(FEBRUARY, 2)]),
    ],
)  # fmt: skip
def test_days_of_a_period_are_those_of_the_fact(
    answer: Answer, metric: str, by: str, where: str, expected: list[tuple[object, ...]]
) -> None:
    """A filter on time takes days away; one on products only the periods without any of them."""
    assert answer(metric, by=(by,), where=[where] if where else []) == expected


def test_two_facts_are_not_multiplied(answer: Answer) -> None:
    rows = answer("net_sales", "inventory_on_hand_units", by=("product__department",))
    assert rows == sorted([("DRUG", 5.0, 3), ("GROCERY", 115.0, 29), (None, 10.0, 2)], key=str)


def test_every_day_of_the_spine_where_the_metric_joins_it(answer: Answer) -> None:
    rows = answer("sales_or_zero", by=("metric_time__day",), time_constraint=("2024-02-27", "2024-03-01"))
    assert rows == [("2024-02-27", 0), ("2024-02-28", 40.0), ("2024-02-29", 7.0), ("2024-03-01", 3.0)]


def test_order_limit_and_time_constraint(answer: Answer) -> None:
    rows = answer("net_sales", by=("product__department",), order_by=["-net_sales"], limit=1)
    assert rows == [("GROCERY", 115.0)]
    assert answer("net_sales", by=("metric_time__month",), time_constraint=("2024-02-10", "2024-02-11")) == [
        ("2024-02-01", 52.0)
    ]
    assert answer("net_sales", time_constraint=("2024-02-28", "2024-02-29")) == [(47.0,)]


def test_filters_by_template_and_by_name(answer: Answer) -> None:
    template = "{{ Dimension('product__department') }} = 'GROCERY' AND {{ TimeDimension('metric_time', 'month') }} = '2024-03-01'"
    assert answer("net_sales", where=[template]) == [(45.0,)]
    assert answer(
        "net_sales", where=["product__department = 'GROCERY'", "metric_time__month = '2024-03-01'"]
    ) == [(45.0,)]
    assert answer("net_sales", where=["{{ Metric('units_sold', ['customer']) }} > 3"]) == [(80.0,)]


def test_dimensions_without_metrics(answer: Answer) -> None:
    assert answer(by=("product__department",)) == [("DRUG",), ("GROCERY",)]
    assert answer(by=("product__supplier__supplier_name",), where=["product__department = 'DRUG'"]) == [
        ("Alpha",)
    ]
    assert answer(by=("product__department",), min_max_only=True) == [("DRUG", "GROCERY")]


def test_every_dialect_prints(layer: SemanticLayer) -> None:
    query = MetricQuery(
        metrics=["sales_to_date", "price"], group_by=["metric_time__day", "product__department"]
    )
    for dialect in ("spark", "snowflake", "bigquery", "postgres", "redshift", "trino", "databricks"):
        assert "SELECT" in layer.compile(query, dialect=dialect).sql


def test_repeated_plans_come_from_the_cache(layer: SemanticLayer) -> None:
    def query() -> MetricQuery:
        return MetricQuery(metrics=["inventory_turns"], group_by=["metric_time__month"])

    assert layer.compile(query()) is layer.compile(query())


def test_lineage_and_explanation(layer: SemanticLayer) -> None:
    query = MetricQuery(metrics=["inventory_turns"], group_by=["product__department"])
    compiled = layer.compile(query, explain=True)
    assert set(compiled.lineage.relations) == {"main.fct_sales", "main.fct_stock", "main.dim_product"}
    assert {"net_sales", "average_inventory_cost", "inventory_turns"} <= set(compiled.lineage.metrics)
    assert [c.kind for c in compiled.columns] == ["dimension", "metric"]
    assert "aggregate" in compiled.explain and "main.fct_stock" in compiled.explain


def test_a_definition_may_use_what_a_question_may_not(tables) -> None:  # type: ignore[no-untyped-def]
    """Analytics engineers write any function of the warehouse; readers, the known ones."""
    by_hash = "md5({{ Dimension('sale__channel') }}) = md5('web')"
    raw = manifest()
    filtered = {"where_filters": [{"where_sql_template": by_hash}]}
    measure = {"measure": {"name": "sales_amount"}}
    raw["metrics"].append({"name": "web_sales", "type": "simple", "type_params": measure, "filter": filtered})
    layer = SemanticLayer.from_dict(raw)
    assert tables.execute(layer.compile(MetricQuery(["web_sales"])).sql).fetchall() == [(27.0,)]
    with pytest.raises(SemanticError, match="md5"):
        layer.compile(MetricQuery(["net_sales"], [], [by_hash]))
