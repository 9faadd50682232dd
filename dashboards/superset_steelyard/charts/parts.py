"""Charts over parts: bars and heatmaps."""

from __future__ import annotations

from ..definitions import d3_format
from ..definitions_context import DefinitionsContext
from ..json_types import Json
from ..spec import Item
from .frame import axes, base

RAMP = "steelyard_blue"


def bars(item: Item, context: DefinitionsContext) -> Json:
    """One bar for each value of `by`, longest first."""
    x, *rest = item.by
    by_name = item.options.get("order") == "name"
    return (
        base(item, context)
        | axes(item, context)
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


def heatmap(item: Item, context: DefinitionsContext) -> Json:
    across, down = item.by
    return base(item, context) | {
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
        "y_axis_format": d3_format(context.metrics[item.metrics[0]]),
        "row_limit": item.options.get("limit", 500),
    }
