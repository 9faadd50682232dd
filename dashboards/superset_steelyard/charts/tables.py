"""Tables, whose values may lead to the review."""

from __future__ import annotations

from ..definitions import d3_format
from ..definitions_context import DefinitionsContext
from ..json_types import Json, Metric
from ..spec import Item
from .frame import base

_MISSED, _HEAT = "#b3402a", "#6aa2b3"


def table(item: Item, context: DefinitionsContext) -> Json:
    columns = {
        name: {
            "d3NumberFormat": d3_format(context.metrics[name]),
            "d3SmallNumberFormat": d3_format(context.metrics[name]),
            "horizontalAlign": "right",
            "showCellBars": False,
            **_named(item, name),
        }
        for name in item.metrics
    }
    columns |= {name: _named(item, name, context.label(name).split(" · ")[0]) for name in item.by}
    return base(item, context) | {
        "viz_type": "table",
        "query_mode": "aggregate",
        "groupby": [linked(name, item, context) for name in item.by],
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
        "conditional_formatting": [
            *(one for name in item.metrics for one in _missed(context.metrics[name], item)),
            *(_heated(name) for name in item.options.get("heat", ())),
        ],
        "show_totals": False,
    }


def _named(item: Item, name: str, otherwise: str = "") -> Json:
    """The column's own heading, if its label would not fit or says more than the table needs."""
    heading = (item.options.get("names") or {}).get(name, otherwise)
    return {"customColumnName": heading} if heading else {}


def _missed(metric: Metric, item: Item) -> list[Json]:
    """Red if the target is missed, unless the column is shaded already."""
    heated = metric["name"] in item.options.get("heat", ())
    target = metric.get("target")
    if heated or target is None or metric.get("direction") not in {"up", "down"}:
        return []
    return [
        {
            "column": metric["name"],
            "operator": ">" if metric["direction"] == "down" else "<",
            "targetValue": float(target),
            "colorScheme": _MISSED,
            "objectFormatting": "TEXT_COLOR",
            "useGradient": False,
        }
    ]


def _heated(name: str) -> Json:
    """The deeper, the more, within the column."""
    return {
        "column": name,
        "operator": "None",
        "colorScheme": _HEAT,
        "objectFormatting": "BACKGROUND_COLOR",
        "useGradient": True,
    }


def linked(name: str, item: Item, context: DefinitionsContext) -> str | Json:
    """A dimension whose values open the page of recommendations about them, if the item says so."""
    query = (item.options.get("links") or {}).get(name)
    if not query or not context.review_url:
        return name
    href = f"'<a target=\"_blank\" href=\"{context.review_url}{query}' || {name} || '\">' || {name} || '</a>'"
    return {
        "expressionType": "SQL",
        "sqlExpression": href,
        "label": context.label(name),
        "hasCustomLabel": True,
        "optionName": f"link_{name}",
    }
