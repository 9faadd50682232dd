"""Write the lineage of one release."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from governance.errors import LineageError
from governance.json_types import JsonDict
from governance.lineage.built import built_tables, columns_of
from governance.lineage.columns import Tables
from governance.lineage.dbt_nodes import Manifest, metric_lineage, node_ids, table_lineage, table_name
from governance.lineage.graph import Edge, LineageGraph, Node
from governance.lineage.metric_columns import add_metric_columns
from governance.lineage.model_columns import add_model_columns, column_names
from governance.lineage.trace import ColumnTrace


@dataclass(frozen=True)
class SourceFile:
    """A file (or table of a database) that was landed into a contract's table."""

    label: str
    table: str
    batch_id: str


def build_lineage(
    release: Path, *, files: Iterable[SourceFile] = (), previous: Path | None = None
) -> LineageGraph:
    """From `manifest.json`, `semantic_manifest.json` and `warehouse.duckdb` in the folder.

    `files` were landed before the build. `previous` is another release's lineage.json: models that did not
    change since keep what was found then. Raises LineageError if a manifest cannot be read.
    """
    manifest, semantic = _read(release, "manifest.json"), _read(release, "semantic_manifest.json")
    tables = built_tables(manifest, release / "warehouse.duckdb")
    trace = ColumnTrace()
    checksums = add_model_columns(trace, manifest, tables, _earlier(previous))
    add_metric_columns(trace, semantic, tables)
    nodes, edges = table_lineage(manifest)
    metric_nodes, metric_edges = metric_lineage(semantic, node_ids(manifest))
    file_nodes, file_edges = _files(files, trace.edges)
    columns = [Node(name, "column", _label(name)) for name in column_names([*trace.edges, *file_edges])]
    return LineageGraph.of(
        [*nodes, *metric_nodes, *file_nodes, *columns],
        [*edges, *metric_edges, *file_edges, *trace.edges],
        trace.unresolved,
        _facts(manifest, tables, checksums, trace),
        checksums,
    )


def write_lineage(
    release: Path, *, files: Iterable[SourceFile] = (), previous: Path | None = None
) -> LineageGraph:
    """Build it and leave it in the release folder as `lineage.json`."""
    graph = build_lineage(release, files=files, previous=previous)
    graph.save(release / "lineage.json")
    return graph


def _read(release: Path, name: str) -> Manifest:
    try:
        return dict(json.loads((release / name).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise LineageError(f"The manifests of {release.name} cannot be read: {error}.") from error


def _earlier(path: Path | None) -> LineageGraph | None:
    """Another release's lineage; a missing or damaged one only costs the time to find everything anew."""
    try:
        return LineageGraph.load(path) if path is not None and path.exists() else None
    except LineageError:
        return None


def _files(files: Iterable[SourceFile], edges: Iterable[Edge]) -> tuple[list[Node], list[Edge]]:
    """Files lead to the landed table, and to each of its columns that anything reads."""
    read: dict[str, set[str]] = {}
    for name in column_names(edges):
        parts = name.split(".")
        if parts[0] == "column" and parts[1] == "landing":
            read.setdefault(parts[2], set()).add(name)
    nodes, out = [], []
    for file in files:
        node = Node(f"file.{file.label}", "file", f"batch {file.batch_id} of {file.table}")
        nodes.append(node)
        out.append(Edge(node.id, f"source.landing.{file.table}"))
        columns = sorted(read.get(file.table, ()))
        out += [Edge(node.id, column, level="column") for column in columns]
    return nodes, out


def _label(name: str) -> str:
    return "which rows there are" if name.startswith("rows.") else ""


def _facts(manifest: Manifest, tables: Tables, checksums: dict[str, str], trace: ColumnTrace) -> JsonDict:
    """Counts: columns of the traced models, the share of them with an origin, models taken over."""
    nodes = [n for n in manifest["nodes"].values() if table_name(n) in checksums]
    broken = {name.partition(".")[2] for name, _ in trace.unresolved if name.startswith("model.")}
    total = sum(len(columns_of(tables, node)) for node in nodes)
    lost = sum(1 for name, _ in trace.unresolved if name.startswith("column."))
    lost += sum(len(columns_of(tables, node)) for node in nodes if table_name(node) in broken)
    share = round(1 - lost / total, 4) if total else 0.0
    return {"columns": total, "resolved_share": share, "models_taken_over": trace.reused}
