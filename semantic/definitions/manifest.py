"""Read dbt's semantic manifest, in its legacy form (measures) and its new one (metric_aggregation_params)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..ast.grains import Window
from ..errors import ManifestError
from .catalog import (
    Catalog,
    Conversion,
    Cumulative,
    Dimension,
    Entity,
    Input,
    Measure,
    Metric,
    Model,
    NonAdditive,
    Rollup,
    SavedQuery,
    SimpleMetric,
    TimeSpine,
)  # fmt: skip
from .duplicate_keys import duplicate_keys_beside
from .rollups import dbt_nodes, rollups_of
from .time_zone import UTC, time_zone_of
from .unique_keys import UniqueKeys, unique_keys_of

Raw = Mapping[str, Any]
JOINABLE_KINDS = ("primary", "unique", "natural")
DBT_MANIFEST = "manifest.json"


def load_catalog(path: str | Path) -> Catalog:
    """The catalog of a manifest file. Raises ManifestError where the file is missing or malformed.

    Rollups and the time zone are declared, and keys tested, in the `manifest.json` that dbt writes beside it;
    `keys.json` says which keys the data of a release hold twice.
    """
    try:
        raw = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ManifestError(f"The semantic manifest {path} cannot be read: {error}.") from error
    nodes = dbt_nodes(Path(path).parent / DBT_MANIFEST)
    catalog = build_catalog(raw, rollups_of(nodes), unique_keys_of(nodes), time_zone_of(nodes))
    return replace(catalog, duplicate_keys=duplicate_keys_beside(Path(path)))


def build_catalog(
    raw: Raw,
    rollups: tuple[Rollup, ...] = (),
    unique_keys: UniqueKeys = frozenset(),
    time_zone: str = UTC,
) -> Catalog:
    """The catalog of a parsed manifest. Raises ManifestError naming the object that is wrong."""
    try:
        models = {m["name"]: _model(m) for m in raw["semantic_models"]}
        measures = {
            measure["name"]: _legacy_measure(m, measure)
            for m in raw["semantic_models"]
            for measure in m.get("measures") or ()
        }
        spines = _spines(raw.get("project_configuration") or {})
        times = {name: m.agg_time for name, m in models.items()}
        metrics = _metrics(raw["metrics"], measures, times)
        saved = {q["name"]: _saved_query(q) for q in raw.get("saved_queries") or ()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"The semantic manifest is malformed: {type(error).__name__} {error}.") from error
    joinable: dict[str, tuple[Model, ...]] = {}
    for model in models.values():
        for entity in model.entities.values():
            if entity.kind in JOINABLE_KINDS:
                joinable[entity.name] = (*joinable.get(entity.name, ()), model)
    custom = {name: spine for spine in spines for name, _ in spine.custom}
    return Catalog(
        MappingProxyType(models),
        MappingProxyType(metrics),
        spines,
        MappingProxyType(saved),
        MappingProxyType(custom),
        MappingProxyType(joinable),
        rollups,
        unique_keys,
        time_zone,
    )


def _meta(raw: Raw) -> Mapping[str, object]:
    config = raw.get("config") or {}
    return config.get("meta") or raw.get("meta") or {}


def _steelyard(raw: Raw) -> Raw:
    own = _meta(raw).get("steelyard")
    return own if isinstance(own, Mapping) else {}


def _model(raw: Raw) -> Model:
    node = raw["node_relation"]
    relation = node.get("relation_name") or ".".join(
        part for part in (node.get("database"), node.get("schema_name"), node["alias"]) if part
    )
    entities = {
        e["name"]: Entity(e["name"], e["type"].lower(), str(e.get("expr") or e["name"]))
        for e in raw.get("entities") or ()
    }
    primary = raw.get("primary_entity") or next(
        (e.name for e in entities.values() if e.kind == "primary"), None
    )
    return Model(
        name=raw["name"],
        relation=relation,
        primary=primary,
        entities=entities,
        dimensions={d["name"]: _dimension(d) for d in raw.get("dimensions") or ()},
        agg_time=(raw.get("defaults") or {}).get("agg_time_dimension"),
        description=raw.get("description") or "",
        meta=_meta(raw),
    )


def _dimension(raw: Raw) -> Dimension:
    params = raw.get("type_params") or {}
    window = params.get("validity_params") or {}
    is_time = raw["type"].lower() == "time"
    return Dimension(
        name=raw["name"],
        expr=str(raw.get("expr") or raw["name"]),
        grain=(params.get("time_granularity") or "day").lower() if is_time else None,
        is_partition=bool(raw.get("is_partition")),
        validity="start" if window.get("is_start") else "end" if window.get("is_end") else None,
        description=raw.get("description") or "",
        label=raw.get("label") or "",
    )


def _non_additive(raw: Raw | None) -> NonAdditive | None:
    if not raw:
        return None
    return NonAdditive(
        raw["name"], (raw.get("window_choice") or "min").lower(), tuple(raw.get("window_groupings") or ())
    )


def _measure(model: str, raw: Raw, expr: str, agg_time: str | None) -> Measure:
    params = raw.get("agg_params") or {}
    agg = raw["agg"].lower()
    if agg == "percentile" and params.get("percentile") is None:
        raise ManifestError(f"A percentile aggregation of model {model} ({expr}) says no percentile.")
    return Measure(
        model=model,
        agg=agg,
        expr=expr,
        agg_time=agg_time,
        percentile=params.get("percentile"),
        discrete=bool(params.get("use_discrete_percentile")),
        approximate=bool(params.get("use_approximate_percentile")),
        non_additive=_non_additive(raw.get("non_additive_dimension")),
    )


def _legacy_measure(model: Raw, raw: Raw) -> Measure:
    default = (model.get("defaults") or {}).get("agg_time_dimension")
    return _measure(
        model["name"], raw, str(raw.get("expr") or raw["name"]), raw.get("agg_time_dimension") or default
    )


def _filters(raw: Any) -> tuple[str, ...]:
    if not raw:
        return ()
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, Mapping):
        return tuple(f["where_sql_template"] for f in raw.get("where_filters") or ())
    return tuple(part for item in raw for part in _filters(item))


def _window(raw: Any) -> Window | None:
    if not raw:
        return None
    if isinstance(raw, str):
        count, grain = raw.split()
        return Window(int(count), grain.lower().removesuffix("s"))
    return Window(int(raw["count"]), str(raw["granularity"]).lower())


def _input(raw: Raw) -> Input:
    grain = raw.get("offset_to_grain")
    return Input(
        name=raw["name"],
        alias=raw.get("alias") or raw["name"],
        filters=_filters(raw.get("filter")),
        offset_window=_window(raw.get("offset_window")),
        offset_to_grain=grain.lower() if grain else None,
    )


def _union(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f for group in groups for f in group))


def _metrics(
    raws: list[Raw], measures: Mapping[str, Measure], times: Mapping[str, str | None]
) -> dict[str, Metric]:
    simple_metrics = {
        m["name"]: simple for m in raws if (simple := _simple_metric(m, measures, times)) is not None
    }
    return {m["name"]: _metric(m, measures, simple_metrics) for m in raws}


def _simple_metric(
    raw: Raw, measures: Mapping[str, Measure], times: Mapping[str, str | None]
) -> SimpleMetric | None:
    """The record of a simple metric, in either form; None for the other kinds."""
    if raw["type"].lower() != "simple":
        return None
    params, name = raw["type_params"], raw["name"]
    own = params.get("metric_aggregation_params")
    if own:
        measure = _measure(
            own["semantic_model"],
            own,
            str(params.get("expr") or name),
            own.get("agg_time_dimension") or times[own["semantic_model"]],
        )
        used: Raw = params.get("measure") or {}
    else:
        used = params["measure"]
        measure = _measure_named(measures, used["name"], name)
    extra = _steelyard(raw)
    if extra.get("period_days"):
        measure = _with(measure, over_period=True)
    if extra.get("carry_forward_days"):
        measure = _with(measure, carry_forward_days=int(extra["carry_forward_days"]))
    fill = params.get("fill_nulls_with")
    return SimpleMetric(
        name=name,
        measure=measure,
        filters=_union(_filters(raw.get("filter")), _filters(used.get("filter"))),
        fill=fill if fill is not None else used.get("fill_nulls_with"),
        join_spine=bool(params.get("join_to_timespine") or used.get("join_to_timespine")),
    )


def _with(measure: Measure, **changes: Any) -> Measure:
    return replace(measure, **changes)


def _measure_named(measures: Mapping[str, Measure], name: str, metric: str) -> Measure:
    if name not in measures:
        raise ManifestError(f"Metric {metric} uses the measure {name}, which no semantic model defines.")
    return measures[name]


def _input_metric(
    params: Raw,
    keys: tuple[str, str],
    owner: str,
    measures: Mapping[str, Measure],
    simple_metrics: Mapping[str, SimpleMetric],
) -> SimpleMetric:
    """The simple metric below a cumulative or conversion metric: a metric in the new form, a measure in the
    old.
    """
    metric_key, measure_key = keys
    used = params.get(metric_key)
    if used:
        if used["name"] not in simple_metrics:
            raise ManifestError(f"Metric {owner} builds on {used['name']}, which is no simple metric.")
        simple = simple_metrics[used["name"]]
        return SimpleMetric(
            simple.name,
            simple.measure,
            _union(simple.filters, _filters(used.get("filter"))),
            simple.fill,
            simple.join_spine,
        )
    old = params.get(measure_key)
    if not old:
        raise ManifestError(f"Metric {owner} says neither {metric_key} nor {measure_key}.")
    return SimpleMetric(
        old["name"],
        _measure_named(measures, old["name"], owner),
        _filters(old.get("filter")),
        old.get("fill_nulls_with"),
        bool(old.get("join_to_timespine")),
    )


def _metric(raw: Raw, measures: Mapping[str, Measure], simple_metrics: Mapping[str, SimpleMetric]) -> Metric:
    params, kind, name = raw["type_params"], raw["type"].lower(), raw["name"]
    parts: dict[str, Any] = {}
    match kind:
        case "simple":
            parts = _simple_or_mean(raw, simple_metrics[name])
        case "ratio":
            numerator, denominator = _input(params["numerator"]), _input(params["denominator"])
            parts = {"inputs": (numerator, denominator)}
        case "derived":
            parts = {"inputs": tuple(_input(i) for i in params.get("metrics") or ()), "expr": params["expr"]}
        case "cumulative":
            own = params.get("cumulative_type_params") or {}
            source = own if own.get("metric") else params
            grain = own.get("grain_to_date") or params.get("grain_to_date")
            parts = {
                "simple": _input_metric(source, ("metric", "measure"), name, measures, simple_metrics),
                "cumulative": Cumulative(
                    _window(own.get("window") or params.get("window")),
                    grain.lower() if grain else None,
                    (own.get("period_agg") or "first").lower(),
                ),
            }
        case "conversion":
            parts = {
                "conversion": _conversion(params["conversion_type_params"], name, measures, simple_metrics)
            }
        case _:
            raise ManifestError(f"Metric {name} is of the unknown type {kind}.")
    filters = () if kind == "simple" else _filters(raw.get("filter"))
    return Metric(
        name=name,
        kind=parts.pop("kind", kind),
        description=raw.get("description") or "",
        label=raw.get("label") or "",
        filters=filters,
        default_grain=(raw.get("time_granularity") or "").lower() or None,
        is_private=bool(params.get("is_private")),
        meta=_meta(raw),
        **parts,
    )


def _simple_or_mean(raw: Raw, simple: SimpleMetric) -> dict[str, Any]:
    if (how := _steelyard(raw).get("period_agg_over_days")) is None:
        return {"simple": simple}
    if how != "mean":
        raise ManifestError(f"Metric {raw['name']}: period_agg_over_days is {how!r}; it can only be 'mean'.")
    return {"simple": simple, "kind": "period_mean"}


def _conversion(
    raw: Raw, name: str, measures: Mapping[str, Measure], simple_metrics: Mapping[str, SimpleMetric]
) -> Conversion:
    return Conversion(
        base=_input_metric(raw, ("base_metric", "base_measure"), name, measures, simple_metrics),
        conversion=_input_metric(
            raw, ("conversion_metric", "conversion_measure"), name, measures, simple_metrics
        ),
        entity=raw["entity"],
        calculation=(raw.get("calculation") or "conversion_rate").lower(),
        window=_window(raw.get("window")),
        constants=tuple(
            (c["base_property"], c["conversion_property"]) for c in raw.get("constant_properties") or ()
        ),
    )


def _spines(config: Raw) -> tuple[TimeSpine, ...]:
    spines = [
        TimeSpine(
            relation=s["node_relation"].get("relation_name")
            or f"{s['node_relation']['schema_name']}.{s['node_relation']['alias']}",
            column=s["primary_column"]["name"],
            grain=s["primary_column"]["time_granularity"].lower(),
            custom=tuple(
                (c["name"], c.get("column_name") or c["name"]) for c in s.get("custom_granularities") or ()
            ),
        )
        for s in config.get("time_spines") or ()
    ]
    grains = {s.grain for s in spines}
    spines += [
        TimeSpine(t["location"], t["column_name"], t["grain"].lower())
        for t in config.get("time_spine_table_configurations") or ()
        if t["grain"].lower() not in grains
    ]
    return tuple(spines)


def _saved_query(raw: Raw) -> SavedQuery:
    params = raw["query_params"]
    return SavedQuery(
        name=raw["name"],
        metrics=tuple(params.get("metrics") or ()),
        group_by=tuple(params.get("group_by") or ()),
        where=_filters(params.get("where")),
        order_by=tuple(params.get("order_by") or ()),
        limit=params.get("limit"),
        description=raw.get("description") or "",
    )
