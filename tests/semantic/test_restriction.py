# ruff: noqa: E501 - tables of cases read better in one line
"""A restriction equals querying a copy of the data without the forbidden rows, and hides what it hides."""

from __future__ import annotations

import itertools

import pytest

from semantic import MetricQuery, MinimumGroup, Restriction, RowRule, SemanticLayer
from semantic.errors import ForbiddenUseError, SemanticError, UnknownNameError

from .conftest import Answer, _plain
from .retailer import database

EAST = Restriction(rows=(RowRule("location", "region IN ('East')"),))
CONSENT = Restriction(rows=(RowRule("customer", "has_consent"),))

FILTERED = {
    EAST: [
        "DELETE FROM fct_sales WHERE location_id IS DISTINCT FROM 'l1'",
        "DELETE FROM fct_stock WHERE location_id IS DISTINCT FROM 'l1'",
        "DELETE FROM dim_location WHERE region <> 'East'",
    ],
    CONSENT: [
        "DELETE FROM fct_sales WHERE customer_id IS NULL OR customer_id = 'c2'",
        "DELETE FROM dim_customer WHERE NOT has_consent",
    ],
}
METRICS = [
    "net_sales", "price", "active_customers", "sales_growth", "sales_to_date", "sales_28_days", "buyers_28_days",
    "inventory_on_hand_units", "average_inventory_cost", "inventory_turns", "carried_units", "sales_or_zero",
]  # fmt: skip
KEYS = [("metric_time__month",), ("metric_time__month", "product__department"), ("metric_time__day",)]


@pytest.mark.parametrize("restriction", [EAST, CONSENT], ids=["region", "consent"])
def test_equals_a_filtered_copy(answer: Answer, layer: SemanticLayer, restriction: Restriction) -> None:
    copy = database()
    for statement in FILTERED[restriction]:
        copy.execute(statement)
    for metric, by in itertools.product(METRICS, KEYS):
        plain = layer.compile(MetricQuery(metrics=[metric], group_by=by)).sql
        expected = [tuple(_plain(v) for v in row) for row in copy.execute(plain).fetchall()]
        assert answer(metric, by=by, restriction=restriction) == sorted(expected, key=str), (metric, by)


def test_applies_though_the_query_does_not_mention_it(answer: Answer) -> None:
    assert answer("net_sales", restriction=EAST) == [(40.0,)]
    assert answer(by=("location__region",), restriction=EAST) == [("East",)]
    assert answer("net_sales", restriction=Restriction(allow_nothing=True)) == [(None,)]


def _message(layer: SemanticLayer, query: MetricQuery, restriction: Restriction) -> str:
    with pytest.raises(SemanticError) as caught:
        layer.compile(query, restriction=restriction)
    assert isinstance(caught.value, UnknownNameError)
    return str(caught.value)


def test_hidden_metric_answers_like_one_that_does_not_exist(layer: SemanticLayer) -> None:
    hidden = Restriction(hidden_metrics=frozenset({"average_inventory_cost"}))
    for query in (
        MetricQuery(metrics=["average_inventory_cost"]),
        MetricQuery(metrics=["inventory_turns"]),
        MetricQuery(metrics=["net_sales"], where=["{{ Metric('average_inventory_cost', ['product']) }} > 1"]),
        MetricQuery(metrics=["net_sales"], order_by=["average_inventory_cost"]),
    ):
        text = _message(layer, query, hidden)
        assert "Did you mean average_inventory_cost" not in text and "or average_inventory_cost" not in text
    near = _message(layer, MetricQuery(metrics=["average_inventory_cos"]), hidden)
    assert "average_inventory_cost" not in near
    assert "average_inventory_cost" not in {m.name for m in layer.metrics(hidden)}
    missing = _message(layer, MetricQuery(metrics=["zzz_missing"]), hidden)
    concealed = _message(layer, MetricQuery(metrics=["average_inventory_cost"]), hidden)
    assert missing.split(" does not exist")[0] == "The metric zzz_missing"
    assert concealed.split(" does not exist")[0] == "The metric average_inventory_cost"


def test_hidden_dimension_answers_like_one_that_does_not_exist(layer: SemanticLayer) -> None:
    hidden = Restriction(hidden_dimensions=frozenset({"customer__segment"}))
    for query in (
        MetricQuery(metrics=["net_sales"], group_by=["customer__segment"]),
        MetricQuery(metrics=["net_sales"], where=["customer__segment = 'gold'"]),
        MetricQuery(group_by=["customer__segment"]),
        MetricQuery(metrics=["net_sales"], group_by=["sale__customer__segment"]),
        MetricQuery(group_by=["segment"]),
        MetricQuery(metrics=["gold_sales"]),
        MetricQuery(metrics=["net_sales"], order_by=["customer__segment"]),
    ):
        _message(layer, query, hidden)
    assert "customer__segment" not in _message(
        layer, MetricQuery(metrics=["net_sales"], group_by=["customer__segmen"]), hidden
    )
    assert "customer__segment" not in layer.dimensions(["net_sales"], hidden)


def test_masked_dimension_shows_stars_and_cannot_be_probed(answer: Answer, layer: SemanticLayer) -> None:
    masked = Restriction(masked_dimensions=frozenset({"customer__segment"}))
    assert answer("net_sales", by=("customer__segment",), restriction=masked) == [("***", 130.0)]
    for query in (
        MetricQuery(metrics=["net_sales"], where=["customer__segment = 'gold'"]),
        MetricQuery(metrics=["net_sales"], group_by=["customer__segment"], order_by=["customer__segment"]),
    ):
        with pytest.raises(ForbiddenUseError):
            layer.compile(query, restriction=masked)


@pytest.mark.parametrize("floor", [None, MinimumGroup(2)])
def test_a_metric_defined_by_what_is_masked_is_refused(
    layer: SemanticLayer, floor: MinimumGroup | None
) -> None:
    """Its filter would compare stars: a number, and a wrong one."""
    masked = Restriction(masked_dimensions=frozenset({"customer__segment"}), minimum_group=floor)
    with pytest.raises(ForbiddenUseError, match="customer__segment"):
        layer.compile(MetricQuery(metrics=["gold_sales"]), restriction=masked)


def test_small_groups_are_suppressed(answer: Answer) -> None:
    guard = Restriction(minimum_group=MinimumGroup(2))
    assert answer("net_sales", by=("metric_time__month",), restriction=guard) == [
        ("2024-01-01", 30.0), ("2024-02-01", 52.0), ("2024-03-01", 48.0)
    ]  # fmt: skip
    assert answer("net_sales", by=("product__department",), restriction=guard) == [("GROCERY", 115.0)]
    assert answer("price", by=("customer",), restriction=guard) == []
    assert answer(by=("customer",), restriction=guard) == []
    assert answer(by=("customer__segment",), restriction=guard) == [("gold",)]
    two = answer("net_sales", "inventory_on_hand_units", by=("product__department",), restriction=guard)
    assert two == sorted([("DRUG", None, 3), ("GROCERY", 115.0, 29), (None, None, 2)], key=str)


def test_a_rule_that_fits_no_model_is_an_error(layer: SemanticLayer) -> None:
    broken = Restriction(rows=(RowRule("location", "country = 'x'"),))
    with pytest.raises(SemanticError):
        layer.compile(MetricQuery(metrics=["net_sales"]), restriction=broken)
    with pytest.raises(SemanticError):
        layer.compile(
            MetricQuery(metrics=["inventory_days"]), restriction=Restriction(rows=(RowRule("shop", "a = 1"),))
        )


def test_probes_are_told_apart_by_what_they_count(layer: SemanticLayer) -> None:
    guard = Restriction(minimum_group=MinimumGroup(2))

    def names(*by: str) -> set[str]:
        return {p.name for p in layer.compile(MetricQuery(["net_sales"], by), restriction=guard).probes}

    assert names("location__region") == names("location__region") and all(names("location__region"))
    assert not names("location__region") & names("product__department")
