"""Aggregate first, then accumulate: cumulative metrics of measures whose parts add up.

The fact is aggregated once by instant and keys. Running totals then come from a window function over a grid
of instants and groups; windows that no frame can tell (two months back by day) from a range join of the
small aggregate. Either way the fact is read once, instead of once per instant.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from .aggregates import DECOMPOSABLE, aggregate, reaggregate
from .ask import Ask, TimeRange, Use, time_only
from .catalog import TimeSpine, Window
from .expressions import bind, column, named_table
from .grains import RANK, floor
from .leaf import Named, group_guard, measure_value, model_of
from .plan import Column, Join, Ref, Select, Source, Union
from .query import Item
from .rows import Context, Rows
from .shift import SPINE, ticks_of
from .sqlexpr import both, eq, interval, minus, moment, plus, same, trunc

BASE = "accumulated_at"
PARTS = "per_instant"
FIXED_HOURS = {"hour": 1, "day": 24, "week": 168}


@dataclass(frozen=True, slots=True)
class Clock:
    """The instants of a running metric: a time spine at the grain at which the fact's time is known."""

    spine: TimeSpine
    own: str


def can_run(context: Context, ask: Ask, named: Named) -> bool:
    """Whether the metrics can be accumulated from partial aggregates."""
    use = named[0][1]
    model, how = model_of(context, use), use.cumulative
    rows = Rows(context, model, use.leaf.measure.agg_time)
    if how is None or use.offsets or group_guard(rows):
        return False
    if any(u.leaf.measure.agg not in DECOMPOSABLE for _, u in named):
        return False
    if any(g is not None and g not in RANK for g in (how.grain_to_date, how.window and how.window.grain)):
        return False
    if any(i.kind == "computed" and any(map(rows.is_time, i.expression.items())) for i in ask.items):
        return False
    predicates = (*use.filters, *ask.filters)
    return all(time_only(p, rows.is_time) or not any(map(rows.is_time, p.items())) for p in predicates)


def running(context: Context, ask: Ask, named: Named) -> Select:
    """Accumulated values by instant and keys; the instant is the last key."""
    use = named[0][1]
    how = use.cumulative
    if how is None:
        raise TypeError("not a cumulative use")
    model = model_of(context, use)
    rows = Rows(context, model, use.leaf.measure.agg_time)
    own = rows.own_grain()
    clock = Clock(context.spine(own, f"The cumulative metric of {use.leaf.name}"), own)
    groups = tuple(i for i in ask.items if not rows.is_time(i))
    parts = context.add_cte(PARTS, _parts(rows, ask, named, groups, own))
    if how.window is None or _frame(how.window, own) is not None:
        base = _windowed(named, parts, groups, clock)
    else:
        base = _ranged(named, parts, groups, clock, how.window)
    return _shown(context, ask, use, base, clock)


def _parts(rows: Rows, ask: Ask, named: Named, groups: tuple[Item, ...], own: str) -> Select:
    """The measures by instant and keys: the only scan of the fact."""
    use = named[0][1]
    where = [rows.condition(p, trusted=True) for p in use.filters if not time_only(p, rows.is_time)]
    where += [rows.condition(p) for p in ask.filters if not time_only(p, rows.is_time)]
    if ask.time_range is not None:
        where += _needed(ask.time_range, use, rows)
    keys = (Column(BASE, rows.own_instant()), *(Column(i.name, rows.column(i)) for i in groups))
    values = tuple(Column(n, aggregate(u.leaf.measure, measure_value(rows, u))) for n, u in named)
    return Select(rows.source, keys, values, tuple(rows.joins), tuple(where), grouped=True)


def _needed(shown: TimeRange, use: Use, rows: Rows) -> list[exp.Expr]:
    """The stretch of the fact that the shown range accumulates."""
    how, time = use.cumulative, rows.own_time()
    conditions = TimeRange(None, shown.end).conditions(time)
    if how is None or shown.start is None:
        return conditions
    if how.window is not None:
        conditions.append(exp.GT(this=time.copy(), expression=minus(moment(shown.start), how.window)))
    elif how.grain_to_date is not None:
        conditions += TimeRange(floor(shown.start, how.grain_to_date), None).conditions(time)
    return conditions


def _frame(window: Window, own: str) -> Window | None:
    """The window less one instant, as a frame: None where that is no fixed step."""
    if window.grain == own:
        return Window(window.count - 1, own)
    if window.grain in FIXED_HOURS and own in FIXED_HOURS:
        count = window.count * FIXED_HOURS[window.grain] // FIXED_HOURS[own]
        return Window(count - 1, own) if count > 0 else None
    return None


def _windowed(named: Named, parts: str, groups: tuple[Item, ...], clock: Clock) -> Select:
    """Running aggregates over every instant of the spine and every group."""
    how = named[0][1].cumulative
    if how is None:
        raise TypeError("not a cumulative use")
    tick = column(SPINE, BASE)
    ticks = _ticks(parts, clock, how.window)
    joins = []
    if groups:
        distinct = Select(
            Source(Ref(parts), parts),
            tuple(Column(g.name, column(parts, g.name)) for g in groups),
            distinct=True,
        )
        joins.append(Join(Source(distinct, "groups"), None, "CROSS"))
    on = [eq(tick.copy(), column(parts, BASE))]
    on += [same(column("groups", g.name), column(parts, g.name)) for g in groups]
    joins.append(Join(Source(Ref(parts), parts), both(on), "LEFT"))
    partition: list[exp.Expr] = [column("groups", g.name) for g in groups]
    if how.grain_to_date is not None:
        partition.append(trunc(tick.copy(), how.grain_to_date))
    frame = _frame(how.window, clock.own) if how.window else None

    def over(function: exp.Expr) -> exp.Expr:
        start: exp.Expr | str = interval(frame) if frame else "UNBOUNDED"
        return exp.Window(
            this=function,
            partition_by=[p.copy() for p in partition],
            order=exp.Order(expressions=[exp.Ordered(this=tick.copy())]),
            spec=exp.WindowSpec(
                kind="RANGE" if frame else "ROWS", start=start, start_side="PRECEDING", end="CURRENT ROW"
            ),
        )

    values = [Column(n, over(reaggregate(u.leaf.measure, column(parts, n)))) for n, u in named]
    values.append(Column("parts_seen", over(exp.Count(this=column(parts, BASE)))))
    keys = (*(Column(g.name, column("groups", g.name)) for g in groups), Column(BASE, tick))
    return Select(Source(ticks, SPINE), keys, tuple(values), tuple(joins))


def _ticks(parts: str, clock: Clock, window: Window | None) -> Union:
    """The instants to accumulate over: those of the spine from the first data on, and every one with data."""
    tick = bind(clock.spine.column, SPINE)
    where: list[exp.Expr] = [exp.GTE(this=tick, expression=_edge(parts, exp.Min))]
    if window is not None:
        where.append(exp.LT(this=tick.copy(), expression=plus(_edge(parts, exp.Max), window)))
    spined = Select(ticks_of(clock.spine, clock.own), (Column(BASE, tick.copy()),), where=tuple(where))
    return Union((spined, Select(Source(Ref(parts), parts), (Column(BASE, column(parts, BASE)),))))


def _edge(parts: str, function: type[exp.AggFunc]) -> exp.Expr:
    edge = exp.select(function(this=column(parts, BASE))).from_(named_table(parts))
    return exp.Subquery(this=edge)


def _ranged(named: Named, parts: str, groups: tuple[Item, ...], clock: Clock, window: Window) -> Select:
    """Every instant joined with the partial aggregates of its window."""
    tick, at = bind(clock.spine.column, SPINE), column(parts, BASE)
    on = both(
        [exp.LTE(this=at, expression=tick), exp.GT(this=at.copy(), expression=minus(tick.copy(), window))]
    )
    keys = (*(Column(g.name, column(parts, g.name)) for g in groups), Column(BASE, tick.copy()))
    values = [Column(n, reaggregate(u.leaf.measure, column(parts, n))) for n, u in named]
    values.append(Column("parts_seen", exp.Count(this=at.copy())))
    return Select(
        Source(Ref(parts), parts), keys, tuple(values),
        (Join(ticks_of(clock.spine, clock.own), on, "INNER"),), grouped=True, eager=False,
    )  # fmt: skip


def _shown(context: Context, ask: Ask, use: Use, base: Select, clock: Clock) -> Select:
    """The instants and groups asked for that have accumulated anything."""
    model = model_of(context, use)
    at = column("accumulated", BASE)
    ticks = Rows(context, model, use.leaf.measure.agg_time, at, clock.own)
    keys = [
        Column(i.name, ticks.column(i) if ticks.is_time(i) else column("accumulated", i.name))
        for i in ask.items
    ]
    keys.append(Column(BASE, at.copy()))
    where: list[exp.Expr] = [
        exp.GT(this=column("accumulated", "parts_seen"), expression=exp.Literal.number(0))
    ]
    if not base.grouped:
        tick = exp.column(clock.spine.column)
        shown = tick if clock.spine.grain == clock.own else trunc(tick, clock.own)
        spined = exp.select(shown).from_(named_table(clock.spine.relation))
        where.append(exp.In(this=at.copy(), query=spined.subquery()))
    where += [ticks.condition(p, trusted=True) for p in use.filters if time_only(p, ticks.is_time)]
    where += [ticks.condition(p) for p in ask.filters if time_only(p, ticks.is_time)]
    if ask.time_range is not None:
        where += ask.time_range.conditions(at)
    names = [n.name for n in base.values if n.name != "parts_seen"]
    return Select(
        Source(base, "accumulated"),
        tuple(keys),
        tuple(Column(n, column("accumulated", n)) for n in names),
        tuple(ticks.joins),
        tuple(where),
    )
