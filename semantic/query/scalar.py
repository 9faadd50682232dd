"""What a filter of a query may say: one condition over the values of its own row, nothing else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import available_timezones

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..ast.bind import without_positions
from ..ast.grains import RANK
from ..errors import InvalidQueryError
from .sizes import too_much
from .time_arithmetic import plain_time_arithmetic

DEEPEST = 400
LONG_CHAIN = 16
FILTER_HINT = "Write for instance {{ Dimension('product__department') }} = 'GROCERY'."
_SAFE_NODES = """
Column Identifier Literal Null Boolean Paren Tuple Interval Var DataType DataTypeParam EQ NEQ GT GTE
LT LTE NullSafeEQ NullSafeNEQ Is In Between Like ILike Escape And Or Xor Not Add Sub Mul Div Mod
IntDiv Neg DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot AtTimeZone
"""
SAFE_NODES = frozenset(_SAFE_NODES.split())
"""Operators and values."""

_SAFE_CALLS = """
Abs Case If Coalesce Nullif Cast TryCast Lower Upper Initcap Trim Length Substring StrPosition
Concat ConcatWs DPipe SafeDPipe Contains StartsWith EndsWith Left Right Replace Pad Reverse
RegexpLike RegexpILike RegexpReplace RegexpExtract Round Ceil Floor Sign Sqrt Pow Exp Ln Log Mod
IntDiv SafeDivide Greatest Least DateTrunc TimestampTrunc Extract Date DateAdd DateSub DateDiff
TimestampAdd TimestampSub TimestampDiff TsOrDsToDate TsOrDsToTimestamp StrToDate StrToTime TimeToStr Timestamp
Year Quarter Month Week WeekOfYear Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Hour Minute
Second MonthName DayName LastDay Exists IsNan IsInf Ascii Chr Levenshtein Split SplitPart Anonymous
Array
"""
SAFE_CALLS = frozenset(_SAFE_CALLS.split())
"""Functions of plain values."""

SAFE_FUNCTIONS = frozenset({"len", "strlen", "contains", "prefix", "suffix", "isfinite"})
"""Functions that sqlglot has no class for."""

_SAFE_DATA_TYPES = """
BIGINT BOOLEAN CHAR DATE DATETIME DECIMAL DOUBLE FLOAT INT INTERVAL NCHAR NVARCHAR SMALLINT TEXT
TIME TIMESTAMP TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMPTZ TIMESTAMP_MS TIMESTAMP_NS TIMESTAMP_S TINYINT
VARCHAR
"""
SAFE_DATA_TYPES = frozenset(_SAFE_DATA_TYPES.split())
"""What a filter may cast to."""


def parse_condition(source: str, text: str) -> exp.Expr:
    """One SQL expression, or InvalidQueryError."""
    return _condition(source, text).copy()


@lru_cache(maxsize=4096)
def _condition(source: str, text: str) -> exp.Expr:
    try:
        statements = sqlglot.parse(f"SELECT ({source}\n)", dialect="duckdb")
    except (SqlglotError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise InvalidQueryError(
            f"The filter {text!r:.200} is not a valid condition.", hint=FILTER_HINT
        ) from error
    check_depth([s for s in statements if s is not None])
    select = statements[0] if len(statements) == 1 else None
    if isinstance(select, exp.Select) and len(select.expressions) == 1:
        inner = select.expressions[0]
        alone = not any(v for k, v in select.args.items() if k not in ("expressions", "kind"))
        if alone and isinstance(inner, exp.Paren) and isinstance(inner.this, exp.Condition):
            condition: exp.Expr = plain_time_arithmetic(inner.this.pop())
            return balanced(without_positions(condition))
    raise InvalidQueryError(f"The filter {text!r:.200} is not a valid condition.", hint=FILTER_HINT)


_DAY, _TIME = r"\s*\d{4}[-/\\ ]\d{1,2}[-/\\ ]\d{1,2}", r"[T ]\s*\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?\s*"
INSTANT = re.compile(_DAY + _TIME, re.I)
"""A text that is a time of day on some day."""
INSTANT_WITH_ZONE = re.compile(_DAY + _TIME + r"[a-z+-].*", re.I | re.S)
"""A text that is an instant with a time zone, which a comparison with a local time would cut off."""
_UNITS = frozenset(RANK) | {"decade", "century", "millennium", "day", "week"}
_ZONED = frozenset({exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ})
_TIMES = frozenset(
    {
        exp.DType.DATE, exp.DType.DATETIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ,
        exp.DType.TIMESTAMP_S, exp.DType.TIMESTAMP_MS, exp.DType.TIMESTAMP_NS,
    }
)  # fmt: skip


def _check_zone(literal: exp.Literal, text: str) -> None:
    kind = literal.parent.to.this if isinstance(literal.parent, exp.Cast) else None
    if literal.is_string and kind not in _ZONED and INSTANT_WITH_ZONE.fullmatch(literal.name):
        raise InvalidQueryError(
            f"The filter {text!r:.200} compares with {literal.name}, which has a time zone.",
            hint="Write the retailer's own time without a zone; TIMESTAMPTZ '…' is converted to it.",
        )


def _check_written_out(cast: exp.Cast, text: str) -> None:
    """A time that is put together from texts could hide a zone in them."""
    if cast.to.this not in _TIMES or isinstance(cast.this, exp.Literal) or cast.find(exp.Column) is not None:
        return
    if any(literal.is_string for literal in cast.this.find_all(exp.Literal)) and isinstance(
        cast.this, (exp.Concat, exp.DPipe, exp.ConcatWs, exp.Replace, exp.Paren)
    ):
        raise InvalidQueryError(
            f"The filter {text!r:.200} puts a time together from texts.", hint="Write it as one text."
        )


def _check_names_of_time(node: exp.Interval | exp.AtTimeZone, what: str, text: str) -> None:
    """Units and zones that the engine would only refuse as its own fault."""
    unit = node.text("unit").lower().removesuffix("s") if isinstance(node, exp.Interval) else ""
    if unit and unit not in _UNITS:
        raise InvalidQueryError(
            f"The {what} {text!r:.200} counts in {unit!r:.40}, which is not a unit of time.",
            hint="Write for instance INTERVAL 7 DAY.",
        )
    zone = node.args.get("zone") if isinstance(node, exp.AtTimeZone) else None
    if zone is not None and (not isinstance(zone, exp.Literal) or zone.name not in available_timezones()):
        raise InvalidQueryError(
            f"The {what} {text!r:.200} names no time zone that is known.",
            hint="Write for instance 'Europe/Paris'.",
        )


def check_depth(trees: Iterable[exp.Expr]) -> None:
    """Raises InvalidQueryError if expressions are nested deeper than the engines behind us accept.

    A chain of AND, or of OR, is one level however long it is.
    """
    level = list(trees)
    for _ in range(DEEPEST):
        level = [child for node in level for child in _inside(node)]
        if not level:
            return
    raise InvalidQueryError(
        f"The expression is nested more than {DEEPEST} deep.", hint="Write IN (…) for long lists of values."
    )


def balanced(tree: exp.Expr) -> exp.Expr:
    """The same conditions with long chains of AND, or of OR, as trees of little depth.

    Walking them never ends in a recursion too deep, and their SQL is the same.
    """
    for node in list(tree.find_all(exp.And, exp.Or)):
        if isinstance(node.parent, type(node)):
            continue
        operands = list(node.flatten(unnest=False))
        if len(operands) <= LONG_CHAIN:
            continue
        while len(operands) > 1:
            pairs = itertools.zip_longest(operands[::2], operands[1::2])
            operands = [a if b is None else type(node)(this=a, expression=b) for a, b in pairs]
        if node is tree:
            return operands[0]
        node.replace(operands[0])
    return tree


def _inside(node: exp.Expr) -> Iterable[exp.Expr]:
    return node.flatten() if isinstance(node, (exp.And, exp.Or)) else node.iter_expressions()


def check_scalar(condition: exp.Expr, text: str, what: str = "filter", hint: str = FILTER_HINT) -> None:
    """Raises InvalidQueryError unless the expression only computes with values of its own row.

    `what` the expression is, and what to write instead, go into the refusal.
    """
    for node in condition.walk():
        if isinstance(node, exp.Literal):
            _check_zone(node, text)
        if isinstance(node, exp.Cast):
            _check_written_out(node, text)
        if isinstance(node, (exp.Interval, exp.AtTimeZone)):
            _check_names_of_time(node, what, text)
        kind = type(node).__name__
        if isinstance(node, exp.Anonymous) and node.name.lower() not in SAFE_FUNCTIONS:
            raise InvalidQueryError(
                f"The {what} {text!r:.200} calls the unknown function {node.name!r:.80}.", hint=hint
            )
        if kind not in SAFE_NODES and kind not in SAFE_CALLS:
            part = f"calls {node.sql_name()}" if isinstance(node, exp.Func) else f"holds {kind.lower()}"
            raise InvalidQueryError(f"The {what} {text!r:.200} {part}, which it cannot.", hint=hint)
        if isinstance(node, exp.DataType) and getattr(node.this, "name", "") not in SAFE_DATA_TYPES:
            raise InvalidQueryError(
                f"The {what} {text!r:.200} casts to the unknown type {node.sql()!r}.", hint=hint
            )
    if reason := too_much(condition):
        raise InvalidQueryError(f"The {what} {text!r:.200} {reason}.", hint=hint)
