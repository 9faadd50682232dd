"""Cumulative metrics: a measure over all time, a trailing window, or since the start of a period.

Computed at the grain at which the fact's time is known, then reduced to the periods asked for by the
metric's period_agg (first, last or average value of the period).
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import both, coalesce, eq, minus, number, trunc
from ..definitions.aggregations import aggregate
from ..errors import InvalidQueryError, UnsupportedError
from ..query.resolved import Ask, TimeRange, Use, filters_of, of_time_alone
from .aggregate import Named, coarser, group_guard, guarded, measure_value, model_of, plain
from .fact_scan import Context, Rows
from .nodes import Column, Join, Select, Source
from .time_offset import SPINE, looks_at, period_items, ticks_of, time_items

BASE = "accumulated_at"


def cumulative(context: Context, ask: Ask, named: Named) -> Select:
    """Running values of one or more measures with the same way of accumulating."""
    use = named[0][1]
    how, measure, model = use.cumulative, use.leaf.measure, model_of(context, use)
    if how is None:
        raise TypeError(f"{use.leaf.name} is used as another kind of metric than it is")
    timed = time_items(ask, model, measure.agg_time)
    period_items(ask, model, measure.agg_time, named[0][0])
    if not timed:
        if how.window or how.grain_to_date or use.offsets:
            raise InvalidQueryError(
                f"{named[0][0]} accumulates over a stretch of time, so it needs metric_time in the group-by.",
                hint="Add metric_time__day or a coarser grain.",
            )
        span = TimeRange(None, ask.time_range.end) if ask.time_range else None
        return plain(context, Ask(ask.items, ask.filters, span), named)
    if measure.non_additive is not None:
        raise UnsupportedError(f"{use.leaf.name} is semi-additive, so it cannot accumulate over time.")
    from .cumulative_suppression import floor_of, running_under_floor
    from .cumulative_window import can_run, running

    floor = floor_of(context, ask, named)
    if floor is not None:
        return running_under_floor(context, ask, named, floor)
    is_guarded = bool(group_guard(Rows(context, model, measure.agg_time)))
    can = can_run(context, ask, named) and not is_guarded
    base = running(context, ask, named) if can else _ranged(context, ask, named)
    own = model.dimensions[measure.agg_time or ""].grain or "day"
    if any(i in timed and not coarser(i, own) for i in ask.items):
        return _without_base(base)
    if use.leaf.join_spine:
        base = _every_instant(context, ask, named, base)
    return _per_period(base, how.period_agg)


def _every_instant(context: Context, ask: Ask, named: Named, base: Select) -> Select:
    """Instants without data, too, with the metric's fill value: they count for first, last and average."""
    use = named[0][1]
    model = model_of(context, use)
    own = model.dimensions[use.leaf.measure.agg_time or ""].grain or "day"
    spine = context.spine(own, use.leaf.name)
    tick = bind(spine.column, SPINE)
    rows = Rows(context, model, use.leaf.measure.agg_time, tick, spine.grain)
    keys = []
    for key in base.keys:
        item = next((i for i in ask.items if i.name == key.name and of_time_alone(i, rows.is_time)), None)
        at = tick.copy() if key.name == BASE else rows.column(item) if item else column("data", key.name)
        keys.append(Column(key.name, at))
    values = []
    for name, u in named:
        value: exp.Expr = column("data", name)
        values.append(Column(name, value if u.leaf.fill is None else coalesce(value, number(u.leaf.fill))))
    join = Join(Source(base, "data"), eq(tick, column("data", BASE)), "LEFT")
    return Select(ticks_of(spine, own), tuple(keys), tuple(values), (join, *rows.joins))


def _ranged(context: Context, ask: Ask, named: Named) -> Select:
    """Each instant of the spine joined with the rows that it accumulates, then aggregated."""
    use = named[0][1]
    how, measure, model = use.cumulative, use.leaf.measure, model_of(context, use)
    if how is None:
        raise TypeError(f"{use.leaf.name} is used as another kind of metric than it is")
    plain_rows = Rows(context, model, measure.agg_time)
    own = plain_rows.own_grain()
    spine = context.spine(own, f"The cumulative metric of {use.leaf.name}")
    tick = bind(spine.column, SPINE)
    at, seen = looks_at(tick.copy(), use.offsets), trunc(plain_rows.own_time(), own)
    on: list[exp.Expr] = [exp.LTE(this=seen, expression=at)]
    if how.window is not None:
        _standard(how.window.grain, use)
        on.append(exp.GT(this=seen.copy(), expression=minus(at.copy(), how.window)))
    if how.grain_to_date is not None:
        _standard(how.grain_to_date, use)
        on.append(exp.GTE(this=seen.copy(), expression=trunc(at.copy(), how.grain_to_date)))
    rows = Rows(context, model, measure.agg_time, tick, own)
    rows.joins.append(Join(ticks_of(spine, own), both(on), "INNER"))
    keys = [Column(i.name, rows.column(i)) for i in ask.items]
    keys.append(Column(BASE, tick.copy()))
    where = filters_of(rows, ask, use)
    if use.offsets and ask.time_range is not None:
        where += ask.time_range.conditions(
            at.copy()
        )  # MetricFlow: the instant looked at lies in the range too
    values = tuple(Column(n, aggregate(u.leaf.measure, measure_value(rows, u))) for n, u in named)
    select = Select(
        rows.source, tuple(keys), values, tuple(rows.joins), tuple(where), grouped=True, eager=False
    )
    return guarded(rows, select, ask, use)


def _standard(grain: str, use: Use) -> None:
    from ..ast.grains import RANK

    if grain not in RANK:
        raise UnsupportedError(f"{use.leaf.name} accumulates by {grain}, a custom calendar: not supported.")


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
