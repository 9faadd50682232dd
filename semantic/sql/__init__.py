"""Semantic SQL: the SELECT that people and BI tools write over `metrics`, onto the governed metric query.

    SELECT product__department, DATE_TRUNC('week', metric_time) AS week, MEASURE(net_sales)
    FROM metrics WHERE location__region = 'East' GROUP BY ALL HAVING MEASURE(net_sales) > 0 ORDER BY 3 DESC

The metrics are compiled as one governed query; what stands around them (aliases, arithmetic on measures,
HAVING, ORDER BY, LIMIT, a COUNT(*) over the whole) is computed on its answer. A name is the source column
in WHERE and GROUP BY and the output column in ORDER BY. Anything else is refused with what to write instead.
"""

from __future__ import annotations

from dataclasses import replace

from ..query.parse import QueryParser
from ..query.parsed import ParsedQuery
from .statement import query, statement


def read(sql: str, parser: QueryParser) -> ParsedQuery:
    """A SELECT over `metrics` as a parsed query.

    Raises InvalidQueryError or UnsupportedError (with what to write instead) for any other SQL.
    """
    return replace(query(parser, statement(sql, parser)), written=sql)


__all__ = ["read"]
