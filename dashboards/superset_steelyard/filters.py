"""Native filters: period, region, department, banner; each reaches the charts that it can apply to."""

from __future__ import annotations

from typing import Any

from .charts import follows_period
from .definitions_context import TIME, Known
from .identity import DATASET_UUID
from .spec import Board, Item

DIMENSIONS = {
    "region": ("Region", "location__region"),
    "department": ("Department", "product__department"),
    "banner": ("Banner", "location__banner"),
}


def native_filters(
    board: Board, shown: list[Item], numbers: dict[str, int], period: str, known: Known
) -> list[dict[str, Any]]:
    """In the order in which people narrow down. `numbers` are the charts' by their ids."""
    made = [_period(board, shown, numbers, period)]
    for name in board.filters:
        label, dimension = DIMENSIONS[name]
        out = [numbers[item.id] for item in shown if not reaches(item, dimension, known)]
        if len(out) < len(shown):
            made.append(_select(board, name, label, dimension, out))
    return made


def reaches(item: Item, dimension: str, known: Known) -> bool:
    """Whether every metric of the chart can be cut by the dimension."""
    return all(dimension in known.reach[metric] for metric in item.metrics)


def _period(board: Board, shown: list[Item], numbers: dict[str, int], period: str) -> dict[str, Any]:
    out = [numbers[item.id] for item in shown if not follows_period(item)]
    return _filter(board, "period", "Period", "filter_time", out) | {
        "targets": [{}],
        "defaultDataMask": {
            "extraFormData": {"time_range": period},
            "filterState": {"value": period},
        },
        "description": f"Whole periods up to the last day of data. Trends keep their own weeks. ({TIME})",
    }


def _select(board: Board, name: str, label: str, dimension: str, out: list[int]) -> dict[str, Any]:
    return _filter(board, name, label, "filter_select", out) | {
        "targets": [{"datasetUuid": DATASET_UUID, "column": {"name": dimension}}],
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "description": "Charts that cannot be cut this way stay as they are.",
        "sortMetric": None,
    }


def _filter(board: Board, name: str, label: str, kind: str, out: list[int]) -> dict[str, Any]:
    controls = {"enableEmptyFilter": False}
    if kind == "filter_select":
        controls |= {"multiSelect": True, "searchAllOptions": False, "inverseSelection": False}
        controls |= {"defaultToFirstItem": False}
    return {
        "id": f"NATIVE_FILTER-{board.slug}-{name}",
        "type": "NATIVE_FILTER",
        "name": label,
        "filterType": kind,
        "cascadeParentIds": [],
        "controlValues": controls,
        "scope": {"rootPath": ["ROOT_ID"], "excluded": out},
    }
