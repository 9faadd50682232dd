"""A query after its names are resolved: what every part of planning works from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

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
    """A simple metric as some metric of the query needs it, with all filters. Equal ones share a column.

    Always one of its subclasses, which say how the measure becomes a value of each group.
    """

    simple: SimpleMetric
    filters: tuple[Predicate, ...] = ()
    offsets: tuple[Offset, ...] = ()
    """Outermost first."""
    inherited: tuple[Predicate, ...] = ()
    """Of a metric on a time spine: those of the filters that come from the metrics above it."""

    def shape(self) -> tuple[object, ...]:
        """Inputs with one shape can be computed by one scan."""
        measure = self.simple.measure
        return (
            type(self), measure.model, measure.agg_time, self.filters, self.offsets, measure.non_additive,
            self.simple.join_spine, measure.carry_forward_days, self.inherited,
        )  # fmt: skip

    @property
    def title(self) -> str:
        """The name of its column, unless that is taken."""
        return self.simple.name

    def as_simple(self) -> SimpleInput:
        """The same rows, aggregated by the keys of the query."""
        return SimpleInput(self.simple, self.filters, self.offsets, self.inherited)


@dataclass(frozen=True)
class SimpleInput(MetricInput):
    """Aggregated by the keys of the query."""


@dataclass(frozen=True)
class DaysInput(MetricInput):
    """The days of the period with data: keyed by time alone."""


@dataclass(frozen=True)
class CumulativeInput(MetricInput):
    """Accumulated over time."""

    how: Cumulative = field(kw_only=True)

    def shape(self) -> tuple[object, ...]:
        return (*super().shape(), self.how)


@dataclass(frozen=True)
class ConversionInput(MetricInput):
    """Conversions by the keys of the base events; `simple` is what is counted of the conversions."""

    how: Conversion = field(kw_only=True)

    def shape(self) -> tuple[object, ...]:
        return (*super().shape(), self.how)

    @property
    def title(self) -> str:
        return f"{self.simple.name}_converted"


Input_co = TypeVar("Input_co", bound=MetricInput, covariant=True)


@dataclass(frozen=True)
class ScanGroup(Generic[Input_co]):
    """Inputs of one shape, each with the name of its column: one scan of one fact computes them all."""

    columns: tuple[tuple[str, Input_co], ...]

    @property
    def first(self) -> Input_co:
        """What all of them have in common is read from the first."""
        return self.columns[0][1]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    def __iter__(self) -> Iterator[tuple[str, Input_co]]:
        return iter(self.columns)


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
