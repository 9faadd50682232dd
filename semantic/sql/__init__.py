"""Semantic SQL: the SELECT that people and BI tools write over `metrics`, onto the governed metric query.

    SELECT product__department, DATE_TRUNC('week', metric_time) AS week, MEASURE(net_sales)
    FROM metrics WHERE location__region = 'East' GROUP BY ALL HAVING MEASURE(net_sales) > 0 ORDER BY 3 DESC

The metrics are compiled as one governed query; what stands around them (aliases, arithmetic on measures,
HAVING, ORDER BY, LIMIT, a COUNT(*) over the whole) is computed on its answer. A name is the source column
in WHERE and GROUP BY and the output column in ORDER BY. Anything else is refused with what to write instead.
"""

from __future__ import annotations

from dataclasses import replace

from ..definitions.restriction import Restriction
from ..layer import CompiledQuery, SemanticLayer
from .statement import query, statement


def parse_semantic_sql(
    layer: SemanticLayer, sql: str, restriction: Restriction | None = None, dialect: str = "duckdb"
) -> CompiledQuery:
    """A SELECT over `metrics` as a compiled, governed query.

    Raises InvalidQueryError or UnsupportedError (with what to write instead) for any other SQL, and what
    SemanticLayer.compile raises for unknown names.
    """
    select = statement(sql)
    tree, compiled = query(layer, select, restriction)
    return replace(compiled, sql=tree.sql(dialect=dialect, pretty=True), dialect=dialect)


__all__ = ["parse_semantic_sql"]
