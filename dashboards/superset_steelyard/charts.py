"""Chart kinds: from an item of a board to the settings that Superset keeps for a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .definitions import SIMULATED, d3_format, label_of
from .periods import Recorded
from .spec import Item

TIME = "metric_time"
NO_RANGE = "No filter"
PALETTE = "steelyard"
RAMP = "steelyard_blue"


@dataclass(frozen=True)
class Known:
    """What the definitions say, as far as charts need it."""

    metrics: Mapping[str, Mapping[str, Any]]
    dimensions: Mapping[str, Mapping[str, Any]]
    reach: Mapping[str, frozenset[str]]
    """By metric: the dimensions that it can be grouped and filtered by."""
    recorded: Recorded
    silent: frozenset[str] = frozenset()
    """Metrics that nothing has been recorded for yet."""
    house: Recorded | None = None
    """Days of recorded sales, where the board counts other days."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """By value: regions have the same colour everywhere."""
    review_url: str = ""
    lineage_url: str = ""

    def label(self, name: str) -> str:
        known = self.metrics.get(name) or self.dimensions.get(name) or {}
        return str(known.get("label") or label_of(name))


Params = dict[str, Any]
_SUMS = frozenset(
    {"currency", "currency_days", "count", "units"}
)  # change in per cent; else in their own unit
_INK = "#1d2733"
_STACK = ("#1f6f8b", "#d08c2e", "#8aa9b8", "#5b7553")


def params(item: Item, known: Known) -> Params:
    """Settings of the chart. Raises KeyError on a kind that does not exist."""
    made = _KINDS[item.kind](item, known)
    return {**made, "extra_form_data": {}, "color_scheme": PALETTE}


def follows_period(item: Item) -> bool:
    """Whether the period filter reaches the chart. Trends show whole weeks or months of their own."""
    return item.options.get("period") not in {"weeks", "months", "house_weeks", "all"}


def time_range(item: Item, known: Known) -> str:
    """The chart's own range; the dashboard's period filter replaces it where the chart follows it."""
    ranges = {
        "weeks": known.recorded.whole_weeks(),
        "months": known.recorded.whole_months(),
        "house_weeks": (known.house or known.recorded).whole_weeks(),
    }
    return ranges.get(str(item.options.get("period")), NO_RANGE)


def _base(item: Item, known: Known) -> Params:
    return {
        "adhoc_filters": [
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": TIME,
                "operator": "TEMPORAL_RANGE",
                "comparator": time_range(item, known),
                "filterOptionName": f"period_{item.id}",
            },
            *(_filter(item, at, f) for at, f in enumerate(item.options.get("where", ()))),
        ],
        "row_limit": item.options.get("limit", 1000),
    }


def _filter(item: Item, at: int, where: Mapping[str, Any]) -> Params:
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": where["dimension"],
        "operator": where.get("operator", "IN"),
        "operatorId": where.get("operator", "IN"),
        "comparator": where.get("value"),
        "isExtra": False,
        "filterOptionName": f"where_{at}_{item.id}",
    }


def _kpi(item: Item, known: Known) -> Params:
    """One number, with the period before it. Green is good, whichever way good points."""
    metric = known.metrics[item.metrics[0]]
    direction = str(metric.get("direction"))
    made = _base(item, known) | {
        "viz_type": "pop_kpi",
        "metric": item.metrics[0],
        "y_axis_format": d3_format(metric),
        "percentDifferenceFormat": "+.1%",
        "header_font_size": 0.4,
        "subtitle": _under(metric),
        "subtitle_font_size": 0.28,
        "subheader_font_size": 0.125,
        "column_config": {
            "Previous value": {"displayTypeIcon": False, "customColumnName": "before"},
            "Delta": {
                "displayTypeIcon": False,
                "customColumnName": "points" if metric.get("unit") == "percent" else "change",
                "visible": metric.get("unit") not in _SUMS,
            },
            "Percent change": {"displayTypeIcon": False, "visible": metric.get("unit") in _SUMS},
        },
        "show_metric_name": False,
        "comparison_type": "values",
        "time_compare": "inherit",
        "comparison_color_enabled": direction in {"up", "down"},
        "comparison_color_scheme": "Red" if direction == "down" else "Green",
    }
    if item.options.get("compare") is False:
        made |= {"viz_type": "big_number_total", "time_compare": [], "subtitle_font_size": 0.125}
    return made


def _under(metric: Mapping[str, Any]) -> str:
    parts = []
    if metric.get("target") is not None:
        sign = "at most" if metric.get("direction") == "down" else "at least"
        parts.append(f"target {sign} {written(float(metric['target']), d3_format(metric))}")
    if metric.get("unit") in {"days", "hours"}:
        parts.insert(0, str(metric["unit"]))
    if metric.get("unit") == "times":
        parts.insert(0, "times a year")
    if metric.get("is_simulated"):
        parts.append(SIMULATED)
    return " · ".join(parts)


def written(value: float, form: str) -> str:
    """A number in one of our d3 formats, as a browser would write it."""
    money = "$" if form.startswith("$") else ""
    plain = form.lstrip("$+")
    sign = "−" if value < 0 else "+" if form.startswith("+") else ""
    if plain.endswith("%"):
        return f"{sign}{abs(value):{plain}}"
    if plain.endswith("d"):
        return f"{sign}{money}{abs(value):,.0f}"
    return f"{sign}{money}{abs(value):{plain}}"


def _axes(item: Item, known: Known) -> Params:
    return {
        "y_axis_format": d3_format(known.metrics[item.metrics[0]]),
        "show_legend": len(item.metrics) > 1 or len(item.by) > 1,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": False,
        "tooltipTimeFormat": "%d %b %Y",
        "x_axis_time_format": "%d %b" if item.options.get("period") != "months" else "%b ’%y",
        "y_axis_title_position": "Left",
        "truncate_metric": True,
        "truncateYAxis": bool(item.options.get("zoom")),
        "y_axis_bounds": [None, None],
        "sort_series_type": "sum",
        "order_desc": True,
    }


def _over_time(item: Item, known: Known) -> Params:
    grain = {"months": "P1M"}.get(str(item.options.get("period")), item.options.get("grain", "P1W"))
    return (
        _base(item, known)
        | _axes(item, known)
        | {
            "x_axis": TIME,
            "granularity_sqla": TIME,
            "time_grain_sqla": grain,
            "metrics": list(item.metrics),
            "groupby": list(item.by),
            "show_legend": len(item.metrics) > 1 or bool(item.by),
            "limit": item.options.get("series", 8) if item.by else None,
            "timeseries_limit_metric": item.metrics[0] if item.by else None,
        }
    )


def _line(item: Item, known: Known) -> Params:
    return _over_time(item, known) | {
        "viz_type": "echarts_timeseries_line",
        "seriesType": "line",
        "markerEnabled": False,
        "connectNulls": True,
    }


def _area(item: Item, known: Known) -> Params:
    return _over_time(item, known) | {
        "viz_type": "echarts_area",
        "seriesType": "line",
        "opacity": 0.25,
        "stack": "Stack",
    }


def _columns(item: Item, known: Known) -> Params:
    return _over_time(item, known) | {
        "viz_type": "echarts_timeseries_bar",
        "orientation": "vertical",
        "stack": "Stack" if item.options.get("stacked") else None,
        "show_value": bool(item.options.get("values")),
        "only_total": True,
    }


def _bars(item: Item, known: Known) -> Params:
    """One bar for each value of `by`, longest first."""
    x, *rest = item.by
    by_name = item.options.get("order") == "name"
    return (
        _base(item, known)
        | _axes(item, known)
        | {
            "viz_type": "echarts_timeseries_bar",
            "orientation": item.options.get("orientation", "horizontal"),
            "x_axis": x,
            "metrics": list(item.metrics),
            "groupby": rest,
            "stack": "Stack" if rest else None,
            "row_limit": item.options.get("limit", 12),
            "timeseries_limit_metric": item.metrics[0],
            "order_desc": True,
            "x_axis_sort": x if by_name else item.metrics[0],
            "x_axis_sort_asc": by_name or item.options.get("orientation", "horizontal") == "horizontal",
            "show_value": not rest,
            "x_axis_title_margin": 15,
        }
    )


def _mixed(item: Item, known: Known) -> Params:
    """Stacked columns of the signed parts, and the total as a line."""
    parts = [signed(part, known) for part in item.options["parts"]]
    return _over_time(item, known) | {
        "viz_type": "mixed_timeseries",
        "metrics": parts,
        "seriesType": "bar",
        "stack": "Stack",
        "yAxisIndex": 0,
        "groupby_b": [],
        "metrics_b": [item.options["line"]],
        "adhoc_filters_b": _base(item, known)["adhoc_filters"],
        "seriesTypeB": "line",
        "yAxisIndexB": 0,
        "markerEnabledB": True,
        "y_axis_format_secondary": d3_format(known.metrics[item.options["line"]]),
        "row_limit_b": 1000,
        "show_legend": True,
        "truncate_metric_b": True,
    }


def colours(items: Sequence[Item], known: Known) -> dict[str, str]:
    """Each series that is named after a metric keeps its colour on the whole dashboard; totals are ink."""
    made: dict[str, str] = {}
    for item in items:
        if item.kind != "mixed":
            continue
        for at, part in enumerate(item.options["parts"]):
            name = part.lstrip("-")
            label = f"− {known.label(name)}" if part.startswith("-") else known.label(name)
            for spoken in (label, name):  # charts look colours up by either
                made.setdefault(spoken, _STACK[at % len(_STACK)])
        for spoken in (known.label(item.options["line"]), item.options["line"]):
            made[spoken] = _INK
    return made


def signed(part: str, known: Known) -> str | Params:
    """`-name` counts against: an expression on the governed metric, still under its policy."""
    if not part.startswith("-"):
        return part
    name = part[1:]
    return {
        "expressionType": "SQL",
        "sqlExpression": f"-MEASURE({name})",
        "label": f"− {known.label(name)}",
        "hasCustomLabel": True,
        "optionName": f"metric_minus_{name}",
    }


def _heatmap(item: Item, known: Known) -> Params:
    across, down = item.by
    return _base(item, known) | {
        "viz_type": "heatmap_v2",
        "x_axis": across,
        "groupby": down,
        "metric": item.metrics[0],
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "value_asc" if item.options.get("rank") else "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": RAMP,
        "legend_type": "continuous",
        "show_legend": True,
        "show_values": True,
        "show_percentage": False,
        "xscale_interval": 1,
        "yscale_interval": 1,
        "left_margin": item.options.get("left_margin", 150),
        "bottom_margin": item.options.get("bottom_margin", 60),
        "value_bounds": [None, None],
        "y_axis_format": d3_format(known.metrics[item.metrics[0]]),
        "row_limit": item.options.get("limit", 500),
    }


def _table(item: Item, known: Known) -> Params:
    columns = {
        name: {
            "d3NumberFormat": d3_format(known.metrics[name]),
            "d3SmallNumberFormat": d3_format(known.metrics[name]),
            "horizontalAlign": "right",
            "showCellBars": False,
        }
        for name in item.metrics
    }
    return _base(item, known) | {
        "viz_type": "table",
        "query_mode": "aggregate",
        "groupby": [linked(name, item, known) for name in item.by],
        "metrics": list(item.metrics),
        "timeseries_limit_metric": item.options.get("sort", item.metrics[0]),
        "order_desc": not item.options.get("ascending", False),
        "row_limit": item.options.get("limit", 10),
        "server_pagination": False,
        "include_search": False,
        "page_length": 0,
        "show_cell_bars": False,
        "color_pn": False,
        "allow_render_html": True,
        "table_timestamp_format": "%d %b %Y",
        "column_config": columns,
        "show_totals": False,
    }


def linked(name: str, item: Item, known: Known) -> str | Params:
    """A dimension whose values open the page of recommendations about them, where the item says so."""
    query = (item.options.get("links") or {}).get(name)
    if not query or not known.review_url:
        return name
    href = f"'<a target=\"_blank\" href=\"{known.review_url}{query}' || {name} || '\">' || {name} || '</a>'"
    return {
        "expressionType": "SQL",
        "sqlExpression": href,
        "label": known.label(name),
        "hasCustomLabel": True,
        "optionName": f"link_{name}",
    }


def _pie(item: Item, known: Known) -> Params:
    return _base(item, known) | {
        "viz_type": "pie",
        "groupby": list(item.by),
        "metric": item.metrics[0],
        "sort_by_metric": True,
        "donut": True,
        "innerRadius": 55,
        "outerRadius": 75,
        "show_legend": False,
        "label_type": "key_percent",
        "label_line": True,
        "labels_outside": True,
        "show_labels": True,
        "show_labels_threshold": 3,
        "number_format": d3_format(known.metrics[item.metrics[0]]),
        "row_limit": item.options.get("limit", 8),
    }


def _tree(item: Item, known: Known) -> Params:
    return _base(item, known) | {
        "viz_type": "treemap_v2",
        "groupby": list(item.by),
        "metric": item.metrics[0],
        "number_format": d3_format(known.metrics[item.metrics[0]]),
        "show_labels": True,
        "show_upper_labels": True,
        "label_type": "key_value",
        "row_limit": item.options.get("limit", 60),
    }


def _waterfall(item: Item, known: Known) -> Params:
    return _base(item, known) | {
        "viz_type": "waterfall",
        "x_axis": item.by[0],
        "groupby": [],
        "metric": item.metrics[0],
        "show_value": True,
        "show_legend": False,
        "show_total": True,
        "total_label": "Total",
        "y_axis_format": d3_format(known.metrics[item.metrics[0]]),
        "increase_color": {"r": 31, "g": 111, "b": 139, "a": 1},
        "decrease_color": {"r": 192, "g": 86, "b": 62, "a": 1},
        "total_color": {"r": 43, "g": 58, "b": 85, "a": 1},
        "xTicksLayout": "auto",
    }


_KINDS: Mapping[str, Callable[[Item, Known], Params]] = {
    "kpi": _kpi,
    "line": _line,
    "area": _area,
    "columns": _columns,
    "bars": _bars,
    "mixed": _mixed,
    "heatmap": _heatmap,
    "table": _table,
    "pie": _pie,
    "tree": _tree,
    "waterfall": _waterfall,
}
