"""A tile whose metric has no value gets no row, so that it is drawn empty and not as 0."""

import json

import pytest
from flask import Flask, jsonify, request

from dashboards.superset_steelyard.empty_tiles import leave_tiles_empty


def answer_of(rows, viz_type, metric="net_sales"):
    """What Superset answers after the application has looked at it."""
    app = Flask("superset")
    leave_tiles_empty(app)

    @app.post("/api/v1/chart/data")
    def chart_data():
        assert request.get_json()["form_data"]["viz_type"] == viz_type
        return jsonify({"result": [{"data": rows, "rowcount": len(rows), "colnames": ["net_sales"]}]})

    form = {"form_data": {"viz_type": viz_type, "metric": metric}}
    answer = app.test_client().post("/api/v1/chart/data", json=form)
    return json.loads(answer.get_data())["result"][0]


@pytest.mark.parametrize("viz_type", ["pop_kpi", "big_number_total"])
def test_a_tile_without_a_value_gets_no_rows(viz_type):
    result = answer_of([{"net_sales": None, "net_sales__92 days ago": 3.0}], viz_type)
    assert (result["data"], result["rowcount"], result["colnames"]) == ([], 0, ["net_sales"])


def test_a_metric_of_its_own_is_found_by_its_label():
    metric = {"label": "Sales", "expressionType": "SQL", "sqlExpression": "MEASURE(net_sales)"}
    assert answer_of([{"Sales": None}], "pop_kpi", metric)["data"] == []
    assert answer_of([{"Sales": 2}], "pop_kpi", metric)["data"] == [{"Sales": 2}]


@pytest.mark.parametrize(
    ("rows", "viz_type"),
    [
        ([{"net_sales": 0}], "pop_kpi"),  # nothing was sold: that is a number
        ([{"net_sales": 12.5}], "big_number_total"),
        ([{"net_sales": None}], "table"),  # a table has its own word for it
        ([], "pop_kpi"),
    ],
)
def test_everything_else_is_left_as_it_is(rows, viz_type):
    assert answer_of(rows, viz_type)["data"] == rows
