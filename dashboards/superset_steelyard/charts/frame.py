"""What every chart has: its period, its filters, its axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definitions import d3_format
from ..definitions_context import TIME, DefinitionsContext
from ..json_types import Json
from ..spec import Item

NO_RANGE = "No filter"


def follows_period(item: Item) -> bool:
    """Whether the period filter reaches the chart. Trends show whole weeks or months of their own."""
    return item.options.get("period") not in {"weeks", "months", "house_weeks", "all"}


def time_range(item: Item, context: DefinitionsContext) -> str:
    """The chart's own range; the dashboard's period filter replaces it if the chart follows it."""
    ranges = {
        "weeks": context.recorded.whole_weeks(),
        "months": context.recorded.whole_months(),
        "house_weeks": (context.house or context.recorded).whole_weeks(),
    }
    return ranges.get(str(item.options.get("period")), NO_RANGE)


def base(item: Item, context: DefinitionsContext) -> Json:
    return {
        "adhoc_filters": [
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": TIME,
                "operator": "TEMPORAL_RANGE",
                "comparator": time_range(item, context),
                "filterOptionName": f"period_{item.id}",
            },
            *(_filter(item, at, f) for at, f in enumerate(item.options.get("where", ()))),
        ],
        "row_limit": item.options.get("limit", 1000),
    }


def _filter(item: Item, at: int, where: Mapping[str, Any]) -> Json:
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


def axes(item: Item, context: DefinitionsContext) -> Json:
    return {
        "y_axis_format": d3_format(context.metrics[item.metrics[0]]),
        "show_legend": len(item.metrics) > 1 or len(item.by) > 1,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": False,
        "tooltipTimeFormat": "%d %b %Y",
        "x_axis_time_format": "%d %b" if item.options.get("period") != "months" else "%b",
        "y_axis_title_position": "Left",
        "truncate_metric": True,
        "truncateYAxis": bool(item.options.get("zoom")),
        "y_axis_bounds": [None, None],
        "sort_series_type": "sum",
        "order_desc": True,
    }


def over_time(item: Item, context: DefinitionsContext) -> Json:
    grain = {"months": "P1M"}.get(str(item.options.get("period")), item.options.get("grain", "P1W"))
    return (
        base(item, context)
        | axes(item, context)
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
