"""The metric compiler: dbt's semantic manifest and a query in, governed SQL out.

Data flows down one pipe: manifest → catalog → query → plan → rules → render → engine.

SemanticLayer   all metrics of one manifest: list, compile, explain
MetricQuery     metrics, group-by, filters, order, limit, time constraint
CompiledQuery   SQL of any dialect with its columns and lineage
Restriction     what a reader may not see: RowRule, hidden and masked names, SmallestGroup
Engine          runs compiled queries on a locked, read-only DuckDB release, Arrow out
check_rollups   whether the rollups of a warehouse equal their facts; check_next_counts likewise
parse_semantic_sql  the SQL that BI tools write, onto the same query
"""

from .checks import check_next_counts, check_rollups
from .definitions.restriction import NO_RESTRICTION, Restriction, RowRule, SmallestGroup
from .engine import Engine
from .layer import CompiledQuery, Lineage, OutputColumn, SemanticLayer
from .query.request import MetricQuery
from .rules import Statistics
from .sql import parse_semantic_sql

__all__ = [
    "NO_RESTRICTION",
    "CompiledQuery",
    "Engine",
    "Lineage",
    "MetricQuery",
    "OutputColumn",
    "Restriction",
    "RowRule",
    "SemanticLayer",
    "SmallestGroup",
    "Statistics",
    "check_next_counts",
    "check_rollups",
    "parse_semantic_sql",
]
