"""Native filters: period, region, department, banner; each reaches the charts that it can apply to."""

from __future__ import annotations

from .charts import follows_period
from .definitions_context import TIME, DefinitionsContext
from .identity import DATASET_UUID
from .json_types import Json
from .spec import DashboardSpec, Item

DIMENSIONS = {
    "region": ("Region", "location__region"),
    "department": ("Department", "product__department"),
    "banner": ("Banner", "location__banner"),
}
_ALL = {"region": "all regions", "department": "all departments", "banner": "all banners"}


def native_filters(
    spec: DashboardSpec, drawn: list[Item], numbers: dict[str, int], period: str, context: DefinitionsContext
) -> list[Json]:
    """In the order in which people narrow down. `numbers` are the charts' by their ids."""
    native = [_period(spec, drawn, numbers, period)]
    for name in spec.filters:
        label, dimension = DIMENSIONS[name]
        out = [numbers[item.id] for item in drawn if not reaches(item, dimension, context)]
        if len(out) < len(drawn):
            native.append(_select(spec, name, label, dimension, out))
    return native


def reaches(item: Item, dimension: str, context: DefinitionsContext) -> bool:
    """Whether every metric of the chart can be cut by the dimension."""
    return all(dimension in context.reach[metric] for metric in item.metrics)


def unreached(spec: DashboardSpec, item: Item, drawn: list[Item], context: DefinitionsContext) -> str:
    """What the item shows whatever is chosen: "all departments", if that filter is there for others only."""
    beyond = [
        _ALL[name]
        for name in spec.filters
        if not reaches(item, DIMENSIONS[name][1], context)
        and any(reaches(other, DIMENSIONS[name][1], context) for other in drawn)
    ]
    return ", ".join(beyond)


def _period(spec: DashboardSpec, drawn: list[Item], numbers: dict[str, int], period: str) -> Json:
    out = [numbers[item.id] for item in drawn if not follows_period(item)]
    return _filter(spec, "period", "Period", "filter_time", out) | {
        "targets": [{}],
        "defaultDataMask": {
            "extraFormData": {"time_range": period},
            "filterState": {"value": period},
        },
        "description": f"Whole periods up to the last day of data. Trends keep their own weeks. ({TIME})",
    }


def _select(spec: DashboardSpec, name: str, label: str, dimension: str, out: list[int]) -> Json:
    return _filter(spec, name, label, "filter_select", out) | {
        "targets": [{"datasetUuid": DATASET_UUID, "column": {"name": dimension}}],
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "description": "A chart that cannot be cut this way says so, and stays as it is.",
        "sortMetric": None,
    }


def _filter(spec: DashboardSpec, name: str, label: str, kind: str, out: list[int]) -> Json:
    controls = {"enableEmptyFilter": False}
    if kind == "filter_select":
        controls |= {"multiSelect": True, "searchAllOptions": False, "inverseSelection": False}
        controls |= {"defaultToFirstItem": False}
    return {
        "id": f"NATIVE_FILTER-{spec.slug}-{name}",
        "type": "NATIVE_FILTER",
        "name": label,
        "filterType": kind,
        "cascadeParentIds": [],
        "controlValues": controls,
        "scope": {"rootPath": ["ROOT_ID"], "excluded": out},
    }
