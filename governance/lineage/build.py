"""Write the lineage of one release."""

from __future__ import annotations

import json
from pathlib import Path

from governance.errors import LineageError
from governance.lineage.columns import column_lineage
from governance.lineage.dbt_nodes import metric_lineage, node_ids, table_lineage
from governance.lineage.graph import LineageGraph


def build_lineage(release: Path) -> LineageGraph:
    """From `manifest.json`, `semantic_manifest.json` and, for columns, `warehouse.duckdb` in the folder."""
    try:
        manifest = json.loads((release / "manifest.json").read_text())
        semantic = json.loads((release / "semantic_manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise LineageError(f"the manifests of {release.name} cannot be read: {error}") from error
    nodes, edges = table_lineage(manifest)
    metric_nodes, metric_edges = metric_lineage(semantic, node_ids(manifest))
    columns = column_lineage(manifest, semantic, release / "warehouse.duckdb")
    return LineageGraph.of(
        [*nodes, *metric_nodes, *columns.nodes],
        [*edges, *metric_edges, *columns.edges],
        columns.unresolved,
        columns.facts,
    )


def write_lineage(release: Path) -> None:
    """Build it and leave it in the release folder as `lineage.json`."""
    build_lineage(release).save(release / "lineage.json")
