"""The front door is what it says: nothing of it can be changed, and planning renders no SQL."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from sqlglot.dialects.dialect import Dialect

from semantic import NO_RESTRICTION, MetricQuery, MinimumGroup, Restriction, RowRule, SemanticLayer
from semantic.plan.planner import Planner
from semantic.query import Resolver

QUESTIONS = [
    MetricQuery(["net_sales", "price"], ["metric_time__month", "product__department"]),
    MetricQuery(["sales_growth"], ["metric_time__day"]),
    MetricQuery(["sales_growth"], ["metric_time__month"], time_constraint=("2024-01-01", "2024-02-29")),
    MetricQuery(["sales_to_date", "sales_28_days"], ["metric_time__day"]),
    MetricQuery(["buyers_28_days"], ["metric_time__day", "product__department"]),
    MetricQuery(["inventory_on_hand_units"], ["metric_time__month"]),
    MetricQuery([], ["product__department"], ["{{ Metric('net_sales', ['product']) }} > 10"]),
]
RESTRICTIONS = [
    NO_RESTRICTION,
    Restriction((RowRule("product", "department = 'GROCERY'"),), minimum_group=MinimumGroup(2)),
]


@pytest.mark.parametrize("name", ["catalog", "statistics", "_plans", "_parser", "anything_new"])
def test_no_attribute_of_a_layer_can_be_assigned_or_deleted(layer: SemanticLayer, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(layer, name, None)
    with pytest.raises(FrozenInstanceError):
        delattr(layer, name)


@pytest.mark.parametrize("name", ["models", "metrics", "saved_queries", "custom_grains", "joinable"])
def test_no_definition_can_be_replaced(layer: SemanticLayer, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(layer.catalog, name)["net_sales"] = None


@pytest.mark.parametrize("restriction", RESTRICTIONS, ids=["everything", "restricted"])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: " ".join(q.metrics) or "values")
def test_planning_renders_no_sql(
    layer: SemanticLayer, question: MetricQuery, restriction: Restriction, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = layer.parse(question)
    planner = Planner(layer.catalog, Resolver(layer.catalog), restriction)
    rendered: list[object] = []
    monkeypatch.setattr(Dialect, "generate", lambda _, tree, *__, **___: rendered.append(tree) or "")
    planned = planner.plan(parsed)
    assert planned.plan.body.columns and rendered == []
    planned.plan.body.columns[0].expr.sql()
    assert len(rendered) == 1, "the test would not notice"
