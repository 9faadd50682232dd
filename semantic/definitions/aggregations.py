"""SQL aggregates of dbt's aggregation types."""

from __future__ import annotations

from sqlglot import exp

from ..ast.constructors import cast, coalesce, number
from ..errors import UnsupportedError
from .catalog import Measure

DECOMPOSABLE = {"sum": "SUM", "sum_boolean": "SUM", "count": "SUM", "min": "MIN", "max": "MAX"}
"""Aggregations of which partial results can be aggregated again, and how."""


def aggregate(measure: Measure, value: exp.Expr) -> exp.Expr:  # noqa: PLR0911 - one case an aggregation
    """The aggregate of `value` over a group. NULLs are ignored; no value at all gives NULL (counts: 0)."""
    match measure.agg:
        case "sum":
            return exp.Sum(this=value)
        case "sum_boolean":
            return exp.Sum(this=exp.Case().when(value, "1", copy=False).else_("0", copy=False))
        case "count":
            return exp.Count(this=value)
        case "count_distinct":
            return exp.Count(this=exp.Distinct(expressions=[value]))
        case "average":
            return exp.Avg(this=value)
        case "min":
            return exp.Min(this=value)
        case "max":
            return exp.Max(this=value)
        case "median":
            return _percentile(value, 0.5, discrete=False, approximate=False)
        case "percentile":
            return _percentile(
                value, measure.percentile or 0.5, discrete=measure.discrete, approximate=measure.approximate
            )
    raise UnsupportedError(f"The aggregation {measure.agg} of model {measure.model} is not supported.")


def reaggregate(measure: Measure, partial: exp.Expr) -> exp.Expr:
    """The aggregate of partial aggregates. Only for DECOMPOSABLE measures."""
    return {"SUM": exp.Sum, "MIN": exp.Min, "MAX": exp.Max}[DECOMPOSABLE[measure.agg]](this=partial)


def sum_of_counts(partial: exp.Expr) -> exp.Expr:
    """A count from partial counts: a whole number as a count is, and 0 where there are no rows."""
    return cast(coalesce(exp.Sum(this=partial), exp.Literal.number(0)), exp.DType.BIGINT)


def _percentile(value: exp.Expr, fraction: float, *, discrete: bool, approximate: bool) -> exp.Expr:
    if approximate:
        return exp.ApproxQuantile(this=value, quantile=number(fraction))
    kind = exp.PercentileDisc if discrete else exp.PercentileCont
    return exp.WithinGroup(
        this=kind(this=number(fraction)), expression=exp.Order(expressions=[exp.Ordered(this=value)])
    )
