"""What a metric needs is what its models and all that it is computed from declare."""

from semantic import SemanticLayer, metric_needs


def _model(name, *needs):
    return {
        "name": name,
        "node_relation": {"alias": name, "schema_name": "main"},
        "defaults": {"agg_time_dimension": "day"},
        "config": {"meta": {"steelyard": {"needs": list(needs)}}} if needs else None,
        "entities": [{"name": f"{name}_id", "type": "primary"}],
        "dimensions": [{"name": "day", "type": "time", "type_params": {"time_granularity": "day"}}],
        "measures": [{"name": f"{name}_sum", "agg": "sum", "expr": "x"}],
    }


def _metric(name, kind, params, *needs):
    meta = {"steelyard": {"needs": list(needs)}} if needs else {}
    return {"name": name, "type": kind, "type_params": params, "config": {"meta": meta}}


LAYER = SemanticLayer.from_dict(
    {
        "semantic_models": [_model("sales"), _model("returns", "returns"), _model("stock", "snapshots")],
        "metrics": [
            _metric("net_sales", "simple", {"measure": {"name": "sales_sum"}}),
            _metric("margin", "simple", {"measure": {"name": "sales_sum"}}, "products.cost or prices.cost"),
            _metric("returned", "simple", {"measure": {"name": "returns_sum"}}),
            _metric(
                "rate", "ratio", {"numerator": {"name": "returned"}, "denominator": {"name": "net_sales"}}
            ),
            _metric("held", "simple", {"measure": {"name": "stock_sum"}}),
            _metric(
                "gmroi",
                "derived",
                {"expr": "margin / held", "metrics": [{"name": "margin"}, {"name": "held"}]},
            ),
            _metric("so_far", "cumulative", {"measure": {"name": "stock_sum"}}),
        ],
    }
)


def test_needs():
    needs = {name: metric_needs(LAYER.catalog, name) for name in LAYER.catalog.metrics}
    assert needs == {
        "net_sales": (),
        "margin": ("products.cost or prices.cost",),
        "returned": ("returns",),
        "rate": ("returns",),
        "held": ("snapshots",),
        "gmroi": ("products.cost or prices.cost", "snapshots"),
        "so_far": ("snapshots",),
    }
