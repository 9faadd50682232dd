"""Cumulative metrics: a measure over all time, a trailing window, or since the start of a period.

Computed at the grain at which the fact's time is known, then reduced to the periods asked for by the
metric's period_agg (first, last or average value of the period).

    >>> sales = [("2024-01-30", "p1", 10), ("2024-01-31", "p2", 20), ("2024-02-01", "p1", 5)]
    >>> answer("sales_to_date", "metric_time__month", sales=sales)
    2024-01-01 10
    2024-02-01 35
    2024-03-01 35
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import coalesce, conjunction, eq, minus, number, trunc
from ..definitions.aggregations import aggregate
from ..errors import InvalidQueryError, UnsupportedError
from ..query.resolved import CumulativeInput, ResolvedQuery, ScanGroup, TimeRange, of_time_alone
from .aggregate import (
    aggregate_measures,
    coarser,
    measure_value,
    model_of,
    threshold_condition,
    with_threshold,
)
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, Part, Select, Source
from .time_offset import SPINE, instant_read, period_items, spine_instants, time_items

BASE = "accumulated_at"


def cumulative(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput]) -> Part:
    """Running values of one or more measures with the same way of accumulating."""
    metric_input = group.first
    how, measure, model = (
        metric_input.how,
        metric_input.simple.measure,
        model_of(builder, metric_input),
    )
    timed = time_items(query, model, measure.agg_time)
    period_items(query, model, measure.agg_time, group.names[0])
    if not timed:
        if how.window or how.grain_to_date or metric_input.offsets:
            raise InvalidQueryError(
                f"{group.names[0]} accumulates over a stretch of time and needs metric_time in the group-by.",
                hint="Add metric_time__day or a coarser grain.",
            )
        span = TimeRange(None, query.time_range.end) if query.time_range else None
        return aggregate_measures(builder, ResolvedQuery(query.items, query.filters, span), group)
    if measure.non_additive is not None:
        raise UnsupportedError(
            f"{metric_input.simple.name} is semi-additive, so it cannot accumulate over time."
        )
    from .cumulative_suppression import accumulate_above_threshold, threshold_of
    from .cumulative_window import accumulate, adds_up

    minimum_group = threshold_of(builder, query, group)
    if minimum_group is not None:
        return accumulate_above_threshold(builder, query, group, minimum_group)
    is_guarded = bool(threshold_condition(FactScan(builder, model, measure.agg_time)))
    can = adds_up(builder, query, group) and not is_guarded
    part = Part(accumulate(builder, query, group)) if can else _ranged(builder, query, group)
    base = part.select
    own = model.dimensions[measure.agg_time or ""].grain or "day"
    if any(i in timed and not coarser(i, own) for i in query.items):
        return replace(part, select=_without_base(base))
    if metric_input.simple.join_spine:
        base = _every_instant(builder, query, group, base)
    return replace(part, select=_per_period(base, how.period_agg))


def _every_instant(
    builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput], base: Select
) -> Select:
    """Instants without data, too, with the metric's fill value: they count for first, last and average."""
    metric_input = group.first
    model = model_of(builder, metric_input)
    own = model.dimensions[metric_input.simple.measure.agg_time or ""].grain or "day"
    spine = builder.spine(own, metric_input.simple.name)
    tick = bind(spine.column, SPINE)
    scan = FactScan(builder, model, metric_input.simple.measure.agg_time, tick, spine.grain)
    keys = []
    for key in base.keys:
        item = next((i for i in query.items if i.name == key.name and of_time_alone(i, scan.is_time)), None)
        at = tick.copy() if key.name == BASE else scan.column(item) if item else column("data", key.name)
        keys.append(Column(key.name, at))
    values = []
    for name, u in group:
        value: exp.Expr = column("data", name)
        values.append(
            Column(name, value if u.simple.fill is None else coalesce(value, number(u.simple.fill)))
        )
    join = Join(Source(base, "data"), eq(tick, column("data", BASE)), "LEFT")
    return Select(spine_instants(spine, own), tuple(keys), tuple(values), (join, *scan.joins))


def _ranged(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput]) -> Part:
    """Each instant of the spine joined with the rows that it accumulates, then aggregated."""
    metric_input = group.first
    how, measure, model = (
        metric_input.how,
        metric_input.simple.measure,
        model_of(builder, metric_input),
    )
    recorded = FactScan(builder, model, measure.agg_time)
    own = recorded.own_grain()
    spine = builder.spine(own, f"The cumulative metric of {metric_input.simple.name}")
    tick = bind(spine.column, SPINE)
    at, recorded_at = instant_read(tick.copy(), metric_input.offsets), trunc(recorded.own_time(), own)
    on: list[exp.Expr] = [exp.LTE(this=recorded_at, expression=at)]
    if how.window is not None:
        _standard(how.window.grain, metric_input)
        on.append(exp.GT(this=recorded_at.copy(), expression=minus(at.copy(), how.window)))
    if how.grain_to_date is not None:
        _standard(how.grain_to_date, metric_input)
        on.append(exp.GTE(this=recorded_at.copy(), expression=trunc(at.copy(), how.grain_to_date)))
    scan = FactScan(builder, model, measure.agg_time, tick, own)
    scan.joins.append(Join(spine_instants(spine, own), conjunction(on), "INNER"))
    keys = [Column(i.name, scan.column(i)) for i in query.items]
    keys.append(Column(BASE, tick.copy()))
    where = scan.conditions(query, metric_input)
    if metric_input.offsets and query.time_range is not None:
        where += query.time_range.conditions(
            at.copy()
        )  # MetricFlow: the instant looked at lies in the range too
    values = tuple(Column(n, aggregate(u.simple.measure, measure_value(scan, u))) for n, u in group)
    select = Select(
        scan.source, tuple(keys), values, tuple(scan.joins), tuple(where), grouped=True, eager=False
    )
    return with_threshold(scan, select, query, metric_input)


def _standard(grain: str, metric_input: CumulativeInput) -> None:
    from ..ast.grains import RANK

    if grain not in RANK:
        raise UnsupportedError(
            f"{metric_input.simple.name} accumulates by {grain}, a custom calendar: not supported."
        )


def _without_base(base: Select) -> Select:
    """Instants are shown as they are: the helper column is not needed in the output."""
    if not base.grouped:
        return replace(base, keys=tuple(k for k in base.keys if k.name != BASE))
    out = tuple(Column(k.name, column("run", k.name)) for k in base.keys if k.name != BASE)
    values = tuple(Column(v.name, column("run", v.name)) for v in base.values)
    return Select(Source(base, "run"), out, values)


def _per_period(base: Select, period_agg: str) -> Select:
    """One value per period: its first, last or average."""
    keys = [k.name for k in base.keys if k.name != BASE]
    partition = [column("run", k) for k in keys]

    def reduce(name: str) -> exp.Expr:
        value = column("run", name)
        if period_agg == "average":
            return exp.Window(this=exp.Avg(this=value), partition_by=[p.copy() for p in partition])
        function = exp.LastValue if period_agg == "last" else exp.FirstValue
        return exp.Window(
            this=function(this=value),
            partition_by=[p.copy() for p in partition],
            order=exp.Order(expressions=[exp.Ordered(this=column("run", BASE))]),
            spec=exp.WindowSpec(
                kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="UNBOUNDED", end_side="FOLLOWING"
            ),
        )

    return Select(
        Source(base, "run"),
        tuple(Column(k, column("run", k)) for k in keys),
        tuple(Column(v.name, reduce(v.name)) for v in base.values),
        distinct=True,
    )
