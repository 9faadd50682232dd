"""What semantic SQL may compute: the plain functions of a filter, refused in the words of SQL."""

from __future__ import annotations

from sqlglot import exp

from ..query.scalar import check_scalar

_HINT = "Compute with columns, constants, CASE and plain functions; rank and add up in the tool that asked."


def check_computed(node: exp.Expr, text: str) -> None:
    """Raises InvalidQueryError unless the expression only computes with values of its own row."""
    check_scalar(node, text, "expression", _HINT)
