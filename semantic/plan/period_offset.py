"""Offsets of whole periods: aggregate as recorded, then relabel the groups instead of the rows.

Where every shown period moves onto another whole period (days by days, weeks by 28 days, months by a year)
the aggregate of a period can be shown under its later label. One aggregate then serves the metric and all of
its offsets, for any aggregation.

    >>> sales = [("2024-01-15", "p1", 10), ("2024-02-20", "p1", 25)]
    >>> answer("sales_growth", "metric_time__month", sales=sales)
    2024-01-01 None
    2024-02-01 15
    2024-03-01 None
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlglot import exp

from ..ast.bind import column
from ..ast.constructors import plus
from ..ast.grains import CALENDAR_UNITS, RANK, Window, floor
from ..query.request import GroupByItem
from ..query.resolved import MetricInput, Offset, ResolvedQuery, SimpleInput, TimeRange, time_only
from .aggregate import model_of
from .builder import PlanBuilder
from .fact_scan import is_time_item
from .nodes import Column, Ref, Select, Source
from .time_offset import MONTHS, last_instant, spine_grain

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
LABELLED = "period"


def shifts_whole_periods(builder: PlanBuilder, query: ResolvedQuery, metric_input: MetricInput) -> bool:
    """Whether the offsets of an input move whole shown periods onto whole periods."""
    measure = metric_input.simple.measure
    if not isinstance(metric_input, SimpleInput) or measure.carry_forward_days is not None:
        return False
    model, agg_time = model_of(builder, metric_input), measure.agg_time

    def is_time(item: GroupByItem) -> bool:
        return is_time_item(item, model, agg_time)

    time_keys = [i for i in query.items if is_time(i)]
    if not time_keys or any(
        i.kind == "computed" and any(map(is_time, i.expression.items())) for i in query.items
    ):
        return False
    predicates = (*metric_input.filters, *query.filters)
    if any(time_only(p, is_time) or any(map(is_time, p.items())) for p in predicates):
        return False
    if not all(_covers(query.time_range, i.grain) for i in time_keys):
        return False
    return all(_whole(o, i.grain) and not i.part for o in metric_input.offsets for i in time_keys)


def _covers(asked: TimeRange | None, grain: str | None) -> bool:
    """Whether a range of time begins and ends with periods of a grain."""
    if asked is None or grain not in RANK:
        return asked is None
    return all(at is None or floor(at, grain or "") == at for at in (asked.start, asked.end))


def _whole(offset: Offset, grain: str | None) -> bool:
    if not isinstance(offset, Window) or grain not in RANK:
        return False
    if offset.grain in CALENDAR_UNITS:
        return grain in CALENDAR_UNITS and offset.count * MONTHS[offset.grain] % MONTHS[grain or ""] == 0
    if offset.grain not in SECONDS or grain not in SECONDS:
        return False
    return offset.count * SECONDS[offset.grain] % SECONDS[grain or ""] == 0


def as_recorded(query: ResolvedQuery, metric_input: MetricInput) -> ResolvedQuery:
    """The question to ask of the data as recorded: its time range moved back."""
    if query.time_range is None:
        return query
    start, end = (_back(at, metric_input.offsets) for at in (query.time_range.start, query.time_range.end))
    return replace(query, time_range=TimeRange(start, end))


def _back(at: dt.datetime | None, offsets: tuple[Offset, ...]) -> dt.datetime | None:
    for offset in offsets:
        if at is None or not isinstance(offset, Window):
            return at
        if offset.grain in CALENDAR_UNITS:
            months = at.year * 12 + at.month - 1 - offset.count * MONTHS[offset.grain]
            at = at.replace(year=months // 12, month=months % 12 + 1)
        else:
            at -= dt.timedelta(seconds=offset.count * SECONDS[offset.grain])
    return at


def shift_labels(
    builder: PlanBuilder,
    query: ResolvedQuery,
    metric_input: MetricInput,
    base: Select | Ref,
    values: dict[str, str],
) -> Select:
    """The groups of `base` under their later labels, as far as the time spine goes.

    `values` maps output columns to the columns of `base`.
    """
    model, agg_time = model_of(builder, metric_input), metric_input.simple.measure.agg_time
    alias = base.name if isinstance(base, Ref) else LABELLED
    keys: list[Column] = []
    where: list[exp.Expr] = []
    own = model.dimensions[agg_time or ""].grain or "day"
    for item in query.items:
        label: exp.Expr = column(alias, item.name)
        if is_time_item(item, model, agg_time):
            for offset in reversed(metric_input.offsets):
                if isinstance(offset, Window):
                    label = plus(label, offset)
            if metric_input.offsets and not where:
                spine = builder.spine(spine_grain((item,), builder, own), "An offset metric")
                where.append(exp.LTE(this=label.copy(), expression=last_instant(spine)))
        keys.append(Column(item.name, label))
    shifted_values = tuple(Column(n, column(alias, v)) for n, v in values.items())
    return Select(Source(base, alias), tuple(keys), shifted_values, where=tuple(where))
