"""Columns behind a metric: those that the SQL reads which the compiler writes for it."""

from __future__ import annotations

from governance.errors import LineageError
from governance.lineage.columns import Tables, query_lineage
from governance.lineage.dbt_nodes import Manifest
from governance.lineage.graph import Edge
from governance.lineage.trace import ColumnTrace
from semantic import MetricQuery, SemanticLayer
from semantic.errors import SteelyardError


def add_metric_columns(trace: ColumnTrace, semantic: Manifest, tables: Tables) -> None:
    """Add, for every metric that aggregates a table itself, its columns and the rows of the tables it reads.

    A ratio or derived metric reads other metrics, which the graph holds already; one whose inputs carry
    filters of their own is traced as well, since the filters are nowhere else.
    """
    layer = SemanticLayer.from_dict(dict(semantic))
    for metric in layer.catalog.metrics.values():
        filtered = metric.filters or any(part.filters for part in metric.inputs)
        if metric.simple is None and metric.conversion is None and not filtered:
            continue
        target = f"metric.{metric.name}"
        try:
            traced = query_lineage(_sql(layer, metric.name), tables)
        except (LineageError, SteelyardError) as error:
            trace.add([], [(target, str(error))])
            continue
        direct = traced.outputs.get(metric.name, frozenset())
        edges = [Edge(name, target, "direct", "column") for name in sorted(direct)]
        edges += [Edge(name, target, "indirect", "column") for name in sorted(traced.deciding - direct)]
        rows = sorted({f"rows.{name.split('.')[1]}" for name in traced.read if name.count(".") == 2})
        edges += [Edge(name, target, "indirect", "column") for name in rows]
        lost = [(target, "no origin was found for its value")] if metric.name in traced.lost else []
        trace.add(edges, lost)


def _sql(layer: SemanticLayer, metric: str) -> str:
    """The metric in total, or by day if it means nothing without time."""
    try:
        return layer.compile(MetricQuery([metric])).sql
    except SteelyardError:
        return layer.compile(MetricQuery([metric], group_by=["metric_time__day"])).sql
