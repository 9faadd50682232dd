"""Tiles: one number, beside the period before it."""

from __future__ import annotations

from ..definitions import d3_format
from ..definitions_context import DefinitionsContext
from ..json_types import Json, Metric
from ..spec import Item
from .frame import base

_SUMS = frozenset(
    {"currency", "currency_days", "count", "units"}
)  # change in per cent; else in their own unit


def kpi(item: Item, context: DefinitionsContext) -> Json:
    """One number, with the period before it. Green is good, whichever way good points."""
    metric = context.metrics[item.metrics[0]]
    direction = str(metric.get("direction"))
    in_percent = metric.get("unit") in _SUMS and item.options.get("change") != "amount"
    settings = base(item, context) | {
        "viz_type": "pop_kpi",
        "metric": item.metrics[0],
        "y_axis_format": d3_format(metric),
        "percentDifferenceFormat": "+.1%",
        "header_font_size": 0.4,
        "subtitle": _under(metric, str(item.options.get("note", "")), str(item.options.get("reach", ""))),
        "subtitle_font_size": 0.28,
        "subheader_font_size": 0.125,
        "column_config": {
            "Previous value": {"displayTypeIcon": False, "customColumnName": "before"},
            "Delta": {
                "displayTypeIcon": False,
                "customColumnName": "points" if metric.get("unit") == "percent" else "change",
                "visible": not in_percent,
            },
            "Percent change": {"displayTypeIcon": False, "visible": in_percent},
        },
        "show_metric_name": False,
        "comparison_type": "values",
        "time_compare": "inherit",
        "comparison_color_enabled": direction in {"up", "down"},
        "comparison_color_scheme": "Red" if direction == "down" else "Green",
    }
    if item.options.get("compare") is False:
        settings |= {"viz_type": "big_number_total", "time_compare": []}
        settings |= {"header_font_size": 0.5, "subtitle_font_size": 0.2}
    return settings


def _under(metric: Metric, note: str, reach: str) -> str:
    """Unit, what it counts, the target, whether it is simulated, and what no filter narrows: one line."""
    parts = [note] if note else []
    if (target := metric.get("target")) is not None:
        sign = "≤" if metric.get("direction") == "down" else "≥"
        parts.append(f"target {sign} {written(float(target), d3_format(metric))}")
    if metric.get("unit") in {"days", "hours"}:
        parts.insert(0, str(metric["unit"]))
    if metric.get("unit") == "times":
        parts.insert(0, "times a year")
    if metric.get("is_simulated"):
        parts.append("simulated")
    if reach:
        parts.append(reach)
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
