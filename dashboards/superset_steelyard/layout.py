"""Where things stand on a dashboard: Superset's position tree, twelve columns wide."""

from __future__ import annotations

from .json_types import Json
from .spec import DashboardSpec, Item

_HEIGHT = {"kpi": 25, "text": 8, "table": 52}  # in Superset's units of 8 pixels
_CHART_HEIGHT, _KPI_ALONE, _KPI_TWO_LINES = 46, 19, 28


def height_of(item: Item) -> int:
    """In grid units. A table is as high as its rows, so that none is cut."""
    if item.height:
        return item.height
    if item.kind == "table":
        rows = int(item.options.get("limit", 10))
        return 12 + round(rows * 4.0)
    if item.kind == "kpi" and item.options.get("reach") and item.options.get("compare") is not False:
        return _KPI_TWO_LINES
    if item.kind == "kpi" and item.options.get("compare") is False:
        return _KPI_ALONE
    return _HEIGHT.get(item.kind, _CHART_HEIGHT)


def position(spec: DashboardSpec, rows: list[list[Item]], charts: dict[str, tuple[str, int]]) -> Json:
    """The tree. `rows` are those that are shown; `charts` tells each chart's uuid and number by its id."""
    row_ids = [f"ROW-{spec.slug}-{number}" for number in range(1, len(rows) + 1)]
    tree: Json = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": row_ids, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": spec.title}},
    }
    for row_id, items in zip(row_ids, rows, strict=True):
        height = max(height_of(item) for item in items)
        nodes = [_text(i, height) if i.kind == "text" else _chart(i, height, charts[i.id]) for i in items]
        parents = ["ROOT_ID", "GRID_ID"]
        tree[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": [node["id"] for node in nodes],
            "parents": parents,
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        tree |= {str(node["id"]): node | {"parents": [*parents, row_id]} for node in nodes}
    return tree


def _text(item: Item, height: int) -> Json:
    meta = {"code": item.text, "width": item.width, "height": height}
    return {"type": "MARKDOWN", "id": f"MARKDOWN-{item.id}", "children": [], "meta": meta}


def _chart(item: Item, height: int, chart: tuple[str, int]) -> Json:
    uuid, number = chart
    meta = {"uuid": uuid, "chartId": number, "width": item.width, "height": height, "sliceName": item.title}
    return {"type": "CHART", "id": f"CHART-{item.id}", "children": [], "meta": meta}
