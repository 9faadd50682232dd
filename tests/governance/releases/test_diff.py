"""Two releases of a shop with three KPIs: every kind of change is made once and told once."""

import json
from copy import deepcopy

import pytest

from governance.releases import Release
from governance.releases.diff import NodeChange, diff_releases
from governance.releases.diff.changes import field_changes
from semantic.errors import SteelyardError


def simple(name, measure, **more):
    params = {"measure": {"name": measure, "filter": None}, "input_measures": [{"name": measure}]}
    return {"name": name, "type": "simple", "type_params": params, "config": {"meta": {}}} | more


SEMANTIC = {
    "semantic_models": [
        {
            "name": "sales",
            "node_relation": {"alias": "fct_sales"},
            "defaults": {"agg_time_dimension": "day"},
            "entities": [{"name": "sale", "type": "primary", "expr": "sale_id"}],
            "dimensions": [{"name": "day", "type": "time", "type_params": {"time_granularity": "day"}}],
            "measures": [
                {"name": "net", "agg": "sum", "expr": "net"},
                {"name": "cost", "agg": "sum", "expr": "cost"},
            ],
        }
    ],
    "metrics": [
        simple("net_sales", "net", description="What the shop receives."),
        simple("cost", "cost", config={"meta": {"margin_sensitive": True}}),
        {
            "name": "margin_rate",
            "type": "ratio",
            "type_params": {"numerator": {"name": "cost"}, "denominator": {"name": "net_sales"}},
            "config": {"meta": {}},
        },
    ],
}


def model(name, layer, columns, *, sql="select 1", macros=()):
    return {
        "name": name,
        "resource_type": "model",
        "fqn": ["shop", layer, name],
        "raw_code": sql,
        "depends_on": {"macros": list(macros)},
        "columns": {c: {"data_type": t, "description": "", "constraints": []} for c, t in columns.items()},
    }


MANIFEST = {
    "nodes": {
        "model.shop.stg_sales": model("stg_sales", "staging", {}, macros=["macro.shop.outer"]),
        "model.shop.fct_sales": model("fct_sales", "marts", {"sale_id": "varchar", "net": "decimal"}),
        "model.shop.feat_week": model("feat_week", "features", {"units": "bigint"}),
        "test.shop.sales": {"name": "t", "resource_type": "test"},
    },
    "macros": {
        "macro.shop.outer": {"macro_sql": "{{ inner() }}", "depends_on": {"macros": ["macro.shop.inner"]}},
        "macro.shop.inner": {"macro_sql": "1", "depends_on": {"macros": []}},
    },
    "metrics": {f"metric.shop.{m['name']}": {"label": m["name"].title()} for m in SEMANTIC["metrics"]},
    "exposures": {
        "exposure.shop.board": {"type": "dashboard", "label": "The board"},
        "exposure.shop.forecast": {"type": "ml", "label": "The forecast"},
        "exposure.shop.other_board": {"type": "dashboard", "label": "Another"},
    },
    "child_map": {
        "model.shop.stg_sales": ["model.shop.fct_sales", "test.shop.sales"],
        "model.shop.fct_sales": ["semantic_model.shop.sales", "model.shop.feat_week", "test.shop.sales"],
        "model.shop.feat_week": ["exposure.shop.forecast"],
        "semantic_model.shop.sales": ["metric.shop.net_sales", "metric.shop.cost"],
        "metric.shop.net_sales": ["metric.shop.margin_rate"],
        "metric.shop.cost": ["metric.shop.margin_rate", "exposure.shop.other_board"],
        "metric.shop.margin_rate": ["exposure.shop.board"],
    },
}


@pytest.fixture
def compare(tmp_path):
    """Diff the shop against itself after `change(manifest, semantic)`; numbers come from `numbers`."""

    def compare(change=lambda manifest, semantic: None, numbers=None):
        manifest, semantic = deepcopy(MANIFEST), deepcopy(SEMANTIC)
        change(manifest, semantic)
        pair = (("a", MANIFEST, SEMANTIC), ("b", manifest, semantic))
        releases = []
        for name, dbt, definitions in pair:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "manifest.json").write_text(json.dumps(dbt))
            (tmp_path / name / "semantic_manifest.json").write_text(json.dumps(definitions))
            releases.append(Release(name, tmp_path / name, "", ""))
        return diff_releases(*releases, numbers or (lambda release, kpi: {"2026-01-01": 1.0}))

    return compare


def names(diff, kind):
    return [r.name for r in diff.reaches if r.kind == kind]


def test_a_release_differs_in_nothing_from_itself(compare):
    diff = compare()
    assert (diff.kpis, diff.dimensions, diff.models, diff.reaches, diff.policies, diff.moved) == ((),) * 6
    assert diff.compared == 3


def test_a_changed_measure_changes_its_kpi_and_reaches_what_is_built_on_it(compare):
    def change(manifest, semantic):
        semantic["semantic_models"][0]["measures"][0]["expr"] = "net - coupon"

    diff = compare(change)
    (kpi,) = diff.kpis
    assert (kpi.name, kpi.what) == ("net_sales", "changed")
    (field,) = kpi.fields
    assert (field.field, field.before, field.after) == (
        "measures.net.expr",
        "net",
        "net - coupon",
    )
    assert [(r.kind, r.name, r.because) for r in diff.reaches] == [
        ("dashboard", "board", ("net_sales",)),
        ("kpi", "margin_rate", ("net_sales",)),
    ]
    # The ratio inherits the tag of its other half: the people who guard it must know.
    assert [(t.name, t.changed, t.after) for t in diff.policies] == [
        ("margin_rate", False, {"margin_sensitive": True})
    ]


@pytest.mark.parametrize(
    ("change", "field", "before", "after"),
    [
        (lambda m: m.update(description="Words."), "description", "What the shop receives.", "Words."),
        (lambda m: m.update(label="Net"), "label", None, "Net"),
        (lambda m: m["config"]["meta"].update(unit="currency"), "meta.unit", None, "currency"),
        (
            lambda m: m.update(filter={"where_filters": [{"where_sql_template": "day > '2026-01-01'"}]}),
            "filter.where_filters.0.where_sql_template", None, "day > '2026-01-01'",
        ),
        (
            lambda m: m["type_params"]["measure"].update(fill_nulls_with=0),
            "type_params.measure.fill_nulls_with", None, 0,
        ),
    ],
)  # fmt: skip
def test_every_part_of_a_definition_is_seen(compare, change, field, before, after):
    (kpi,) = compare(lambda manifest, semantic: change(semantic["metrics"][0])).kpis
    assert [(f.field, f.before, f.after) for f in kpi.fields] == [(field, before, after)]


def test_kpis_come_and_go(compare):
    def change(manifest, semantic):
        semantic["metrics"][0]["name"] = "net_revenue"
        manifest["metrics"]["metric.shop.net_revenue"] = manifest["metrics"].pop("metric.shop.net_sales")

    diff = compare(change)
    assert diff.kpis == (NodeChange("net_revenue", "added"), NodeChange("net_sales", "removed"))
    assert diff.compared == 2
    # What stood on the removed KPI is found through the old release's map.
    assert names(diff, "dashboard") == ["board"]


def test_a_column_reaches_kpis_features_models_and_dashboards(compare):
    def change(manifest, semantic):
        columns = manifest["nodes"]["model.shop.fct_sales"]["columns"]
        columns["net"]["data_type"] = "double"
        columns["tax"] = columns.pop("sale_id")

    diff = compare(change)
    (mart,) = diff.models
    assert (mart.name, mart.layer, mart.sql_changed) == ("fct_sales", "marts", False)
    assert [(c.name, c.what) for c in mart.columns] == [
        ("net", "changed"),
        ("sale_id", "removed"),
        ("tax", "added"),
    ]
    assert names(diff, "kpi") == ["cost", "margin_rate", "net_sales"]
    assert names(diff, "dashboard") == ["board", "other_board"]
    assert (names(diff, "feature"), names(diff, "model")) == (["feat_week"], ["forecast"])


def test_words_on_a_column_are_told_and_reach_nothing(compare):
    def change(manifest, semantic):
        manifest["nodes"]["model.shop.fct_sales"]["columns"]["net"]["description"] = "Received."

    diff = compare(change)
    assert [m.name for m in diff.models] == ["fct_sales"]
    assert diff.reaches == ()


def test_a_macro_two_levels_down_changes_the_model_above_it(compare):
    def change(manifest, semantic):
        manifest["macros"]["macro.shop.inner"]["macro_sql"] = "2"

    diff = compare(change)
    assert [(m.name, m.sql_changed) for m in diff.models] == [("stg_sales", True)]
    assert {r.because for r in diff.reaches} == {("stg_sales",)}
    assert len(diff.reaches) == 7


def test_a_tag_that_falls_is_a_policy_change_of_everything_that_inherited_it(compare):
    def change(manifest, semantic):
        del semantic["metrics"][1]["config"]["meta"]["margin_sensitive"]

    changed = [(t.name, t.before, t.after) for t in compare(change).policies if t.changed]
    assert changed == [
        ("cost", {"margin_sensitive": True}, {}),
        ("margin_rate", {"margin_sensitive": True}, {}),
    ]


def test_dimensions(compare):
    def change(manifest, semantic):
        semantic["semantic_models"][0]["dimensions"][0]["type_params"]["time_granularity"] = "week"
        semantic["semantic_models"][0]["dimensions"].append({"name": "till", "type": "categorical"})

    diff = compare(change)
    assert [(d.name, d.what) for d in diff.dimensions] == [("sales.day", "changed"), ("sales.till", "added")]
    assert names(diff, "kpi") == ["cost", "margin_rate", "net_sales"]


def test_numbers_by_month(compare):
    table = {
        ("a", "net_sales"): {"2026-01-01": 100.0, "2026-02-01": 50.0, "2026-03-01": 0.0, "2026-04-01": None},
        ("b", "net_sales"): {"2026-01-01": 90.0, "2026-02-01": 50 + 1e-12, "2026-03-01": 5, "2026-05-01": 7},
        ("a", "cost"): {"2026-01-01": 0.1 + 0.2},
        ("b", "cost"): {"2026-01-01": 0.3},
    }  # fmt: skip

    def numbers(release, kpi):
        if kpi == "margin_rate":
            raise SteelyardError("margin_rate has no months", code="x", hint="")
        return table[release, kpi]

    moved = {k.name: k for k in compare(numbers=numbers).moved}
    assert set(moved) == {"net_sales", "margin_rate"}
    assert moved["margin_rate"].problem == "margin_rate has no months"
    assert [(m.month, m.before, m.after, m.change, m.share) for m in moved["net_sales"].months] == [
        ("2026-01-01", 100.0, 90.0, -10.0, pytest.approx(-0.1)),
        ("2026-03-01", 0.0, 5.0, 5.0, None),
        ("2026-05-01", None, 7.0, None, None),
    ]


def test_as_json(compare):
    def change(manifest, semantic):
        semantic["metrics"][0]["label"] = "Net"

    body = json.loads(
        json.dumps(compare(change, lambda release, kpi: {"2026-01-01": float(release == "b")}).as_dict())
    )
    assert body["kpis"][0]["fields"] == [{"field": "label", "before": None, "after": "Net"}]
    assert body["moved"][0]["months"][0] == {
        "month": "2026-01-01", "before": 0.0, "after": 1.0, "change": 1.0, "share": None,
    }  # fmt: skip


def test_a_new_item_of_a_list_does_not_shift_the_others():
    before = {"metrics": [{"name": "b"}]}
    after = {"metrics": [{"name": "a"}, {"name": "b"}]}
    assert [f.field for f in field_changes(before, after)] == ["metrics.a.name"]
