"""A query after its names are resolved: what every part of planning works from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlglot import exp

from ..ast.constructors import moment
from ..ast.grains import Window
from ..definitions.catalog import Conversion, Cumulative, SimpleMetric
from .predicates import Predicate
from .request import GroupByItem, MetricRef

Offset = Window | str
"""A shift in time: back by a window, or back to the start of a grain."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Metric time from `start` up to, not including, `end`. None is open."""

    start: dt.datetime | None
    end: dt.datetime | None

    def conditions(self, time: exp.Expr) -> list[exp.Expr]:
        parts: list[exp.Expr] = []
        if self.start is not None:
            parts.append(exp.GTE(this=time.copy(), expression=moment(self.start)))
        if self.end is not None:
            parts.append(exp.LT(this=time.copy(), expression=moment(self.end)))
        return parts


@dataclass(frozen=True)
class ResolvedQuery:
    """Group-by items with resolved grains, the query's own filters, and its time range."""

    items: tuple[GroupByItem, ...]
    filters: tuple[Predicate, ...] = ()
    time_range: TimeRange | None = None


@dataclass(frozen=True)
class MetricInput:
    """A simple metric as some metric of the query needs it: with all filters and offsets. Equal ones share
    a column.
    """

    simple: SimpleMetric
    filters: tuple[Predicate, ...] = ()
    offsets: tuple[Offset, ...] = ()
    """Outermost first."""
    cumulative: Cumulative | None = None
    conversion: Conversion | None = None
    is_days: bool = False
    """Counts the days of the period with data: keyed by time alone."""
    above: tuple[Predicate, ...] = ()
    """Of a metric on a time spine: those of the filters that come from the metrics above it."""

    def shape(self) -> tuple[object, ...]:
        """Inputs with one shape can be computed by one scan."""
        measure = self.simple.measure
        return (
            measure.model, measure.agg_time, self.filters, self.offsets, self.cumulative, self.conversion,
            self.is_days, measure.non_additive, self.simple.join_spine, measure.carry_forward_days,
            self.above,
        )  # fmt: skip


def time_only(predicate: Predicate, is_time: Callable[[GroupByItem], bool]) -> bool:
    """Whether a filter speaks of metric time alone."""
    return bool(predicate.refs) and all(not isinstance(r, MetricRef) and is_time(r) for r in predicate.refs)


def shown_times(
    items: Iterable[GroupByItem], is_time: Callable[[GroupByItem], bool]
) -> tuple[GroupByItem, ...]:
    """The times that items show: metric time itself, and what computed items compute from it."""
    times: dict[GroupByItem, None] = {}
    for item in items:
        inside = item.expression.items() if item.kind == "computed" else (item,)
        times.update(dict.fromkeys(i for i in inside if is_time(i)))
    return tuple(times)


def tells_period(item: GroupByItem, is_time: Callable[[GroupByItem], bool]) -> bool:
    """Whether an item tells periods apart: metric time, or computed from it."""
    return bool(shown_times((item,), is_time))


def of_time_alone(item: GroupByItem, is_time: Callable[[GroupByItem], bool]) -> bool:
    """Whether metric time decides the value of an item, so that a time spine can tell it."""
    return time_only(item.expression, is_time) if item.kind == "computed" else is_time(item)
