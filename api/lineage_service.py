"""Lineage as one graph: the release's, and what was decided on top of it; for REST and CLI alike."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select, union

from api.metric_service import MetricService, Opened
from governance.identity import Principal
from governance.lineage import Edge, LineageGraph, Node
from governance.restrict import recommendation_scope, require
from governance.store import OpsStore, find_recommendation
from governance.store.schema import model_reviews, recommendations
from models_ml.fingerprint import FEATURE_TABLES

_STOCK = "model.fct_inventory_daily"


class LineageService:
    """Walks from any node a reader may see."""

    def __init__(self, metrics: MetricService, store: OpsStore) -> None:
        self._metrics = metrics
        self._store = store

    def show(
        self,
        node: str,
        reader: Principal | None,
        *,
        direction: str = "both",
        depth: int | None = None,
        release_id: str | None = None,
    ) -> dict[str, Any]:
        """The graph around `node`, upstream, downstream or both. Raises UnknownNode with the near miss.

        What the reader may not see is taken out before the walk, so it answers like what does not exist.
        """
        if reader is not None:
            require(reader, "read_lineage")
        opened = self._metrics.opened(release_id)
        graph = self._visible(self._extended(_load(opened.release.lineage), node, reader), opened, reader)
        walk = {"upstream": graph.upstream, "downstream": graph.downstream, "both": graph.around}[direction]
        found = walk(node, depth)
        shown = found.as_dict()
        return {
            "node": node,
            "release": opened.release.release_id,
            "nodes": shown["nodes"],
            "edges": shown["edges"],
            "mermaid": found.to_mermaid(),
        }

    def _extended(self, graph: LineageGraph, node: str, reader: Principal | None) -> LineageGraph:
        """With model versions that were judged or used, and the recommendation that is asked about."""
        nodes, edges = [], []
        features = [f"model.{table}" for table in FEATURE_TABLES if f"model.{table}" in graph.nodes]
        for name, version in self._model_versions():
            at = f"model_version.{name}/{version}"
            nodes.append(Node(at, "model_version", f"{name} version {version}"))
            edges += [Edge(feature, at) for feature in features]
        if node.startswith("recommendation."):
            scope = None if reader is None else recommendation_scope(reader)
            found = find_recommendation(self._store, node.removeprefix("recommendation."), scope=scope)
            nodes.append(Node(node, "recommendation", found.reason or found.action))
            edges.append(Edge(f"model_version.{found.model_name}/{found.model_version}", node))
            edges += [Edge(_STOCK, node)] if _STOCK in graph.nodes else []
        return graph.extended(nodes, edges)

    def _visible(self, graph: LineageGraph, opened: Opened, reader: Principal | None) -> LineageGraph:
        restriction = self._metrics.restriction(opened, reader, ())
        if restriction is None:
            return graph
        gone = {f"metric.{name}" for name in restriction.hidden_metrics}
        kept = [node for node in graph.nodes.values() if node.id not in gone]
        edges = [edge for edge in graph.edges if edge.source not in gone and edge.target not in gone]
        return LineageGraph.of(kept, edges, facts=graph.facts)

    def _model_versions(self) -> list[tuple[str, str]]:
        used = select(recommendations.c.model_name, recommendations.c.model_version).distinct()
        judged = select(model_reviews.c.model_name, model_reviews.c.model_version).distinct()
        with self._store.read() as connection:
            rows = connection.execute(union(used, judged)).all()
        return sorted((str(name), str(version)) for name, version in rows if name and version)


@lru_cache(maxsize=8)
def _load(path: Path) -> LineageGraph:
    """A release never changes, so its graph is read once."""
    return LineageGraph.load(path)
