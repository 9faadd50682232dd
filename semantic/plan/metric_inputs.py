"""Metrics as expressions over their inputs: ratios and derived metrics are unfolded, filters go down.

A filter on a metric reaches every simple metric below it; offsets add up, the outermost first. Equal inputs
become one column, so that one scan serves all metrics of a query.

A price is sales by units, of the same rows:

    >>> sales = [("2024-01-30", "p1", 10), ("2024-01-31", "p2", 20), ("2024-02-01", "p3", 5)]
    >>> answer("price", "product__department", sales=sales)
    DRUG 5
    GROCERY 15
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..ast.bind import rename
from ..ast.constructors import coalesce, number, ratio
from ..definitions.catalog import Input, Measure, Metric, SimpleMetric
from ..errors import InvalidQueryError, UnsupportedError
from ..query.names import NameResolver
from ..query.predicates import Predicate
from ..query.resolved import (
    ConversionInput,
    CumulativeInput,
    DaysInput,
    MetricInput,
    Offset,
    ResolvedQuery,
    SimpleInput,
    shown_times,
)
from .combine_outputs import MetricColumn
from .fact_scan import is_time_item


@dataclass(frozen=True)
class InheritedFilters:
    """What the metrics above ask of a metric: their filters and shifts in time."""

    filters: tuple[Predicate, ...] = ()
    offsets: tuple[Offset, ...] = ()


@dataclass
class Expansion:
    """The inputs that some metrics need, by column name."""

    names: NameResolver
    query: ResolvedQuery
    inputs: dict[MetricInput, str] = field(default_factory=dict)
    output_metric: str = ""
    """The output metric that is being unfolded, for messages."""

    def column(self, metric: Metric) -> MetricColumn:
        """An output column; the inputs that it needs are added to `inputs`."""
        used: set[str] = set()
        self.output_metric = metric.name
        expr = self._metric(metric, InheritedFilters(), used)
        invents = expr.find(exp.Coalesce, exp.Case, exp.If, exp.Is) is not None
        filled = metric.kind in ("simple", "cumulative")
        return MetricColumn(metric.name, expr, frozenset(used), invents and not filled)

    def _metric(self, metric: Metric, inherited: InheritedFilters, used: set[str]) -> exp.Expr:
        inside = InheritedFilters(
            (*inherited.filters, *self._filters(metric.filters, metric)), inherited.offsets
        )
        if metric.conversion is not None:
            return self._conversion(metric, inside, used)
        if metric.simple is not None:
            return self._simple(metric, metric.simple, inside, used)
        if metric.kind == "ratio":
            top, bottom = (self._input(metric, i, inside, used) for i in metric.inputs)
            return ratio(top, bottom)
        inputs = {i.alias.lower(): i for i in metric.inputs}

        def value(name: str) -> exp.Expr | None:
            used_input = inputs.get(name.lower())
            return (
                exp.paren(self._input(metric, used_input, inside, used), copy=False) if used_input else None
            )

        return _unwrapped(rename(metric.expr, value))

    def _input(
        self, metric: Metric, used_input: Input, inherited: InheritedFilters, used: set[str]
    ) -> exp.Expr:
        offsets = inherited.offsets
        if used_input.offset_window is not None:
            offsets = (*offsets, used_input.offset_window)
        if used_input.offset_to_grain is not None:
            offsets = (*offsets, used_input.offset_to_grain)
        filters = (*inherited.filters, *self._filters(used_input.filters, metric))
        return self._metric(self.names.input(metric, used_input), InheritedFilters(filters, offsets), used)

    def _simple(
        self, metric: Metric, simple: SimpleMetric, inherited: InheritedFilters, used: set[str]
    ) -> exp.Expr:
        filters = (*inherited.filters, *self._filters(simple.filters, metric))
        above = inherited.filters if simple.join_spine else ()
        one: MetricInput = SimpleInput(simple, filters, inherited.offsets, above)
        if metric.cumulative is not None:
            one = CumulativeInput(simple, filters, inherited.offsets, above, how=metric.cumulative)
            self._needs_time(one)
        if simple.measure.over_period:
            one = DaysInput(simple, filters, inherited.offsets, above)
        total = self._add(one, used)
        if metric.kind != "period_mean":
            return total
        days = DaysInput(self._days_metric(simple), filters, inherited.offsets)
        return ratio(total, self._add(days, used))

    def _conversion(self, metric: Metric, inherited: InheritedFilters, used: set[str]) -> exp.Expr:
        how = metric.conversion
        if how is None:
            raise TypeError(f"{metric.name} is no conversion metric")
        filters = (*inherited.filters, *self._filters(how.base.filters, metric))
        converted = self._add(ConversionInput(how.conversion, filters, inherited.offsets, how=how), used)
        shows_groups_without = SimpleInput(how.base, filters, inherited.offsets)
        base = self._add(shows_groups_without, used)
        return converted if how.calculation == "conversions" else ratio(converted, base)

    def _add(self, metric_input: MetricInput, used: set[str]) -> exp.Expr:
        if metric_input not in self.inputs:
            self._needs_time(metric_input)
            taken = {*self.inputs.values(), *(i.name for i in self.query.items)}
            name, n = metric_input.title, 1
            while name in taken:
                n += 1
                name = f"{metric_input.title}_{n}"
            self.inputs[metric_input] = name
        name = self.inputs[metric_input]
        used.add(name)
        value: exp.Expr = exp.column(name)
        return (
            value if metric_input.simple.fill is None else coalesce(value, number(metric_input.simple.fill))
        )

    def _needs_time(self, metric_input: MetricInput) -> None:
        """Raises InvalidQueryError where a metric moves through time and the query shows no time."""
        how = metric_input.how if isinstance(metric_input, CumulativeInput) else None
        if not metric_input.offsets and (how is None or (how.window is None and how.grain_to_date is None)):
            return
        measure = metric_input.simple.measure
        model = self.names.catalog.models[measure.model]
        if not shown_times(self.query.items, lambda i: is_time_item(i, model, measure.agg_time)):
            raise InvalidQueryError(
                f"{self.output_metric} looks over a stretch of time and needs metric_time in the group-by.",
                hint="Add metric_time__day or a coarser grain.",
            )

    def _days_metric(self, simple: SimpleMetric) -> SimpleMetric:
        """Counts the distinct instants with data of a simple metric's fact."""
        measure = simple.measure
        model = self.names.catalog.models[measure.model]
        if measure.agg_time is None or measure.agg_time not in model.dimensions:
            raise UnsupportedError(f"{simple.name} has no time of aggregation, so no mean over days.")
        at = f"CAST({model.dimensions[measure.agg_time].expr} AS DATE)"
        counted = Measure(measure.model, "count_distinct", at, measure.agg_time, over_period=True)
        return SimpleMetric(f"{simple.name}_days", counted)

    def _filters(self, texts: tuple[str, ...], metric: Metric) -> tuple[Predicate, ...]:
        if not texts:
            return ()
        grains = self.names.grains([metric])
        return tuple(self.names.defined(text, grains) for text in texts)


def _unwrapped(expr: exp.Expr) -> exp.Expr:
    """Parentheses are needed only around operators."""

    def strip(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Paren) and isinstance(node.this, (exp.Column, exp.Func, exp.Paren)):
            return node.this
        return node

    return expr.transform(strip, copy=False)
