"""Lineage as one graph: the release's, and what was decided on top of it; for REST and CLI alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import RowMapping, select, union

from api.services.metric_service import MetricService
from governance.approvals import EXECUTION, find_recommendation
from governance.errors import NotFoundError
from governance.governed_query import OpenRelease
from governance.identity import Principal
from governance.lineage import Edge, LineageGraph, Node
from governance.lineage.draw import Link, to_svg
from governance.policy.authorize import require
from governance.store import OpsStore
from governance.store.schema import decisions, model_reviews, recommendations
from models_ml.models import reads_of
from models_ml.recommend.inputs.tables import POSITION_TABLES


@dataclass(frozen=True)
class LineageView:
    """The part of the graph around a node."""

    node: str
    release_id: str
    graph: LineageGraph

    def as_dict(self) -> dict[str, object]:
        """Nodes, edges and the Mermaid text."""
        plain = self.graph.as_dict()
        return {
            "node": self.node,
            "release": self.release_id,
            "nodes": plain["nodes"],
            "edges": plain["edges"],
            "mermaid": self.graph.to_mermaid(),
        }

    def svg(self, link: Link | None = None) -> str:
        """The picture; `link` makes boxes lead to their own pages."""
        return to_svg(self.graph, focus=self.node, link=link)


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
        columns: bool = False,
        release_id: str | None = None,
    ) -> LineageView:
        """The graph around `node`, upstream, downstream or both; by column if `columns`, else by table.

        Raises UnknownNodeError with the near miss. What the reader may not see is taken out before the walk,
        so it answers like what does not exist.
        """
        if reader is not None:
            require(reader, "read_lineage")
        opened = self._metrics.opened(release_id)
        graph = self._visible(self._extended(_load(opened.release.lineage), node, reader), opened, reader)
        walk = {"upstream": graph.upstream, "downstream": graph.downstream, "both": graph.around}[direction]
        return LineageView(node, opened.release.release_id, walk(node, depth, columns=columns))

    def _extended(self, graph: LineageGraph, node: str, reader: Principal | None) -> LineageGraph:
        """With model versions, and what came of the recommendation or decision that is asked about."""
        nodes, edges = [], []
        for name, version in self._model_versions():
            at = f"model_version.{name}/{version}"
            nodes.append(Node(at, "model_version", f"{name} version {version}"))
            edges += _model_reads(graph, name, at)
        kind, _, key = node.partition(".")
        if kind == "decision":
            key = self._recommendation_of(key)
        if kind in {"recommendation", "decision"} and key:
            more_nodes, more_edges = self._decided(graph, key, reader)
            nodes, edges = nodes + more_nodes, edges + more_edges
        return graph.extended(nodes, edges)

    def _decided(
        self, graph: LineageGraph, key: str, reader: Principal | None
    ) -> tuple[list[Node], list[Edge]]:
        """A recommendation with what it was computed from, what was decided, and what replaced it."""
        try:
            record = find_recommendation(self._store, key, reader=reader)
        except NotFoundError:
            return [], []  # the walk then says that there is no such node
        at = f"recommendation.{key}"
        nodes = [Node(at, "recommendation", record.reason or record.action)]
        edges = [Edge(f"model_version.{record.model_name}/{record.model_version}", at, level="any")]
        for table in POSITION_TABLES:
            edges += [Edge(name, at) for name in (f"model.{table}",) if name in graph.nodes]
            edges += [Edge(name, at, level="column") for name in (f"rows.{table}",) if name in graph.nodes]
        with self._store.read() as connection:
            statement = select(decisions).where(decisions.c.recommendation_id == key)
            rows = connection.execute(statement.order_by(decisions.c.decided_at)).mappings().all()
        for row in rows:
            nodes.append(Node(f"decision.{row['decision_id']}", "decision", _label(row)))
            edges.append(Edge(at, f"decision.{row['decision_id']}", level="any"))
        if rows and record.state in EXECUTION:
            nodes.append(Node(f"outcome.{key}", "outcome", record.state))
            edges.append(Edge(f"decision.{rows[-1]['decision_id']}", f"outcome.{key}", level="any"))
        if record.superseded_by:
            nodes.append(Node(f"recommendation.{record.superseded_by}", "recommendation", "came after it"))
            edges.append(Edge(at, nodes[-1].id, level="any"))
        if record.compensates:
            nodes.append(Node(f"recommendation.{record.compensates}", "recommendation", "taken back by it"))
            edges.append(Edge(nodes[-1].id, at, level="any"))
        return nodes, edges

    def _recommendation_of(self, decision_id: str) -> str:
        query = select(decisions.c.recommendation_id).where(decisions.c.decision_id == decision_id)
        with self._store.read() as connection:
            return connection.execute(query).scalar() or ""

    def _visible(self, graph: LineageGraph, opened: OpenRelease, reader: Principal | None) -> LineageGraph:
        restriction = self._metrics.listing(opened, reader)
        if restriction is None:
            return graph
        gone = {f"metric.{name}" for name in restriction.hidden_metrics}
        visible = [node for node in graph.nodes.values() if node.id not in gone]
        edges = [edge for edge in graph.edges if edge.source not in gone and edge.target not in gone]
        return LineageGraph.of(visible, edges, facts=graph.facts)

    def _model_versions(self) -> list[tuple[str, str]]:
        used = select(recommendations.c.model_name, recommendations.c.model_version).distinct()
        judged = select(model_reviews.c.model_name, model_reviews.c.model_version).distinct()
        with self._store.read() as connection:
            rows = connection.execute(union(used, judged)).all()
        return sorted((str(name), str(version)) for name, version in rows if name and version)


def _model_reads(graph: LineageGraph, model: str, version: str) -> list[Edge]:
    """From the feature tables, and from their columns, that the model reads."""
    read = reads_of(model)
    tables = sorted({f"feature.{table}" for table, _ in read})
    columns = sorted(f"column.{table}.{column}" for table, column in read)
    return [Edge(name, version) for name in tables if name in graph.nodes] + [
        Edge(name, version, level="column") for name in columns if name in graph.nodes
    ]


def _label(row: RowMapping) -> str:
    """Who decided what, and why."""
    return " · ".join(str(row[name]) for name in ("decision", "decided_by", "reason_code") if row[name])


@lru_cache(maxsize=8)
def _load(path: Path) -> LineageGraph:
    """A release never changes, so its graph is read once."""
    return LineageGraph.load(path)
