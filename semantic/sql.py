"""Semantic SQL: the SELECT that BI tools write over `metrics`, onto the governed metric query."""

from __future__ import annotations

from .errors import UnsupportedError
from .layer import CompiledQuery, SemanticLayer
from .restriction import Restriction


def parse_semantic_sql(
    layer: SemanticLayer, sql: str, restriction: Restriction | None = None, dialect: str = "duckdb"
) -> CompiledQuery:
    """A SELECT over `metrics` as a compiled, governed query."""
    raise UnsupportedError("Semantic SQL is not supported yet.")
