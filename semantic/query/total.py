"""Expressions that answer for every row: what a value is must not be told by an error.

`CASE WHEN customer__age_band = '65+' THEN CAST('x' AS INTEGER) ELSE 1 END = 1` fails if somebody is that
old and answers if nobody is; so does `customer__age_band = '65+' AND metric_time > '2024-13-45'`: the engine
reads the day only if some row asks for it. With thresholds on groups, a reader's expression is NULL if it
cannot be computed on a row. Comparisons that cannot fail on any row stay as they are: of text with text, and
of time with days and instants that exist.

    WHERE CAST(d.band AS INT) > 5  →  WHERE TRY(TRY_CAST(TRY_CAST(d.band AS INT) > 5 AS BOOLEAN))
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from sqlglot import exp

from .predicates import Predicate, is_reference, reference_of
from .request import GroupByItem, MetricRef

Kind = Callable[[GroupByItem | MetricRef], str]
"""What a reference surely holds: 'text', 'time', or nothing that is known."""

TEXT, TIME = "text", "time"
_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_LIKE = (exp.Like, exp.ILike)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d)?")


def is_total_condition(predicate: Predicate, kind: Kind) -> bool:
    """Whether a condition is surely a truth value or NULL on every row."""
    return _is_condition(predicate.condition, lambda node: kind(reference_of(predicate, node)))


def is_total_value(predicate: Predicate) -> bool:
    """Whether an expression is a name alone, or a period or part of one, so that it cannot fail on a row."""
    node = predicate.condition
    inside = node.this if isinstance(node, exp.TimestampTrunc) else node
    return is_reference(inside.expression if isinstance(inside, exp.Extract) else inside)


def _is_condition(node: exp.Expr, kind: Callable[[exp.Expr], str]) -> bool:
    """`kind` is that of a node which is a reference."""
    if isinstance(node, _CONNECTORS):
        return all(_is_condition(part, kind) for part in node.iter_expressions())
    period = node.this.this if isinstance(node.this, exp.TimestampTrunc) else node.this
    if not isinstance(period, exp.Expr) or not is_reference(period):
        return False
    holds, compared = kind(period), [part for part in node.iter_expressions() if part is not node.this]
    if isinstance(node, exp.Is):
        return isinstance(node.expression, exp.Null)
    if holds == TIME:
        return isinstance(node, (exp.In, exp.Between, *_COMPARISONS)) and all(map(_is_instant, compared))
    if holds != TEXT or period is not node.this:
        return False
    comparable = (exp.In, exp.Between, *_COMPARISONS, *_LIKE)
    return isinstance(node, comparable) and all(map(_is_text, compared))


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Null) or (isinstance(node, exp.Literal) and node.is_string)


def _is_instant(node: exp.Expr) -> bool:
    """A day or instant that exists, written as text, or NULL."""
    if type(node) is exp.Cast and node.to.this in (exp.DType.DATE, exp.DType.TIMESTAMP):
        node = node.this
    if not _is_text(node):
        return False
    if isinstance(node, exp.Null):
        return True
    try:
        return bool(_INSTANT.fullmatch(node.name)) and bool(dt.datetime.fromisoformat(node.name))
    except ValueError:
        return False


def total(expression: exp.Expr) -> exp.Expr:
    """The expression, NULL on rows on which it cannot be computed."""
    return exp.Anonymous(this="TRY", expressions=[expression.transform(_try_cast, copy=False)])


def total_condition(expression: exp.Expr) -> exp.Expr:
    """A condition, NULL on rows on which it cannot be computed or has no truth value."""
    truth = exp.DataType(this=exp.DType.BOOLEAN)
    return total(exp.TryCast(this=exp.paren(expression, copy=False), to=truth))


def _try_cast(node: exp.Expr) -> exp.Expr:
    return exp.TryCast(**node.args) if type(node) is exp.Cast else node
