"""What a parsed query names: all that planning may use, in the spelling of the definitions."""

from __future__ import annotations

import copy

import pytest

from semantic import MetricQuery, ParsedQuery, Restriction, SemanticLayer, UsedName
from semantic.errors import InvalidQueryError, UnknownNameError, UnsupportedError
from tests.semantic.retailer import manifest


def named(parsed: ParsedQuery, kind: str) -> set[str]:
    return {name.name for name in parsed.names() if name.kind == kind}


@pytest.mark.parametrize(
    "spelling",
    [
        "customer__segment",
        " CUSTOMER __ Segment ",
        "Dimension('cust' 'omer__seg' 'ment')",
        'Dimension("\\x63ustomer__\\N{LATIN SMALL LETTER S}egment")',
        "Dimension('segment', entity_path=['customer'])",
    ],
)
def test_every_spelling_is_one_name(layer: SemanticLayer, spelling: str) -> None:
    parsed = layer.parse(MetricQuery(["net_sales"], [spelling]))
    assert UsedName("dimension", "customer__segment", "dim_customer", ("customer",)) in parsed.names()
    assert parsed == layer.parse(MetricQuery(["net_sales"], ["customer__segment"]))


def test_names_reach_everywhere(layer: SemanticLayer) -> None:
    """Inputs of metrics, filters of definitions, metric filters and their keys, keys of balances, SQL."""
    assert named(layer.parse(MetricQuery(["price"])), "metric") == {"price", "net_sales", "units_sold"}
    assert "customer__segment" in named(layer.parse(MetricQuery(["gold_sales"])), "dimension")
    where = "{{ Metric('active_' 'customers', ['product']) }} > 1 AND location__region = 'East'"
    parsed = layer.parse(MetricQuery(["net_sales"], where=[where]))
    assert {"net_sales", "active_customers"} <= named(parsed, "metric")
    assert "product" in named(parsed, "entity")
    assert "location__region" in named(parsed, "dimension")
    assert {"product", "location"} <= named(layer.parse(MetricQuery(["inventory_on_hand_units"])), "entity")
    ordered = layer.parse(MetricQuery(["net_sales"], ["product__brand"], order_by=["-product__brand"]))
    assert "product__brand" in named(ordered, "dimension")
    sql = layer.parse(
        "SELECT CASE WHEN customer__segment = 'gold' THEN 1 END AS gold, MEASURE(price) / 2 AS half"
        " FROM metrics WHERE location__region = 'East' GROUP BY 1 HAVING MEASURE(active_customers) > 1"
    )
    assert {"customer__segment", "location__region"} <= named(sql, "dimension")
    assert named(sql, "metric") == {"price", "net_sales", "units_sold", "active_customers"}


def test_saved_queries_are_written_out() -> None:
    definitions = copy.deepcopy(manifest())
    params = {"metrics": ["net_sales"], "group_by": ["Dimension('product__brand')"], "where": None}
    definitions["saved_queries"] = [{"name": "by_brand", "query_params": params}]
    layer = SemanticLayer.from_dict(definitions)
    parsed = layer.parse(MetricQuery(saved_query="by_brand"))
    assert named(parsed, "metric") == {"net_sales"}
    assert "product__brand" in named(parsed, "dimension")
    assert [c.name for c in layer.compile(parsed).columns] == ["product__brand", "net_sales"]
    texts = []
    for name, hidden in (("by_brand", frozenset({"net_sales"})), ("by_brant", frozenset({"net_sales"}))):
        with pytest.raises(UnknownNameError) as refused:
            layer.compile(MetricQuery(saved_query=name), restriction=Restriction(hidden_metrics=hidden))
        texts.append(str(refused.value).replace(name, "…"))
    assert texts[0] == texts[1]


def test_parsing_refuses_shapes_and_never_names(layer: SemanticLayer) -> None:
    """Whether a name exists is planning's to say, since what is hidden must be refused in the same words."""
    for malformed in (MetricQuery(["net_sales"], ["Dimension(1)"]), MetricQuery(["net_sales"], limit=-1)):
        with pytest.raises(InvalidQueryError):
            layer.parse(malformed)
    with pytest.raises(UnsupportedError):
        layer.parse("SELECT * FROM metrics")
    missing = layer.parse(MetricQuery(["no_such_metric"], ["no_such__dimension"]))
    assert missing.names() == frozenset()
    with pytest.raises(UnknownNameError):
        layer.compile(missing)
    texts = []
    for metric in (
        "price",
        "prize",
    ):  # SQL says the same of a column that is a metric and of one that is nothing
        with pytest.raises(InvalidQueryError) as refused:
            layer.parse(f"SELECT {metric}, MEASURE(net_sales) FROM metrics")
        texts.append(f"{refused.value} {refused.value.hint}".replace(metric, "…"))
    assert texts[0] == texts[1]


def test_planning_uses_authorized_names_only(layer: SemanticLayer) -> None:
    query = MetricQuery(["price"], ["customer__segment"], ["{{ Metric('net_sales', ['product']) }} > 1"])
    parsed = layer.parse(query)
    assert (
        layer.compile(parsed, restriction=Restriction(authorized=parsed.names())).sql
        == layer.compile(query).sql
    )
    for lost in (
        UsedName("metric", "price"),
        UsedName("metric", "units_sold"),
        UsedName("dimension", "customer__segment", "dim_customer", ("customer",)),
        UsedName("entity", "product", "fct_sales"),
    ):
        assert lost in parsed.names()
        with pytest.raises(UnknownNameError) as refused:
            layer.compile(parsed, restriction=Restriction(authorized=parsed.names() - {lost}))
        assert lost.name in refused.value.message
    wider = parsed.names() | {UsedName("metric", "active_customers")}  # more than the query was parsed to use
    assert layer.compile(parsed, restriction=Restriction(authorized=wider)).sql == layer.compile(query).sql


def test_two_spellings_of_one_period_keep_their_columns(layer: SemanticLayer) -> None:
    """A grain finer than is known is shown as known, so two keys of the SELECT are one key of the answer."""
    compiled = layer.compile(
        layer.parse(
            "SELECT metric_time__hour AS h, metric_time__day AS d, location__region AS r,"
            " MEASURE(net_sales) AS m FROM metrics GROUP BY ALL"
        )
    )
    assert [(c.name, c.kind) for c in compiled.columns] == [
        ("h", "time"), ("d", "time"), ("r", "dimension"), ("m", "metric"),
    ]  # fmt: skip


def test_a_repeated_query_is_parsed_and_planned_once(layer: SemanticLayer) -> None:
    query = MetricQuery(["net_sales"], ["product__brand"])
    assert layer.parse(query) is layer.parse(MetricQuery(("net_sales",), ("product__brand",)))
    assert layer.compile(query) is layer.compile(layer.parse(query))
    sql = "SELECT product__brand, MEASURE(net_sales) FROM metrics GROUP BY 1"
    assert layer.compile(layer.parse(sql)) is layer.compile(layer.parse(sql))
