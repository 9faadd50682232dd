"""Tables, whose values may lead to the review."""

from __future__ import annotations

from ..definitions import d3_format
from ..known import Known, Params
from ..spec import Item
from .frame import base


def table(item: Item, known: Known) -> Params:
    columns = {
        name: {
            "d3NumberFormat": d3_format(known.metrics[name]),
            "d3SmallNumberFormat": d3_format(known.metrics[name]),
            "horizontalAlign": "right",
            "showCellBars": False,
        }
        for name in item.metrics
    }
    return base(item, known) | {
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
