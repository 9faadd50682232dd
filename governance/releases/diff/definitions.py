"""What a KPI and a dimension mean, as plain data to be compared, from dbt's semantic manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from governance.json_types import JsonDict
from governance.releases.diff.changes import Raw

_MEASURES = ("measure", "base_measure", "conversion_measure")
_DERIVED = "input_measures"  # dbt fills it from the rest


def kpi_definitions(semantic: Raw) -> dict[str, JsonDict]:
    """By name: words, type, parameters, filters, tags, and the measures that the KPI is computed from.

    A KPI built on other KPIs does not hold their definitions: it is reached by their change.
    """
    measures = {
        measure["name"]: _measure(model, measure)
        for model in semantic["semantic_models"]
        for measure in model.get("measures") or ()
    }
    return {metric["name"]: _kpi(metric, measures) for metric in semantic["metrics"]}


def _kpi(metric: Raw, measures: Mapping[str, Raw]) -> JsonDict:
    params = {k: v for k, v in (metric.get("type_params") or {}).items() if k != _DERIVED}
    below = {name: measures[name] for name in _measure_names(params) if name in measures}
    return {
        "label": metric.get("label"),
        "description": metric.get("description"),
        "type": metric["type"],
        "type_params": params,
        "filter": metric.get("filter"),
        "meta": (metric.get("config") or {}).get("meta"),
        "measures": below,
    }


def _measure_names(params: object) -> Iterator[str]:
    if not isinstance(params, Mapping):
        return
    for key, value in params.items():
        if key in _MEASURES and isinstance(value, Mapping):
            yield value["name"]
        elif key in _MEASURES and isinstance(value, str):
            yield value
        else:
            yield from _measure_names(value)


def _measure(model: Raw, measure: Raw) -> JsonDict:
    default = (model.get("defaults") or {}).get("agg_time_dimension")
    return {
        "agg": measure["agg"],
        "expr": measure.get("expr") or measure["name"],
        "agg_params": measure.get("agg_params"),
        "non_additive_dimension": measure.get("non_additive_dimension"),
        "agg_time_dimension": measure.get("agg_time_dimension") or default,
        "table": (model.get("node_relation") or {}).get("alias"),
        "meta": (measure.get("config") or {}).get("meta"),
    }


def dimension_definitions(semantic: Raw) -> dict[str, JsonDict]:
    """By `semantic model.name`: dimensions and entities, which every KPI of the model is grouped by."""
    return {
        f"{model['name']}.{part['name']}": {
            "type": part["type"],
            "expr": part.get("expr"),
            "type_params": part.get("type_params"),
            "description": part.get("description"),
            "meta": (part.get("config") or {}).get("meta"),
        }
        for model in semantic["semantic_models"]
        for part in (*(model.get("dimensions") or ()), *(model.get("entities") or ()))
    }
