"""Everything that Superset imports, as files of one bundle: made from definitions, never by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import yaml

from . import charts, filters, layout
from .definitions import SIMULATED, description, dimension_fields, metric_fields
from .definitions_context import TIME, DefinitionsContext
from .identity import DATABASE_NAME, DATABASE_UUID, DATASET_NAME, DATASET_UUID, asset_uuid, chart_number
from .json_types import Json
from .periods import Recorded
from .spec import DashboardSpec, Item

_VERSION = "1.0.0"
CACHE_SECONDS = 300
_EMPTY_CSS = """
.dashboard-component-chart-holder .ant-empty-description { font-size: 0; line-height: 1.4; }
.dashboard-component-chart-holder .ant-empty-description::after {
  content: "No data in this period.\\a Data go until %s."; white-space: pre; font-size: 13px; }
.dashboard-component-chart-holder .ant-empty-image { display: none; }
.dashboard-component-chart-holder p:has(+ .ant-empty-description) { display: none; }
"""
_CSS = """
/* A list of the ten worst is ten rows long by intent. */
.header-controls .anticon-warning { display: none; }
.dashboard-markdown p { margin: 0; }
/* Tiles with and without a comparison look alike: title, number and words share one edge. */
.pop_kpi > div, .pop_kpi > div > div { align-items: flex-start !important; justify-content: flex-start; }
.pop_kpi > div > div > div { justify-content: flex-start !important; text-align: left; margin-left: 0; }
.pop_kpi > div { padding-left: 0 !important; }
.pop_kpi > div > div > div:last-child { gap: 20px; width: auto; }
.pop_kpi > div > div > div:last-child > div { flex: none; padding-left: 0; padding-right: 0; }
"""


@dataclass(frozen=True)
class Bundle:
    """`contents` are file names and texts; `charts` are the charts' uuids by dashboard and id."""

    contents: dict[str, str]
    charts: dict[tuple[str, str], str]
    waiting: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Charts left out: dashboard, chart, and the metrics that are not defined or have no data yet."""


def build(
    specs: Sequence[DashboardSpec], context: DefinitionsContext, recorded: dict[str, Recorded]
) -> Bundle:
    """The bundle. `recorded` has the days with data of each dashboard's reference metric."""
    contents = {
        "metadata.yaml": _yaml(
            {"version": _VERSION, "type": "assets", "timestamp": "2017-01-01T00:00:00+00:00"}
        ),
        "databases/steelyard.yaml": _yaml(_database()),
        "datasets/steelyard/metrics.yaml": _yaml(_dataset(context)),
    }
    chart_uuids: dict[tuple[str, str], str] = {}
    waiting: list[tuple[str, str, tuple[str, ...]]] = []
    for spec in specs:
        spec_context = replace(
            context, house=context.recorded, recorded=recorded.get(spec.period_of, context.recorded)
        )
        rows = [[titled(i, spec_context) for i in row.items if is_known(i, context)] for row in spec.rows]
        rows = _without_empty([_spread(row) for row in rows if row])
        if spec.empty and spec.period_of not in recorded:
            text = Item("nothing_yet", "text", text=spec.empty, width=12, height=14)
            rows = [
                [titled(text, spec_context)],
                *[row for row in rows if row[0].kind not in {"text", "kpi"}],
            ]
        elif left_out := waiting_text(spec, context):
            rows.append([left_out])
        waiting += [(spec.slug, i.id, missing(i, context)) for i in spec.items if not is_known(i, context)]
        drawn = [item for row in rows for item in row if item.kind != "text"]
        rows = [[reach_said(spec, item, drawn, spec_context) for item in row] for row in rows]
        drawn = [item for row in rows for item in row if item.kind != "text"]
        uuids = {item.id: asset_uuid("chart", spec.slug, item.id) for item in drawn}
        for item in drawn:
            chart_uuids[spec.slug, item.id] = uuids[item.id]
            contents[f"charts/{spec.slug}/{item.id}.yaml"] = _yaml(_chart(item, uuids[item.id], spec_context))
        contents[f"dashboards/{spec.slug}.yaml"] = _yaml(_dashboard(spec, rows, drawn, uuids, spec_context))
    return Bundle(contents, chart_uuids, tuple(waiting))


def missing(item: Item, context: DefinitionsContext) -> tuple[str, ...]:
    """Metrics that are not defined or have no data yet, and dimensions that they cannot be cut by."""
    there = context.metrics.keys() - context.metrics_without_data
    gone = [name for name in item.metrics if name not in there]
    gone += [d for d in item.by for m in item.metrics if d not in context.reach.get(m, ()) and d != TIME]
    return tuple(dict.fromkeys(gone))


def waiting_text(spec: DashboardSpec, context: DefinitionsContext) -> Item | None:
    """The last row of a dashboard: which of its tiles and charts are left out, and what they wait for."""
    titles: dict[str, list[str]] = {}
    for item in spec.items:
        names = [name for name in missing(item, context) if name in context.metrics]
        if names:
            needs = {need for name in names for need in context.metrics[name].get("waits_for") or ()}
            title = item.title or context.label(item.metrics[0])
            titles.setdefault(", ".join(sorted(needs)), []).append(title)
    if not titles:
        return None
    lines = [
        f"- {', '.join(titles[needs])}: {f'waiting for **{needs}**' if needs else 'no data yet'}"
        for needs in sorted(titles, key=lambda needs: (not needs, needs))
    ]
    text = "\n".join(["**Not shown, for want of data**", "", *lines])
    return Item("waiting_for_data", "text", text=text, width=12, height=8 + 4 * len(lines))


def is_known(item: Item, context: DefinitionsContext) -> bool:
    """Whether the item can be drawn from these definitions."""
    return not missing(item, context)


def titled(item: Item, context: DefinitionsContext) -> Item:
    """KPI tiles are called by their metric's label; text learns where review and lineage are."""
    if item.kind == "text":
        text = item.text.replace("{review}", context.review_url).replace("{lineage}", context.lineage_url)
        text = text.replace("{release}", f"Data up to {(context.house or context.recorded).last:%d %B %Y}.")
        return replace(item, text=text)
    if item.kind == "kpi":
        return replace(item, title=item.title or context.label(item.metrics[0]))
    simulated = any(context.metrics[name].get("is_simulated") for name in item.metrics)
    return replace(item, title=f"{item.title} · simulated") if simulated else item


def reach_said(spec: DashboardSpec, item: Item, drawn: list[Item], context: DefinitionsContext) -> Item:
    """The item, saying which filters leave it as it is: under a tile, in a chart's title."""
    beyond = filters.unreached(spec, item, drawn, context) if item.kind != "text" else ""
    if not beyond:
        return item
    if item.kind == "kpi":
        return replace(item, options={**item.options, "reach": beyond})
    return replace(item, title=f"{item.title} · {beyond}")


def _spread(row: list[Item]) -> list[Item]:
    """Tiles share the whole width when some of them are still missing."""
    if not row or any(item.kind != "kpi" for item in row):
        return row
    return [replace(item, width=12 // len(row)) for item in row]


def _without_empty(rows: list[list[Item]]) -> list[list[Item]]:
    """A heading stands only over something."""
    return [
        row
        for at, row in enumerate(rows)
        if row[0].kind != "text"
        or row[0].options.get("stays")
        or (at + 1 < len(rows) and rows[at + 1][0].kind != "text")
    ]


def _database() -> Json:
    return {
        "database_name": DATABASE_NAME,
        "sqlalchemy_uri": "steelyard://",
        "cache_timeout": CACHE_SECONDS,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "impersonate_user": True,
        "extra": {"per_user_caching": True, "allows_virtual_table_explore": False, "schema_options": {}},
        "uuid": DATABASE_UUID,
        "version": _VERSION,
    }


def _dataset(context: DefinitionsContext) -> Json:
    return {
        "table_name": DATASET_NAME,
        "main_dttm_col": TIME,
        "description": "Every governed metric, by every dimension that it can be grouped by.",
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": CACHE_SECONDS,
        "schema": "main",
        "sql": None,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": {
            "certification": {"certified_by": "Steelyard", "details": "Defined once, in dbt; governed here."}
        },
        "uuid": DATASET_UUID,
        "metrics": [metric_fields(row) for _, row in sorted(context.metrics.items())],
        "columns": [dimension_fields(row) for _, row in sorted(context.dimensions.items())],
        "version": _VERSION,
        "database_uuid": DATABASE_UUID,
    }


def _chart(item: Item, uuid: str, context: DefinitionsContext) -> Json:
    params = charts.params(item, context)
    certified = all(context.metrics[m].get("certification") == "certified" for m in item.metrics)
    return {
        "slice_name": item.title,
        "description": explained(item, context),
        "certified_by": "Steelyard" if certified else None,
        "certification_details": "Every number on it is a certified metric." if certified else None,
        "viz_type": params["viz_type"],
        "params": params | {"datasource": "1__table"},
        "query_context": None,
        "cache_timeout": None,
        "uuid": uuid,
        "version": _VERSION,
        "dataset_uuid": DATASET_UUID,
    }


def explained(item: Item, context: DefinitionsContext) -> str:
    """What the chart answers, what its numbers mean, where they come from."""
    lines = [item.why] if item.why else []
    for name in item.metrics:
        metric = context.metrics[name]
        where = f" [Lineage]({context.lineage_url}/metric.{name})." if context.lineage_url else ""
        lines.append(f"**{context.label(name)}**: {description(metric)}{where}")
    return "\n\n".join(lines)


def _dashboard(
    spec: DashboardSpec,
    rows: list[list[Item]],
    drawn: list[Item],
    uuids: dict[str, str],
    context: DefinitionsContext,
) -> Json:
    numbers = {item.id: chart_number(uuids[item.id]) for item in drawn}
    places = {item.id: (uuids[item.id], numbers[item.id]) for item in drawn}
    recorded = context.recorded
    period = recorded.last_complete() if spec.period == "last_complete" else recorded.everything()
    simulated = any(context.metrics[m].get("is_simulated") for item in drawn for m in item.metrics)
    return {
        "dashboard_title": spec.title,
        "description": spec.description,
        "css": _CSS + _EMPTY_CSS % f"{(context.house or recorded).last:%-d %B %Y}",
        "slug": spec.slug,
        "uuid": asset_uuid("dashboard", spec.slug),
        "certified_by": "Steelyard",
        "certification_details": f"Governed metrics; some rest on the {SIMULATED}." if simulated else "",
        "published": True,
        "position": layout.position(spec, rows, places),
        "metadata": {
            "color_scheme": charts.PALETTE,
            "cross_filters_enabled": True,
            "show_native_filters": True,
            "native_filter_configuration": filters.native_filters(spec, drawn, numbers, period, context),
            "filter_bar_orientation": "HORIZONTAL",
            "default_filters": "{}",
            "expanded_slices": {},
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
            "label_colors": {**context.colours, **charts.colours(drawn, context)},
            "shared_label_colors": [],
            "map_label_colors": {},
            "chart_configuration": {},
            "global_chart_configuration": {
                "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                "chartsInScope": [],
            },
        },
        "version": _VERSION,
    }


def _yaml(content: Json) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
