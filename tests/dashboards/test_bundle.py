"""The bundle: the same names every time, nothing that cannot be drawn, filters only where they apply."""

import uuid
from dataclasses import replace

import pytest
import yaml

from dashboards.superset_steelyard.bundle import build
from dashboards.superset_steelyard.charts import written
from dashboards.superset_steelyard.spec import Item, SpecInvalidError, load_specs
from tests.dashboards.conftest import SALES, metric


def parsed(bundle, folder):
    return {
        name: yaml.safe_load(text) for name, text in bundle.contents.items() if name.startswith(folder + "/")
    }


def without(context, *names):
    return replace(
        context,
        metrics={k: v for k, v in context.metrics.items() if k not in names},
        reach={k: v for k, v in context.reach.items() if k not in names},
    )


def test_the_five_dashboards_are_made_alike_every_time(specs, context):
    days = {spec.period_of: context.recorded for spec in specs}
    first, second = build(specs, context, days), build(specs, context, days)
    assert [spec.slug for spec in specs] == ["executive", "stock", "decisions", "money", "models"]
    assert first.contents == second.contents
    assert first.waiting == ()
    assert len(set(first.charts.values())) == len(first.charts)
    assert all(uuid.UUID(one).version == 5 for one in first.charts.values())


def test_every_chart_stands_where_it_was_put_and_rows_hold_twelve_columns(specs, context):
    bundle = build(specs, context, {})
    charts = parsed(bundle, "charts")
    for dashboard in parsed(bundle, "dashboards").values():
        tree = dashboard["position"]
        placed = {
            node["meta"]["uuid"]
            for node in tree.values()
            if isinstance(node, dict) and node["type"] == "CHART"
        }
        assert placed <= {chart["uuid"] for chart in charts.values()}
        rows = [node for node in tree.values() if isinstance(node, dict) and node["type"] == "ROW"]
        for row in rows:
            assert sum(tree[child]["meta"]["width"] for child in row["children"]) <= 12
    everywhere = [
        node["meta"]["uuid"]
        for dashboard in parsed(bundle, "dashboards").values()
        for node in dashboard["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    ]
    assert sorted(everywhere) == sorted(bundle.charts.values())


def test_a_chart_waits_for_its_metric_and_a_heading_never_stands_alone(specs, context):
    bundle = build(specs, without(context, "net_sales"), {})
    names = {name for _, name in bundle.charts}
    assert "kpi_net_sales" not in names
    assert ("executive", "kpi_net_sales", ("net_sales",)) in bundle.waiting
    assert not any(
        "net_sales" in chart["params"].get("metrics", []) for chart in parsed(bundle, "charts").values()
    )
    bare = without(context, *context.metrics)
    for dashboard in parsed(build(specs, bare, {}), "dashboards").values():
        kinds = [node["type"] for node in dashboard["position"].values() if isinstance(node, dict)]
        assert "CHART" not in kinds


def test_a_dashboard_without_data_says_what_will_be_there(specs, context):
    """Defined, but nothing recorded yet: no tile that says "no data"."""
    models = next(spec for spec in specs if spec.slug == "models")
    names = {name for item in models.items for name in item.metrics} - {"net_sales"}
    bundle = build(specs, replace(context, metrics_without_data=frozenset(names)), {})
    dashboard = parsed(bundle, "dashboards")["dashboards/models.yaml"]
    texts = [
        n["meta"]["code"]
        for n in dashboard["position"].values()
        if "code" in (n.get("meta") or {} if isinstance(n, dict) else {})
    ]
    assert len(texts) == 1
    assert "No forecast has been scored yet" in texts[0]
    assert [chart for slug, chart in bundle.charts if slug == "models"] == ["data_weeks"]


def test_a_filter_leaves_out_what_it_cannot_cut(specs, context):
    reach = dict(context.reach) | {"working_capital": frozenset({"metric_time", "location__region"})}
    bundle = build(specs, replace(context, reach=reach), {})
    money = parsed(bundle, "dashboards")["dashboards/money.yaml"]
    numbers = {
        node["meta"]["uuid"]: node["meta"]["chartId"]
        for node in money["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    }
    tile = numbers[bundle.charts["money", "kpi_working_capital"]]
    filters = {f["name"]: f for f in money["metadata"]["native_filter_configuration"]}
    assert tile in filters["Department"]["scope"]["excluded"]
    assert tile not in filters["Region"]["scope"]["excluded"]
    assert filters["Period"]["defaultDataMask"]["extraFormData"]["time_range"] == "2017-10-01 : 2018-01-01"
    trend = numbers[bundle.charts["money", "working_capital_bridge"]]
    assert trend in filters["Period"]["scope"]["excluded"]


def test_metrics_carry_words_format_and_certification(specs, context):
    metrics = dict(context.metrics) | {
        "fill_rate": metric("fill_rate", unit="percent", is_simulated=True, certification="provisional"),
        "gross_margin": metric("gross_margin", certification="supporting"),
    }
    bundle = build(specs, replace(context, metrics=metrics), {})
    rows = {
        m["metric_name"]: m for m in parsed(bundle, "datasets")["datasets/steelyard/metrics.yaml"]["metrics"]
    }
    assert rows["net_sales"]["expression"] == "MEASURE(net_sales)"
    assert rows["net_sales"]["extra"]["certification"]["certified_by"] == "finance"
    assert rows["fill_rate"]["d3format"] == ".1%"
    assert rows["fill_rate"]["description"] == "What fill_rate means. (simulated ledger)"
    assert "warning_markdown" in rows["fill_rate"]["extra"]
    assert rows["gross_margin"]["extra"] == {}


def test_simulated_numbers_say_so_and_tiles_tell_the_target(specs, context):
    metrics = dict(context.metrics) | {
        "in_stock_rate": metric("in_stock_rate", unit="percent", is_simulated=True, target=0.97),
        "stockout_rate": metric("stockout_rate", unit="percent", is_simulated=True),
    }
    charts = parsed(build(specs, replace(context, metrics=metrics), {}), "charts")
    tile = charts["charts/executive/kpi_in_stock_rate.yaml"]
    assert tile["params"]["subtitle"] == "target ≥ 97.0% · simulated"
    assert charts["charts/stock/stockout_heatmap.yaml"]["slice_name"].endswith(" · simulated")
    assert charts["charts/executive/kpi_net_sales.yaml"]["params"]["subtitle"] == ""


def test_a_target_is_a_line_in_trends_and_red_in_tables(specs, context):
    metrics = dict(context.metrics) | {
        "in_stock_rate": metric("in_stock_rate", unit="percent", target=0.97),
        "override_rate": metric("override_rate", unit="percent", direction="down", target=0.2),
        "stockout_rate": metric("stockout_rate", unit="percent", direction="down", target=0.04),
    }
    charts = parsed(build(specs, replace(context, metrics=metrics), {}), "charts")
    (line,) = charts["charts/executive/in_stock_by_region.yaml"]["params"]["annotation_layers"]
    assert (line["name"], line["value"]) == ("Target 97.0%", "0.97")
    rules = charts["charts/executive/region_scorecard.yaml"]["params"]["conditional_formatting"]
    assert [(r["column"], r["operator"], r["targetValue"]) for r in rules] == [("in_stock_rate", "<", 0.97)]
    rules = charts["charts/decisions/teams.yaml"]["params"]["conditional_formatting"]
    assert [(r["column"], r["operator"], r["targetValue"]) for r in rules] == [("override_rate", ">", 0.2)]
    shaded = charts["charts/stock/lost_stores.yaml"]["params"]["conditional_formatting"]
    assert {(r["column"], r["operator"]) for r in shaded} == {
        ("lost_sales_value", "None"),
        ("stockout_rate", "None"),
    }


def test_what_looks_ahead_does_not_follow_the_period(specs, context):
    """Forecasts in force are of the weeks after the last recorded day: the default period holds none."""
    days = {"forecasts_scored": context.recorded}
    models = parsed(build(specs, context, days), "dashboards")["dashboards/models.yaml"]
    (period,) = [f for f in models["metadata"]["native_filter_configuration"] if f["name"] == "Period"]
    numbers = {
        node["meta"]["sliceName"]: node["meta"]["chartId"]
        for node in models["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    }
    ahead = {numbers[title] for title in ("Model age days", "Forecasts made", "Fallback share of forecasts")}
    assert ahead <= set(period["scope"]["excluded"])
    assert numbers["Forecast wape"] not in period["scope"]["excluded"]


def test_a_fall_is_green_where_less_is_better(specs, context):
    metrics = dict(context.metrics) | {
        "lost_sales_value": metric("lost_sales_value", direction="down"),
        "inventory_value": metric("inventory_value", direction="neutral"),
    }
    charts = parsed(build(specs, replace(context, metrics=metrics), {}), "charts")
    assert charts["charts/stock/kpi_lost_sales_value.yaml"]["params"]["comparison_color_scheme"] == "Red"
    assert charts["charts/stock/kpi_fill_rate.yaml"]["params"]["comparison_color_scheme"] == "Green"
    assert charts["charts/stock/kpi_inventory_value.yaml"]["params"]["comparison_color_enabled"] is False


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1195556.4, "$,.0f", "$1,195,556"),
        (-2477.3, "$,.0f", "−$2,477"),
        (0.9534, ".1%", "95.3%"),
        (7.149, ",.2f", "7.15"),
        (2026, ",d", "2,026"),
        (30.585, "$,.2f", "$30.59"),
    ],
)
def test_numbers_are_written_as_the_browser_writes_them(value, form, text):
    assert written(value, form) == text


def test_a_dashboard_with_a_mistake_is_refused_by_name(tmp_path):
    (tmp_path / "wrong.yaml").write_text(
        "slug: x\ntitle: X\ndescription: x\nperiod: {of: net_sales}\nrows: []\n"
    )
    with pytest.raises(SpecInvalidError, match=r"wrong\.yaml.*default"):
        load_specs(tmp_path)
    wide = "{id: a, kind: line, title: A, metrics: [net_sales], width: 8}"
    (tmp_path / "wrong.yaml").write_text(
        "slug: x\ntitle: X\ndescription: x\nperiod: {of: net_sales, default: all}\n"
        f"rows: [{{charts: [{wide}, {wide.replace('id: a', 'id: b')}]}}]\n"
    )
    with pytest.raises(SpecInvalidError, match="wider than twelve"):
        load_specs(tmp_path)


def test_an_item_names_its_metrics():
    assert Item(id="a", kind="line", metrics=("net_sales",)).metrics == ("net_sales",)


def test_a_tile_that_a_filter_cannot_reach_says_so(specs, context):
    """Working capital has no departments: the tile and the chart's title say what they are of."""
    narrow = SALES - {"product__department"}
    reach = {**context.reach, "working_capital": narrow, "dpo": narrow - {"location__region"}}
    bundle = build(specs, replace(context, reach=reach), {})
    charts = parsed(bundle, "charts")
    tile = charts["charts/money/kpi_working_capital.yaml"]["params"]["subtitle"]
    assert tile.split(" · ")[-1] == "all departments"
    assert charts["charts/money/kpi_dpo.yaml"]["params"]["subtitle"].endswith("all regions, all departments")
    assert charts["charts/money/working_capital_regions.yaml"]["slice_name"].endswith(" · all departments")
    assert "all departments" not in charts["charts/money/kpi_dio.yaml"]["params"]["subtitle"]
    node = next(
        node
        for node in parsed(bundle, "dashboards")["dashboards/money.yaml"]["position"].values()
        if isinstance(node, dict) and node["id"] == "CHART-working_capital_regions"
    )
    assert node["meta"]["sliceName"].endswith(" · all departments")


def test_a_filter_that_reaches_nothing_is_not_there_and_not_spoken_of(specs, context):
    reach = dict.fromkeys(context.reach, SALES - {"location__banner"})
    charts = parsed(build(specs, replace(context, reach=reach), {}), "charts")
    assert not any("banner" in str(chart["params"].get("subtitle")) for chart in charts.values())


def test_empty_tiles_say_until_when_data_go(specs, context):
    for dashboard in parsed(build(specs, context, {}), "dashboards").values():
        assert "Data go until 31 December 2017." in dashboard["css"]


def test_what_waits_for_a_table_is_named_with_it(specs, context):
    """Left out of the page, and said at its end: which tiles, and which table they wait for."""
    stock = ("inventory_turns", "in_stock_rate")
    metrics = dict(context.metrics)
    for name in stock:
        metrics[name] = {**metrics[name], "waits_for": ["inventory_snapshots"]}
    empty = replace(
        context, metrics=metrics, metrics_without_data=frozenset({*stock, "cash_conversion_cycle"})
    )
    bundle = build(specs, empty, {})
    assert "charts/executive/kpi_inventory_turns.yaml" not in bundle.contents
    position = parsed(bundle, "dashboards")["dashboards/executive.yaml"]["position"]
    text = position["MARKDOWN-waiting_for_data"]["meta"]["code"]
    first, last = text.splitlines()[2:]
    assert first.startswith("- In stock rate, Inventory turns") and "In-stock rate by region" in first
    assert first.endswith(": waiting for **inventory_snapshots**")
    assert last == "- Cash conversion cycle: no data yet"
    whole = parsed(build(specs, context, {}), "dashboards")["dashboards/executive.yaml"]["position"]
    assert "MARKDOWN-waiting_for_data" not in whole
