"""Small constructors for the SQL expressions that plans are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlglot import exp

from .grains import DATE_PARTS, Window


def cast(value: exp.Expr, kind: exp.DType) -> exp.Expr:
    """`value` as another type; sqlglot's own function parses the type and copies the value each time."""
    if isinstance(value, exp.Cast) and value.to.this == kind:
        return value
    return exp.Cast(this=value, to=exp.DataType(this=kind))


def trunc(value: exp.Expr, grain: str) -> exp.Expr:
    """The start of the period of `grain` that holds `value`."""
    return exp.TimestampTrunc(this=value, unit=exp.var(grain.upper()))


def extract(value: exp.Expr, part: str) -> exp.Expr:
    """A date part as a number; `dow` counts from Monday = 1."""
    return exp.Extract(this=exp.var(DATE_PARTS[part]), expression=value)


def interval(window: Window) -> exp.Interval:
    """`INTERVAL n unit`; quarters are told as months, which every engine knows."""
    count, unit = (window.count * 3, "month") if window.grain == "quarter" else (window.count, window.grain)
    return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.var(unit.upper()))


def minus(value: exp.Expr, window: Window) -> exp.Expr:
    """A moment earlier by `window`."""
    return exp.Sub(this=value, expression=interval(window))


def plus(value: exp.Expr, window: Window) -> exp.Expr:
    """A moment later by `window`."""
    return exp.Add(this=value, expression=interval(window))


def moment(value: dt.datetime) -> exp.Expr:
    """A literal instant: a date where it is midnight, so that date columns compare as dates."""
    if value.time() == dt.time(0):
        return cast(exp.Literal.string(value.date().isoformat()), exp.DType.DATE)
    return cast(exp.Literal.string(value.isoformat(sep=" ")), exp.DType.TIMESTAMP)


def eq(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.EQ(this=left, expression=right)


def same(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Equal, or both NULL."""
    return exp.NullSafeEQ(this=left, expression=right)


def conjunction(conditions: Iterable[exp.Expr]) -> exp.Expr | None:
    """All of the conditions, or None where there are none."""
    listed = list(conditions)
    return exp.and_(*listed, copy=False) if listed else None


def ratio(numerator: exp.Expr, denominator: exp.Expr) -> exp.Expr:
    """A quotient in floating point; NULL where the denominator is zero."""
    safe = exp.func("NULLIF", denominator, exp.Literal.number(0))
    return exp.Div(this=cast(numerator, exp.DType.DOUBLE), expression=cast(safe, exp.DType.DOUBLE))


def coalesce(value: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=value, expressions=[other])


def number(value: int | float) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
