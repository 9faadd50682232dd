"""Column lineage of the built models, one model at a time; an unchanged model keeps what was found before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib import metadata

from governance.errors import LineageError
from governance.lineage.built import columns_of, with_named_sources
from governance.lineage.columns import Tables, query_lineage
from governance.lineage.dbt_nodes import Manifest, node_ids, table_name
from governance.lineage.graph import Edge, LineageGraph
from governance.lineage.trace import ColumnTrace

_METHOD = "1"  # rises with the code below, so that nothing found by an older method is kept


def add_model_columns(
    trace: ColumnTrace, manifest: Manifest, tables: Tables, previous: LineageGraph | None
) -> dict[str, str]:
    """Add the columns of every model; answers the models' checksums, which the next release compares.

    A checksum covers the compiled SQL and the columns of what it reads: equal ones, equal lineage. Rows that
    a model keeps are one node, `rows.<model>`, on which its columns depend indirectly.
    """
    checksums = {}
    before = _Previous(previous)
    for uid, name in node_ids(manifest).items():
        node = manifest["nodes"].get(uid)
        if node is None or not node.get("compiled_code"):
            continue
        model = name.partition(".")[2]
        checksums[model] = _checksum(node, manifest, tables)
        earlier = before.part(model, checksums[model])
        if earlier is None:
            _trace(trace, model, with_named_sources(node["compiled_code"], manifest), tables)
        else:
            trace.add(*earlier)
            trace.reused += 1
    return checksums


def _trace(trace: ColumnTrace, model: str, sql: str, tables: Tables) -> None:
    try:
        traced = query_lineage(sql, tables)
    except LineageError as error:
        trace.add([], [(f"model.{model}", str(error))])
        return
    edges, lost = [], []
    for name, origins in traced.outputs.items():
        target = f"column.{model}.{name}"
        edges.append(Edge(f"rows.{model}", target, "indirect", "column"))
        edges += [Edge(origin, target, "direct", "column") for origin in sorted(origins)]
        if name in traced.lost:
            lost.append((target, "no origin was found for a column that is not constant"))
    edges += [Edge(name, f"rows.{model}", "indirect", "column") for name in sorted(traced.deciding)]
    trace.add(edges, lost)


def _checksum(node: Manifest, manifest: Manifest, tables: Tables) -> str:
    parents = [manifest["nodes"].get(uid) for uid in node["depends_on"]["nodes"]]
    read = sorted(
        f"{table_name(parent)}({','.join(sorted(columns_of(tables, parent)))})"
        for parent in parents
        if parent
    )
    sources = sorted(
        f"{uid}({','.join(sorted(manifest['sources'][uid].get('columns') or ()))})"
        for uid in node["depends_on"]["nodes"]
        if uid in manifest["sources"]
    )
    sql = with_named_sources(node["compiled_code"], manifest)
    text = "\0".join([_METHOD, metadata.version("sqlglot"), sql, *read, *sources])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class _Previous:
    """What an earlier release found, by model."""

    def __init__(self, graph: LineageGraph | None) -> None:
        self._checksums = dict(graph.checksums) if graph else {}
        self._edges: dict[str, list[Edge]] = {}
        for edge in graph.edges if graph else ():
            for model in _owner(edge.target):
                self._edges.setdefault(model, []).append(edge)
        self._lost = {pair[0] for pair in graph.unresolved} if graph else set()

    def part(self, model: str, checksum: str) -> tuple[list[Edge], list[tuple[str, str]]] | None:
        """Edges and losses of a model whose checksum did not change; one with losses is traced again."""
        if self._checksums.get(model) != checksum or model in self._lost_models():
            return None
        return self._edges.get(model, []), []

    def _lost_models(self) -> set[str]:
        return {name.split(".")[1] for name in self._lost}


def _owner(target: str) -> Iterator[str]:
    kind, _, rest = target.partition(".")
    if kind == "rows":
        yield rest
    elif kind == "column" and rest.count(".") == 1:  # sources have two dots
        yield rest.partition(".")[0]


def column_names(edges: Iterable[Edge]) -> list[str]:
    """Columns and row sets that the edges touch."""
    touched = {name for edge in edges for name in (edge.source, edge.target)}
    return sorted(name for name in touched if name.startswith(("column.", "rows.")))
