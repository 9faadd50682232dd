"""The metric compiler: dbt's semantic manifest and a query in, governed SQL out.

Data flows down one pipe: definitions → query → plan → rules → SQL → engine.

SemanticLayer   all metrics of one manifest: list, compile, explain
ParsedQuery     a query with all its names read, for policy and planning
MetricQuery     metrics, group-by, filters, order, limit, time constraint
CompiledQuery   SQL of any dialect with its columns and lineage
Restriction     what a reader may not see: RowRule, hidden and masked names, MinimumGroup
Engine          runs compiled queries on a locked, read-only DuckDB release, Arrow out
check_rollups   whether the rollups of a warehouse equal their facts; check_next_snapshots likewise
find_duplicate_keys  which keys that joins rely on the data hold twice
metric_needs    the tables and columns without which a metric is empty
parse_semantic_sql  the SQL that BI tools write, onto the same query
"""

from .checks import check_next_snapshots, check_rollups, find_duplicate_keys
from .definitions.needs import metric_needs
from .definitions.restriction import NO_RESTRICTION, MinimumGroup, Restriction, RowRule
from .definitions.used_name import UsedName
from .engine import Engine
from .layer import SemanticLayer, parse_semantic_sql
from .plan.compiled import CompiledQuery, Lineage, OutputColumn
from .query.parsed import ParsedQuery
from .query.request import MetricQuery
from .rules import Statistics

__all__ = [
    "NO_RESTRICTION",
    "CompiledQuery",
    "Engine",
    "Lineage",
    "MetricQuery",
    "MinimumGroup",
    "OutputColumn",
    "ParsedQuery",
    "Restriction",
    "RowRule",
    "SemanticLayer",
    "Statistics",
    "UsedName",
    "check_next_snapshots",
    "check_rollups",
    "find_duplicate_keys",
    "metric_needs",
    "parse_semantic_sql",
]
