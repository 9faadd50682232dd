"""Model-level lineage, from the two manifests that dbt leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from governance.json_types import JsonObject
from governance.lineage.graph import Edge, Node

Manifest: TypeAlias = JsonObject
_TRACED_TYPES = ("model", "seed", "snapshot")


def node_ids(manifest: Manifest) -> dict[str, str]:
    """dbt's unique ids to ours: source.landing.sales_lines, model.fct_sales_lines, feature.feat_…"""
    ids = {uid: f"source.{s['source_name']}.{s['name']}" for uid, s in manifest["sources"].items()}
    for uid, node in manifest["nodes"].items():
        if node["resource_type"] in _TRACED_TYPES:
            kind = "feature" if node["name"].startswith("feat_") else "model"
            ids[uid] = f"{kind}.{table_name(node)}"
    return ids


def table_name(node: JsonObject) -> str:
    """What a node is called in the warehouse; the versions of a model share a name and differ in this."""
    return str(node.get("alias") or node["name"])


def table_lineage(manifest: Manifest) -> tuple[list[Node], list[Edge]]:
    """Sources, models, features and exposures, with what each reads."""
    ids = node_ids(manifest)
    nodes = [Node(name, name.partition(".")[0]) for name in ids.values()]
    edges = [
        Edge(ids[parent], name)
        for uid, name in ids.items()
        for parent in (manifest["nodes"].get(uid) or {}).get("depends_on", {}).get("nodes", ())
        if parent in ids
    ]
    for exposure in (manifest.get("exposures") or {}).values():
        name = f"exposure.{exposure['name']}"
        nodes.append(Node(name, "exposure", exposure.get("label") or ""))
        for parent in exposure["depends_on"]["nodes"]:
            kind, _, bare = parent.partition(".")
            source = f"metric.{bare.rpartition('.')[2]}" if kind == "metric" else ids.get(parent)
            level = "any" if kind == "metric" else "model"
            edges += [Edge(source, name, level=level)] if source else []
    return nodes, edges


def metric_lineage(semantic: Manifest, ids: Mapping[str, str]) -> tuple[list[Node], list[Edge]]:
    """Metrics: each reads its models, or the metrics that it is computed from."""
    tables = {name.partition(".")[2]: name for name in ids.values()}
    relations = {m["name"]: tables.get(m["node_relation"]["alias"]) for m in semantic["semantic_models"]}
    owners = {x["name"]: m["name"] for m in semantic["semantic_models"] for x in m.get("measures") or ()}
    nodes, edges = [], []
    for metric in semantic["metrics"]:
        target = f"metric.{metric['name']}"
        nodes.append(Node(target, "metric", metric.get("label") or ""))
        edges += [Edge(f"metric.{name}", target, level="any") for name in parent_metrics(metric)]
        models = {owners[name] for name in measures_of(metric) if name in owners} | own_models(metric)
        edges += [Edge(table, target) for model in sorted(models) if (table := relations.get(model))]
    node_names = {node.id for node in nodes} | set(ids.values())
    return nodes, [edge for edge in edges if edge.source in node_names]


def own_models(metric: Manifest) -> set[str]:
    """Semantic models that the newer form of metrics names."""
    model = ((metric.get("type_params") or {}).get("metric_aggregation_params") or {}).get("semantic_model")
    return {model} if model else set()


def parent_metrics(metric: Manifest) -> list[str]:
    """Metrics that this one is computed from."""
    params = metric.get("type_params") or {}
    more = (params.get("cumulative_type_params") or {}, params.get("conversion_type_params") or {})
    given = [*(params.get("metrics") or ()), params.get("numerator"), params.get("denominator")]
    given += [part.get(key) for part in more for key in ("metric", "base_metric", "conversion_metric")]
    return list(_names(given))


def measures_of(metric: Manifest) -> list[str]:
    """Measures that this metric aggregates, in the older form."""
    if parent_metrics(metric):
        return []
    params = metric.get("type_params") or {}
    conversion = params.get("conversion_type_params") or {}
    given = [params.get("measure"), *(params.get("input_measures") or ())]
    given += [conversion.get("base_measure"), conversion.get("conversion_measure")]
    return list(_names(given))


def _names(given: Sequence[object]) -> Iterator[str]:
    seen = set()
    for entry in given:
        name = str((entry["name"] if isinstance(entry, Mapping) else entry) or "")
        if name and name not in seen:
            seen.add(name)
            yield name
