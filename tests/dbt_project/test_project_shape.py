"""What a reader may count on in every model, macro and metric of the project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

PROJECT = Path(__file__).parents[2] / "dbt_project"
LAYERS = ("staging", "intermediate", "marts", "features")
# What only DuckDB knows; a model calls it through a dispatched macro.
ONLY_DUCKDB = re.compile(
    r"\b(arg_max|arg_min|list_\w+|struct_pack|unnest|generate_series|read_parquet|strftime|strptime|epoch"
    r"|date_diff|qualify|asof|exclude|any_value|quantile_cont|hash|md5_number|to_days|try_cast"
    r"|from_json|json_extract\w*|json_transform)\s*\(|\b(qualify|asof join|group by all)\b",
    re.IGNORECASE,
)
KPIS = tuple(
    """
    gross_sales discounts net_sales manufacturer_coupons units_sold baskets active_customers
    average_basket_value units_per_basket cogs gross_margin gross_margin_rate markdown_rate
    promo_sales_share promo_uplift return_rate shrink_rate repeat_customer_rate customer_lifetime_value
    inventory_on_hand_units inventory_value average_inventory_cost inventory_turns days_of_supply gmroi
    sell_through_rate stockout_rate in_stock_rate lost_sales_units lost_sales_value fill_rate
    aged_inventory_value weeks_of_cover_excess_value on_order_units in_transit_units
    available_to_promise_units supplier_otif_rate lead_time_mean_days lead_time_p90_days
    inventory_carrying_cost accounts_payable accounts_receivable working_capital dio dpo dso
    cash_conversion_cycle open_to_buy_remaining cash_out_committed forecast_wape forecast_bias
    forecast_pinball forecast_coverage_80 margin_at_risk_value recommendations_issued
    recommendations_open acceptance_rate override_rate rejection_rate auto_approval_rate
    decision_cycle_time_hours exception_resolution_hours working_capital_impact_expected
    working_capital_impact_realised margin_impact_expected margin_impact_realised
    service_impact_realised transfer_efficiency drift_share model_age_days net_sales_wow_growth
    net_sales_ytd inventory_value_vs_4w_ago units_sold_trailing_28d
    """.split()  # noqa: SIM905
)


@pytest.fixture(scope="module")
def manifest(release_dir):
    return json.loads((release_dir / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest):
    return [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]


def test_every_model_lies_in_a_layer_and_says_what_a_row_is(models):
    assert len(models) > 60
    for model in models:
        assert model["fqn"][1] in LAYERS, model["name"]
        assert "ne row per" in model["description"], model["name"]
        assert model["fqn"][1] == "intermediate" or model["group"], f"{model['name']} has no group"


def test_marts_are_public_under_an_enforced_contract_and_nothing_before_them_is(models):
    for model in models:
        layer, config = model["fqn"][1], model["config"]
        if layer == "marts":
            assert config["access"] == "public" and config["contract"]["enforced"], model["name"]
            assert all(c["data_type"] and c["description"] for c in model["columns"].values()), model["name"]
        elif layer in {"staging", "intermediate"}:
            assert config["access"] != "public", model["name"]


def test_every_mart_has_its_grain_tested(manifest, models):
    """By `unique` or `unique_key`; a rollup's keys are held against its fact by the build itself."""
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") in {"unique", "unique_key"}
    }
    marts = [m for m in models if m["fqn"][1] == "marts" and not m["name"].startswith("rollup_")]
    assert not {m["alias"] for m in marts if m["unique_id"] not in tested}


def test_a_breaking_change_is_a_version_with_an_end(models):
    versions = {m["version"]: m for m in models if m["name"] == "fct_returns"}
    assert versions.keys() == {1, 2}
    assert versions[1]["latest_version"] == 2
    assert versions[1]["deprecation_date"] and not versions[2]["deprecation_date"]
    assert {m["alias"] for m in versions.values()} == {"fct_returns", "fct_returns_v1"}
    assert versions[1]["columns"].keys() - versions[2]["columns"].keys() == {"reason"}


def test_both_versions_hold_the_same_rows(marts):
    shared = "return_id, date_day, location_id, product_id, returned_units, refund"
    old, new = (
        f"SELECT {shared}, reason FROM fct_returns_v1",
        f"SELECT {shared}, return_reason FROM fct_returns",
    )
    ((rows, lost, added),) = marts.execute(f"""
        SELECT (SELECT count(*) FROM fct_returns_v1), (SELECT count(*) FROM ({old} EXCEPT {new})),
               (SELECT count(*) FROM ({new} EXCEPT {old}))""").fetchall()
    assert rows > 0 and (lost, added) == (0, 0)


def without_jinja(sql: str) -> str:
    """The SQL between the tags, without comments: what no macro has written."""
    sql = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", sql, flags=re.DOTALL)
    return re.sub(r"--.*", " ", sql)


@pytest.mark.parametrize("path", sorted(PROJECT.glob("models/**/*.sql")), ids=lambda p: p.stem)
def test_a_model_calls_nothing_that_only_duckdb_knows(path):
    calls = [match.group(0) for match in ONLY_DUCKDB.finditer(without_jinja(path.read_text()))]
    assert not calls, f"{path.name}: {calls}; put it behind a dispatched macro"


@pytest.mark.parametrize("path", sorted(PROJECT.glob("macros/*.sql")), ids=lambda p: p.stem)
def test_a_macro_that_needs_duckdb_is_dispatched_and_has_a_spark_twin(path):
    text = path.read_text()
    macros = re.findall(r"\{%-?\s*macro (\w+)\(.*?\)\s*-?%\}(.*?)\{%-?\s*endmacro", text, re.DOTALL)
    assert macros
    for name, body in macros:
        if ONLY_DUCKDB.search(without_jinja(body)):
            assert name.startswith(("default__", "duckdb__")), f"{name} is not behind a dispatch"
            assert f"macro spark__{name.split('__')[1]}(" in text, f"{name} has no twin for Spark"


def test_compiled_models_parse_for_translation(models):
    """What dbt compiled is plain SQL that sqlglot can write for Spark and PostgreSQL."""
    for model in models:
        tree = sqlglot.parse_one(model["compiled_code"], dialect="duckdb")
        assert not list(tree.find_all(exp.Command)), model["name"]
        for dialect in ("spark", "postgres"):
            assert tree.sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.IGNORE), model["name"]


def test_every_kpi_of_the_catalogue_is_defined_in_full(manifest):
    metrics = {m["name"]: m for m in manifest["metrics"].values()}
    assert not [k for k in KPIS if not any(name == k or name.startswith(f"{k}_") for name in metrics)]
    for metric in metrics.values():
        meta = metric["config"]["meta"]
        missing = [field for field in ("unit", "direction", "owner", "certification") if not meta.get(field)]
        assert not missing, f"{metric['name']} says no {missing}"
        assert metric["label"] and len(metric["description"]) > 10, metric["name"]


def test_every_kpi_reaches_an_exposure(manifest):
    """Itself, what is computed from it, or the models it is computed from: somebody would notice a change."""
    exposed = {node for uid in manifest["exposures"] for node in manifest["parent_map"][uid]}
    hidden = [
        metric["name"]
        for uid, metric in manifest["metrics"].items()
        if not ({uid} | walk(manifest["child_map"], uid) | walk(manifest["parent_map"], uid)) & exposed
    ]
    assert not hidden


def walk(graph: dict[str, list[str]], start: str) -> set[str]:
    """Everything reachable from a node."""
    reached: set[str] = set()
    queue = [start]
    while queue:
        for node in graph.get(queue.pop(), ()):
            if node not in reached:
                reached.add(node)
                queue.append(node)
    return reached
