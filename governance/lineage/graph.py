"""The lineage graph: where a number comes from, and what it reaches."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from governance.errors import LineageError, UnknownNodeError
from governance.json_types import JsonDict, JsonObject
from semantic.suggest import near_misses

_ARROW = {"direct": "-->", "indirect": "-.->"}


@dataclass(frozen=True)
class Node:
    """kind: file, source, model, feature, metric, exposure, column; beyond a release model_version,
    recommendation, decision, outcome.
    """

    id: str
    kind: str
    label: str = ""


@dataclass(frozen=True)
class Edge:
    """From what is read to what is made. `indirect`: it decides which rows, not which values.

    level: `model` between whole tables and what reads them, `column` between columns and what reads those,
    `any` between things that have no columns (metric to metric, model version to recommendation).
    """

    source: str
    target: str
    kind: str = "direct"
    level: str = "model"


@dataclass(frozen=True)
class LineageGraph:
    """Nodes and edges, and what could not be resolved: (column, model or metric, reason).

    `checksums` of the traced models let the next release take over what did not change.
    """

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    unresolved: tuple[tuple[str, str], ...] = ()
    facts: JsonObject = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        nodes: Iterable[Node],
        edges: Iterable[Edge],
        unresolved: Iterable[tuple[str, str]] = (),
        facts: JsonObject | None = None,
        checksums: Mapping[str, str] | None = None,
    ) -> LineageGraph:
        """From parts; repeated ones count once."""
        by_id = {node.id: node for node in nodes}
        once = tuple(dict.fromkeys(edges))
        return cls(by_id, once, tuple(unresolved), dict(facts or {}), dict(checksums or {}))

    @classmethod
    def load(cls, path: Path) -> LineageGraph:
        """From a release's lineage.json. Raises LineageError when it is missing or not one."""
        try:
            content = json.loads(path.read_text())
            return cls.of(
                (Node(**node) for node in content["nodes"]),
                (Edge(**edge) for edge in content["edges"]),
                (tuple(pair) for pair in content["unresolved"]),
                content.get("facts"),
                content.get("checksums"),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LineageError(f"The lineage in {path.parent.name} cannot be read.") from error

    def save(self, path: Path) -> None:
        """As JSON, in a stable order."""
        path.write_text(json.dumps(self.as_dict(), indent=0, sort_keys=True))

    def extended(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> LineageGraph:
        """With more on it: model versions, recommendations and decisions live outside a release."""
        return LineageGraph.of(
            (*self.nodes.values(), *nodes), (*self.edges, *edges), self.unresolved, self.facts
        )

    def upstream(self, node: str, depth: int | None = None, *, columns: bool = False) -> LineageGraph:
        """What the node is made of, `depth` steps back; by column if `columns` or if the node is one.

        Raises UnknownNodeError with the near miss.
        """
        return self._walk(node, depth, back=True, columns=columns)

    def downstream(self, node: str, depth: int | None = None, *, columns: bool = False) -> LineageGraph:
        """What the node reaches, `depth` steps on; else as `upstream`."""
        return self._walk(node, depth, back=False, columns=columns)

    def around(self, node: str, depth: int | None = None, *, columns: bool = False) -> LineageGraph:
        """Both directions."""
        before = self.upstream(node, depth, columns=columns)
        after = self.downstream(node, depth, columns=columns)
        return LineageGraph.of((*before.nodes.values(), *after.nodes.values()), (*before.edges, *after.edges))

    def to_mermaid(self) -> str:
        """The picture, for any Mermaid viewer: left to right, indirect edges dotted."""
        names = {node: f"n{number}" for number, node in enumerate(sorted(self.nodes))}
        lines = ["flowchart LR"]
        lines += [f'  {name}["{node.replace(chr(34), "#quot;")}"]' for node, name in names.items()]
        lines += [f"  {names[e.source]} {_ARROW[e.kind]} {names[e.target]}" for e in self.edges]
        return "\n".join(lines)

    def as_dict(self) -> JsonDict:
        """Plain lists, sorted, ready for JSON."""
        return {
            "nodes": [asdict(self.nodes[name]) for name in sorted(self.nodes)],
            "edges": [asdict(e) for e in sorted(self.edges, key=lambda e: (e.target, e.source, e.kind))],
            "unresolved": [list(pair) for pair in self.unresolved],
            "facts": dict(self.facts),
            "checksums": dict(self.checksums),
        }

    def _walk(self, start: str, depth: int | None, *, back: bool, columns: bool) -> LineageGraph:
        if start not in self.nodes:
            raise UnknownNodeError(f"No node {start!r} in the lineage.", hint=self._near(start))
        levels = {"any", "column" if columns or self.nodes[start].kind == "column" else "model"}
        steps: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            if edge.level in levels:
                steps[edge.target if back else edge.source].append(edge)
        seen, walked, queue = {start}, [], deque([(start, 0)])
        while queue:
            here, distance = queue.popleft()
            if depth is not None and distance >= depth:
                continue
            for edge in steps[here]:
                walked.append(edge)
                there = edge.source if back else edge.target
                if there not in seen:
                    seen.add(there)
                    queue.append((there, distance + 1))
        inside = [edge for edge in walked if edge.source in seen and edge.target in seen]
        return LineageGraph.of((self.nodes[name] for name in seen), inside)

    def _near(self, name: str) -> str:
        if name.partition(".")[0] in {"recommendation", "decision"}:
            return "`steelyard recommendation list` shows ids; the lineage of one names its decisions"
        bare = {node.partition(".")[2]: node for node in self.nodes}
        matches = near_misses(name, self.nodes)
        matches += [bare[b] for b in near_misses(name.partition(".")[2] or name, bare, 2)]
        return (
            f"Did you mean {' or '.join(dict.fromkeys(matches))}?"
            if matches
            else "see metric.…, model.…, column.…, source.…, model_version.…, recommendation.…, decision.…"
        )
