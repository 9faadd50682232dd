"""Charts over time: lines, columns, and stacked parts with their total."""

from __future__ import annotations

from collections.abc import Sequence

from ..definitions import d3_format
from ..definitions_context import DefinitionsContext
from ..json_types import Json
from ..spec import Item
from .frame import base, over_time
from .tiles import written

_LINE, _TARGET = "#d08c2e", "#4a5563"
_STACK = ("#1f6f8b", "#5b7553", "#8aa9b8", "#8c6d46")


def line(item: Item, context: DefinitionsContext) -> Json:
    return over_time(item, context) | {
        "viz_type": "echarts_timeseries_line",
        "seriesType": "line",
        "markerEnabled": False,
        "connectNulls": True,
        "annotation_layers": _target(item, context),
    }


def _target(item: Item, context: DefinitionsContext) -> list[Json]:
    """A dashed line at what the house has set itself, if the chart shows one metric."""
    metric = context.metrics[item.metrics[0]]
    value = metric.get("target")
    if len(item.metrics) != 1 or value is None:
        return []
    target = float(value)
    return [
        {
            "annotationType": "FORMULA",
            "name": f"Target {written(target, d3_format(metric))}",
            "value": repr(target),
            "color": _TARGET,
            "style": "dashed",
            "width": 1,
            "opacity": "",
            "show": True,
            "showLabel": False,
            "showMarkers": False,
            "hideLine": False,
            "overrides": {"time_range": None},
        }
    ]


def columns(item: Item, context: DefinitionsContext) -> Json:
    return over_time(item, context) | {
        "viz_type": "echarts_timeseries_bar",
        "orientation": "vertical",
        "stack": "Stack" if item.options.get("stacked") else None,
        "show_value": bool(item.options.get("values")),
        "only_total": True,
    }


def mixed(item: Item, context: DefinitionsContext) -> Json:
    """Stacked columns of the signed parts, and the total as a line."""
    parts = [_series(part, item, context) for part in item.options["parts"]]
    return over_time(item, context) | {
        "viz_type": "mixed_timeseries",
        "metrics": parts,
        "seriesType": "bar",
        "stack": "Stack",
        "yAxisIndex": 0,
        "groupby_b": [],
        "metrics_b": [_series(item.options["line"], item, context)],
        "adhoc_filters_b": base(item, context)["adhoc_filters"],
        "seriesTypeB": "line",
        "yAxisIndexB": 0,
        "markerEnabledB": True,
        "y_axis_format_secondary": d3_format(context.metrics[item.options["line"]]),
        "row_limit_b": 1000,
        "show_legend": True,
        "truncate_metric_b": True,
    }


def colours(items: Sequence[Item], context: DefinitionsContext) -> dict[str, str]:
    """Each series that is named after a metric keeps its colour on the whole dashboard; totals are amber."""
    by_series: dict[str, str] = {}
    for item in items:
        if item.kind != "mixed":
            continue
        for at, part in enumerate(item.options["parts"]):
            for spoken in (_spoken(part, item, context), part.lstrip("-")):  # charts look up either
                by_series.setdefault(spoken, _STACK[at % len(_STACK)])
        for spoken in (_spoken(item.options["line"], item, context), item.options["line"]):
            by_series[spoken] = _LINE
    return by_series


def _spoken(part: str, item: Item, context: DefinitionsContext) -> str:
    """What the legend says: the item's own word or the metric's label, after a minus if it counts so."""
    name = part.lstrip("-")
    word = (item.options.get("names") or {}).get(name) or context.label(name)
    return f"− {word}" if part.startswith("-") else word


def _series(part: str, item: Item, context: DefinitionsContext) -> str | Json:
    """`-name` counts against: an expression on the governed metric, still under its policy."""
    name = part.lstrip("-")
    if part == name and name not in (item.options.get("names") or {}):
        return part
    return {
        "expressionType": "SQL",
        "sqlExpression": f"-MEASURE({name})" if part.startswith("-") else f"MEASURE({name})",
        "label": _spoken(part, item, context),
        "hasCustomLabel": True,
        "optionName": f"metric_{'minus_' if part != name else ''}{name}",
    }
