"""Metrics as expressions over leaves: ratios and derived metrics are unfolded, filters and shifts go down.

A filter on a metric reaches every leaf below it; offsets add up, the outermost first. Equal uses of a leaf
become one column, so that one scan serves all metrics of a query.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..ast.bind import rename
from ..ast.constructors import coalesce, number, ratio
from ..definitions.catalog import Input, Leaf, Measure, Metric
from ..errors import InvalidQueryError, UnsupportedError
from ..query.names import Names
from ..query.predicates import Predicate
from ..query.resolved import Ask, Offset, Use, shown_times
from .combine_outputs import MetricColumn
from .fact_scan import is_time_item


@dataclass(frozen=True)
class Around:
    """What the metrics above ask of a metric: their filters and shifts in time."""

    filters: tuple[Predicate, ...] = ()
    offsets: tuple[Offset, ...] = ()


@dataclass
class Expansion:
    """The leaves that some metrics need, by column name."""

    names: Names
    ask: Ask
    uses: dict[Use, str] = field(default_factory=dict)
    asked: str = ""
    """The output metric that is being unfolded, for messages."""

    def column(self, metric: Metric) -> MetricColumn:
        """An output column; the leaves that it needs are added to `uses`."""
        used: set[str] = set()
        self.asked = metric.name
        expr = self._metric(metric, Around(), used)
        invents = expr.find(exp.Coalesce, exp.Case, exp.If, exp.Is) is not None
        filled = metric.kind in ("simple", "cumulative")
        return MetricColumn(metric.name, expr, frozenset(used), invents and not filled)

    def _metric(self, metric: Metric, around: Around, used: set[str]) -> exp.Expr:
        inside = Around((*around.filters, *self._filters(metric.filters, metric)), around.offsets)
        if metric.conversion is not None:
            return self._conversion(metric, inside, used)
        if metric.leaf is not None:
            return self._leaf_metric(metric, metric.leaf, inside, used)
        if metric.kind == "ratio":
            top, bottom = (self._input(metric, i, inside, used) for i in metric.inputs)
            return ratio(top, bottom)
        inputs = {i.alias.lower(): i for i in metric.inputs}

        def value(name: str) -> exp.Expr | None:
            found = inputs.get(name.lower())
            return exp.paren(self._input(metric, found, inside, used), copy=False) if found else None

        return _unwrapped(rename(metric.expr, value))

    def _input(self, metric: Metric, used_input: Input, around: Around, used: set[str]) -> exp.Expr:
        offsets = around.offsets
        if used_input.offset_window is not None:
            offsets = (*offsets, used_input.offset_window)
        if used_input.offset_to_grain is not None:
            offsets = (*offsets, used_input.offset_to_grain)
        filters = (*around.filters, *self._filters(used_input.filters, metric))
        return self._metric(self.names.input(metric, used_input), Around(filters, offsets), used)

    def _leaf_metric(self, metric: Metric, leaf: Leaf, around: Around, used: set[str]) -> exp.Expr:
        filters = (*around.filters, *self._filters(leaf.filters, metric))
        over = leaf.measure.over_period
        above = around.filters if leaf.join_spine else ()
        one = Use(leaf, filters, around.offsets, metric.cumulative, is_days=over, above=above)
        total = self._use(one, used)
        if metric.kind != "period_mean":
            return total
        days = Use(self._days_leaf(leaf), filters, around.offsets, is_days=True)
        return ratio(total, self._use(days, used))

    def _conversion(self, metric: Metric, around: Around, used: set[str]) -> exp.Expr:
        how = metric.conversion
        if how is None:
            raise TypeError(f"{metric.name} is no conversion metric")
        filters = (*around.filters, *self._filters(how.base.filters, metric))
        converted = self._use(Use(how.conversion, filters, around.offsets, conversion=how), used)
        base = self._use(Use(how.base, filters, around.offsets), used)  # shows groups without conversions
        return converted if how.calculation == "conversions" else ratio(converted, base)

    def _use(self, use: Use, used: set[str]) -> exp.Expr:
        if use not in self.uses:
            self._needs_time(use)
            taken = {*self.uses.values(), *(i.name for i in self.ask.items)}
            first = use.leaf.name + ("_converted" if use.conversion else "")
            name, n = first, 1
            while name in taken:
                n += 1
                name = f"{first}_{n}"
            self.uses[use] = name
        name = self.uses[use]
        used.add(name)
        value: exp.Expr = exp.column(name)
        return value if use.leaf.fill is None else coalesce(value, number(use.leaf.fill))

    def _needs_time(self, use: Use) -> None:
        """Raises InvalidQueryError where a metric moves through time and the query shows no time."""
        how = use.cumulative
        if not use.offsets and (how is None or (how.window is None and how.grain_to_date is None)):
            return
        measure = use.leaf.measure
        model = self.names.catalog.models[measure.model]
        if not shown_times(self.ask.items, lambda i: is_time_item(i, model, measure.agg_time)):
            raise InvalidQueryError(
                f"{self.asked} looks over a stretch of time, so it needs metric_time in the group-by.",
                hint="Add metric_time__day or a coarser grain.",
            )

    def _days_leaf(self, leaf: Leaf) -> Leaf:
        """Counts the distinct instants with data of a leaf's fact."""
        measure = leaf.measure
        model = self.names.catalog.models[measure.model]
        if measure.agg_time is None or measure.agg_time not in model.dimensions:
            raise UnsupportedError(f"{leaf.name} has no time of aggregation, so no mean over days.")
        at = f"CAST({model.dimensions[measure.agg_time].expr} AS DATE)"
        counted = Measure(measure.model, "count_distinct", at, measure.agg_time, over_period=True)
        return Leaf(f"{leaf.name}_days", counted)

    def _filters(self, texts: tuple[str, ...], metric: Metric) -> tuple[Predicate, ...]:
        if not texts:
            return ()
        grains = self.names.grains([metric])
        return tuple(self.names.filter(text, grains, trusted=True) for text in texts)


def _unwrapped(expr: exp.Expr) -> exp.Expr:
    """Parentheses are needed only around operators."""

    def strip(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Paren) and isinstance(node.this, (exp.Column, exp.Func, exp.Paren)):
            return node.this
        return node

    return expr.transform(strip, copy=False)
