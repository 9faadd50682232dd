"""Where things stand on a dashboard: Superset's position tree, twelve columns wide."""

from __future__ import annotations

from typing import Any

from .spec import DashboardSpec, Item

_HEIGHT = {"kpi": 25, "text": 8, "table": 52}  # in Superset's units of 8 pixels
_CHART_HEIGHT, _KPI_ALONE = 46, 19


def height_of(item: Item) -> int:
    """In grid units. A table is as high as its rows, so that none is cut."""
    if item.height:
        return item.height
    if item.kind == "table":
        rows = int(item.options.get("limit", 10))
        return 12 + round(rows * 4.0)
    if item.kind == "kpi" and item.options.get("compare") is False:
        return _KPI_ALONE
    return _HEIGHT.get(item.kind, _CHART_HEIGHT)


def position(
    spec: DashboardSpec, rows: list[list[Item]], charts: dict[str, tuple[str, int]]
) -> dict[str, Any]:
    """The tree. `rows` are those that are shown; `charts` tells each chart's uuid and number by its id."""
    tree: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": spec.title}},
    }
    for number, items in enumerate(rows, 1):
        row_id = f"ROW-{spec.slug}-{number}"
        tree["GRID_ID"]["children"].append(row_id)
        tree[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        height = max(height_of(item) for item in items)
        for item in items:
            node = _text(item, height) if item.kind == "text" else _chart(item, height, charts[item.id])
            node["parents"] = ["ROOT_ID", "GRID_ID", row_id]
            tree[node["id"]] = node
            tree[row_id]["children"].append(node["id"])
    return tree


def _text(item: Item, height: int) -> dict[str, Any]:
    meta = {"code": item.text, "width": item.width, "height": height}
    return {"type": "MARKDOWN", "id": f"MARKDOWN-{item.id}", "children": [], "meta": meta}


def _chart(item: Item, height: int, chart: tuple[str, int]) -> dict[str, Any]:
    uuid, number = chart
    meta = {"uuid": uuid, "chartId": number, "width": item.width, "height": height, "sliceName": item.title}
    return {"type": "CHART", "id": f"CHART-{item.id}", "children": [], "meta": meta}
