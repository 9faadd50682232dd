"""Charts over time: lines, columns, and stacked parts with their total."""

from __future__ import annotations

from collections.abc import Sequence

from ..definitions import d3_format
from ..known import Known, Params
from ..spec import Item
from .frame import base, over_time

_INK = "#1d2733"
_STACK = ("#1f6f8b", "#d08c2e", "#8aa9b8", "#5b7553")


def line(item: Item, known: Known) -> Params:
    return over_time(item, known) | {
        "viz_type": "echarts_timeseries_line",
        "seriesType": "line",
        "markerEnabled": False,
        "connectNulls": True,
    }


def columns(item: Item, known: Known) -> Params:
    return over_time(item, known) | {
        "viz_type": "echarts_timeseries_bar",
        "orientation": "vertical",
        "stack": "Stack" if item.options.get("stacked") else None,
        "show_value": bool(item.options.get("values")),
        "only_total": True,
    }


def mixed(item: Item, known: Known) -> Params:
    """Stacked columns of the signed parts, and the total as a line."""
    parts = [signed(part, known) for part in item.options["parts"]]
    return over_time(item, known) | {
        "viz_type": "mixed_timeseries",
        "metrics": parts,
        "seriesType": "bar",
        "stack": "Stack",
        "yAxisIndex": 0,
        "groupby_b": [],
        "metrics_b": [item.options["line"]],
        "adhoc_filters_b": base(item, known)["adhoc_filters"],
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
