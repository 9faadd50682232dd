"""Expressions that answer for every row: what a value is must not be told by an error.

`CASE WHEN customer__age_band = '65+' THEN CAST('x' AS INTEGER) ELSE 1 END = 1` fails if somebody is that old
and answers if nobody is. With thresholds on groups, a reader's expression is NULL if it cannot be computed on
a row. Comparisons of a name with texts cannot fail on one row and not on another, and stay as they are.

    WHERE CAST(d.band AS INT) > 5  →  WHERE TRY(TRY_CAST(d.band AS INT) > 5)
"""

from __future__ import annotations

from sqlglot import exp

from .predicates import is_reference

_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren, exp.If)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike)


def is_total(node: exp.Expr) -> bool:
    """Whether an expression over placeholders cannot fail on some rows: comparisons with texts, say."""
    match node:
        case exp.Case() if node.this is None:
            answer = all(is_total(part) for part in node.iter_expressions())
        case _ if isinstance(node, _CONNECTORS):
            answer = all(is_total(part) for part in node.iter_expressions())
        case exp.In() | exp.Between() | exp.Is():
            answer = is_reference(node.this) and all(map(_is_text, _compared(node)))
        case exp.Binary() if isinstance(node, _COMPARISONS):
            of_part = isinstance(node.this, exp.Extract) and isinstance(node.expression, exp.Literal)
            answer = (
                _is_value(node.this) if of_part else is_reference(node.this) and _is_text(node.expression)
            )
        case _:
            answer = _is_value(node)
    return answer


def _compared(node: exp.Expr) -> list[exp.Expr]:
    return [part for part in node.iter_expressions() if part is not node.this]


def _is_value(node: exp.Expr) -> bool:
    """A name, a constant, or the part or period of a time."""
    if isinstance(node, exp.Extract):
        return is_reference(node.expression)
    if isinstance(node, exp.TimestampTrunc):
        return is_reference(node.this)
    return isinstance(node, (exp.Literal, exp.Boolean, exp.Null)) or is_reference(node)


def _is_text(node: exp.Expr) -> bool:
    """A text, a day or time written as one, or NULL: an error in it is the same whatever the rows hold."""
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        node = node.this
    return isinstance(node, exp.Null) or (isinstance(node, exp.Literal) and node.is_string)


def total(expression: exp.Expr) -> exp.Expr:
    """The expression, NULL on rows on which it cannot be computed."""
    return exp.Anonymous(this="TRY", expressions=[expression.transform(_try_cast, copy=False)])


def _try_cast(node: exp.Expr) -> exp.Expr:
    return exp.TryCast(**node.args) if type(node) is exp.Cast else node
