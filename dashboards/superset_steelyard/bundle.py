"""Everything that Superset imports, as files of one bundle: made from definitions, never by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from . import charts, filters, layout
from .definitions import SIMULATED, description, dimension_fields, metric_fields
from .definitions_context import TIME, Known
from .identity import DATABASE_NAME, DATABASE_UUID, DATASET_NAME, DATASET_UUID, asset_uuid, chart_number
from .periods import Recorded
from .spec import Board, Item

_VERSION = "1.0.0"
CACHE_SECONDS = 300
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
    """`contents` are file names and texts; `charts` are the charts' uuids by board and id."""

    contents: dict[str, str]
    charts: dict[tuple[str, str], str]
    waiting: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Charts left out: board, chart, and the metrics that are not defined or have no data yet."""


def build(boards: Sequence[Board], known: Known, recorded: dict[str, Recorded]) -> Bundle:
    """The bundle. `recorded` tells for each board's reference metric which days have data."""
    contents = {
        "metadata.yaml": _yaml(
            {"version": _VERSION, "type": "assets", "timestamp": "2017-01-01T00:00:00+00:00"}
        ),
        "databases/steelyard.yaml": _yaml(_database()),
        "datasets/steelyard/metrics.yaml": _yaml(_dataset(known)),
    }
    made: dict[tuple[str, str], str] = {}
    waiting: list[tuple[str, str, tuple[str, ...]]] = []
    for board in boards:
        of_board = replace(
            known, house=known.recorded, recorded=recorded.get(board.period_of, known.recorded)
        )
        rows = [[titled(i, of_board) for i in row.items if is_known(i, known)] for row in board.rows]
        rows = _without_empty([_spread(row) for row in rows if row])
        if board.empty and board.period_of not in recorded:
            text = Item("nothing_yet", "text", text=board.empty, width=12, height=14)
            rows = [[titled(text, of_board)], *[row for row in rows if row[0].kind not in {"text", "kpi"}]]
        waiting += [(board.slug, i.id, missing(i, known)) for i in board.items if not is_known(i, known)]
        shown = [item for row in rows for item in row if item.kind != "text"]
        uuids = {item.id: asset_uuid("chart", board.slug, item.id) for item in shown}
        for item in shown:
            made[board.slug, item.id] = uuids[item.id]
            contents[f"charts/{board.slug}/{item.id}.yaml"] = _yaml(_chart(item, uuids[item.id], of_board))
        contents[f"dashboards/{board.slug}.yaml"] = _yaml(_dashboard(board, rows, shown, uuids, of_board))
    return Bundle(contents, made, tuple(waiting))


def missing(item: Item, known: Known) -> tuple[str, ...]:
    """Metrics that are not defined or have no data yet, and dimensions that they cannot be cut by."""
    gone = [name for name in item.metrics if name not in known.metrics or name in known.silent]
    gone += [d for d in item.by for m in item.metrics if d not in known.reach.get(m, ()) and d != TIME]
    return tuple(dict.fromkeys(gone))


def is_known(item: Item, known: Known) -> bool:
    """Whether the item can be drawn from these definitions."""
    return not missing(item, known)


def titled(item: Item, known: Known) -> Item:
    """KPI tiles are called by their metric's label; text learns where review and lineage are."""
    if item.kind == "text":
        text = item.text.replace("{review}", known.review_url).replace("{lineage}", known.lineage_url)
        text = text.replace("{release}", f"Data up to {(known.house or known.recorded).last:%d %B %Y}.")
        return replace(item, text=text)
    if item.kind == "kpi":
        return replace(item, title=item.title or known.label(item.metrics[0]))
    simulated = any(known.metrics[name].get("is_simulated") for name in item.metrics)
    return replace(item, title=f"{item.title} · simulated") if simulated else item


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


def _database() -> dict[str, Any]:
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


def _dataset(known: Known) -> dict[str, Any]:
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
        "metrics": [metric_fields(row) for _, row in sorted(known.metrics.items())],
        "columns": [dimension_fields(row) for _, row in sorted(known.dimensions.items())],
        "version": _VERSION,
        "database_uuid": DATABASE_UUID,
    }


def _chart(item: Item, uuid: str, known: Known) -> dict[str, Any]:
    made = charts.params(item, known)
    certified = all(known.metrics[m].get("certification") == "certified" for m in item.metrics)
    return {
        "slice_name": item.title,
        "description": explained(item, known),
        "certified_by": "Steelyard" if certified else None,
        "certification_details": "Every number on it is a certified metric." if certified else None,
        "viz_type": made["viz_type"],
        "params": made | {"datasource": "1__table"},
        "query_context": None,
        "cache_timeout": None,
        "uuid": uuid,
        "version": _VERSION,
        "dataset_uuid": DATASET_UUID,
    }


def explained(item: Item, known: Known) -> str:
    """What the chart answers, what its numbers mean, where they come from."""
    lines = [item.why] if item.why else []
    for name in item.metrics:
        metric = known.metrics[name]
        where = f" [Lineage]({known.lineage_url}/metric.{name})." if known.lineage_url else ""
        lines.append(f"**{known.label(name)}**: {description(metric)}{where}")
    return "\n\n".join(lines)


def _dashboard(
    board: Board, rows: list[list[Item]], shown: list[Item], uuids: dict[str, str], known: Known
) -> dict[str, Any]:
    numbers = {item.id: chart_number(uuids[item.id]) for item in shown}
    places = {item.id: (uuids[item.id], numbers[item.id]) for item in shown}
    recorded = known.recorded
    period = recorded.last_complete() if board.period == "last_complete" else recorded.everything()
    simulated = any(known.metrics[m].get("is_simulated") for item in shown for m in item.metrics)
    return {
        "dashboard_title": board.title,
        "description": board.description,
        "css": _CSS,
        "slug": board.slug,
        "uuid": asset_uuid("dashboard", board.slug),
        "certified_by": "Steelyard",
        "certification_details": f"Governed metrics; some rest on the {SIMULATED}." if simulated else "",
        "published": True,
        "position": layout.position(board, rows, places),
        "metadata": {
            "color_scheme": charts.PALETTE,
            "cross_filters_enabled": True,
            "show_native_filters": True,
            "native_filter_configuration": filters.native_filters(board, shown, numbers, period, known),
            "filter_bar_orientation": "HORIZONTAL",
            "default_filters": "{}",
            "expanded_slices": {},
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
            "label_colors": known.colours | charts.colours(shown, known),
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


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
