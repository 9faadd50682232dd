"""Aggregate first, then accumulate: cumulative metrics of measures whose parts add up.

The fact is aggregated once by instant and keys. Running totals then come from a window function over a grid
of instants and groups; windows that no frame can tell (two months back by day) from a range join of the
small aggregate. Either way the fact is read once, instead of once per instant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from ..ast.bind import bind, column, named_table
from ..ast.constructors import both, coalesce, eq, interval, minus, moment, plus, same, trunc
from ..ast.grains import RANK, floor
from ..definitions.aggregations import DECOMPOSABLE, aggregate, reaggregate
from ..definitions.catalog import Cumulative, TimeSpine, Window
from ..query.predicates import Predicate
from ..query.request import Item
from ..query.resolved import Ask, TimeRange, Use, filters_of, time_only
from .aggregate import Named, measure_value, model_of
from .fact_scan import Context, Rows
from .nodes import Column, Join, Ref, Select, Source, Union
from .time_offset import SPINE, ticks_of

BASE = "accumulated_at"
PARTS = "per_instant"
SEEN, PEOPLE, ON_SPINE = "parts_seen", "people", "is_on_spine"
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
    if how is None or use.offsets:
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
    parts = context.add_cte(PARTS, parts_of(rows, ask, named, groups))
    if how.window is None or is_framed(how, own):
        values = tuple(Column(n, reaggregate(u.leaf.measure, column(parts, n))) for n, u in named)
        base = windowed(parts, tuple(g.name for g in groups), values, how, clock)
    else:
        base = _ranged(named, parts, groups, clock, how.window)
    return _shown(context, ask, use, base, clock)


def parts_of(rows: Rows, ask: Ask, named: Named, groups: tuple[Item, ...]) -> Select:
    """The measures by instant and keys: the only scan of the fact."""
    use = named[0][1]
    where = stretch(rows, ask, use)
    keys = (Column(BASE, rows.own_instant()), *(Column(i.name, rows.column(i)) for i in groups))
    values = tuple(Column(n, aggregate(u.leaf.measure, measure_value(rows, u))) for n, u in named)
    return Select(rows.source, keys, values, tuple(rows.joins), tuple(where), grouped=True)


def stretch(rows: Rows, ask: Ask, use: Use, but: tuple[Predicate, ...] = ()) -> list[exp.Expr]:
    """The conditions on the rows that are accumulated: all but those on time, and the stretch that is shown.

    `but` are filters left out, too.
    """
    untimed = replace(ask, time_range=None)
    where = filters_of(rows, untimed, use, lambda p: p not in but and not time_only(p, rows.is_time))
    return where + (_needed(ask.time_range, use, rows) if ask.time_range is not None else [])


def _needed(shown: TimeRange, use: Use, rows: Rows) -> list[exp.Expr]:
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


def is_framed(how: Cumulative, own: str) -> bool:
    """Whether a window function tells what is accumulated at each instant."""
    return how.window is None or _frame(how.window, own) is not None


def windowed(
    parts: str, keys: tuple[str, ...], values: tuple[Column, ...], how: Cumulative, clock: Clock,
    *, people: str = "",
) -> Select:  # fmt: skip
    """Running aggregates over every instant of the spine and every combination of keys.

    `values` aggregate columns of `parts`. `people` names what `running_floor.moves` gives: then the select
    tells `people`, who is behind each running value.
    """
    spined, at = column(SPINE, BASE), column(parts, BASE)
    if keys or people:
        source, joins = _grid(parts, keys, clock, how.window, people)
        tick: exp.Expr = spined
    else:  # nothing but instants: one join has them all
        source = Source(Ref(parts), parts)
        joins = [Join(Source(_spine_ticks(parts, clock, how.window), SPINE), eq(at, spined), "FULL")]
        tick = coalesce(spined.copy(), at.copy())
    partition: list[exp.Expr] = [column("groups", k) for k in keys]
    if how.grain_to_date is not None:
        partition.append(trunc(tick.copy(), how.grain_to_date))

    def over(function: exp.Expr, frame: Window | None) -> exp.Expr:
        start: exp.Expr | str = interval(frame) if frame else "UNBOUNDED"
        return exp.Window(
            this=function,
            partition_by=[p.copy() for p in partition],
            order=exp.Order(expressions=[exp.Ordered(this=tick.copy())]),
            spec=exp.WindowSpec(
                kind="RANGE" if frame else "ROWS", start=start, start_side="PRECEDING", end="CURRENT ROW"
            ),
        )

    frame = _frame(how.window, clock.own) if how.window else None
    told = [Column(v.name, over(v.expr, frame)) for v in values]
    told.append(Column(SEEN, over(exp.Count(this=at.copy()), frame)))
    if not (keys or people):
        told.append(Column(ON_SPINE, exp.not_(spined.copy().is_(exp.null()))))
    if people:
        told.append(Column(PEOPLE, over(exp.Sum(this=column(people, PEOPLE)), None)))
    shown = (*(Column(k, column("groups", k)) for k in keys), Column(BASE, tick))
    return Select(source, shown, tuple(told), tuple(joins))


def _grid(
    parts: str, keys: tuple[str, ...], clock: Clock, window: Window | None, people: str
) -> tuple[Source, list[Join]]:
    """Every instant with every combination of keys, and what there is of each: those of the spine from the
    first data on, and every one with data or, where people are counted, at which somebody comes or goes."""
    recorded = (Select(Source(Ref(n), n), (Column(BASE, column(n, BASE)),)) for n in (parts, people) if n)
    ticks = Union((_spine_ticks(parts, clock, window), *recorded))
    joins = []
    if keys:
        columns = tuple(Column(k, column(parts, k)) for k in keys)
        distinct = Select(Source(Ref(parts), parts), columns, distinct=True)
        joins.append(Join(Source(distinct, "groups"), None, "CROSS"))
    for name in filter(None, (parts, people)):
        on = [eq(column(SPINE, BASE), column(name, BASE))]
        on += [same(column("groups", k), column(name, k)) for k in keys]
        joins.append(Join(Source(Ref(name), name), both(on), "LEFT"))
    return Source(ticks, SPINE), joins


def _spine_ticks(parts: str, clock: Clock, window: Window | None) -> Select:
    """The instants of the spine from the first data on, until nothing is left in the window."""
    tick = bind(clock.spine.column, SPINE)
    where: list[exp.Expr] = [exp.GTE(this=tick, expression=_edge(parts, exp.Min))]
    if window is not None:
        where.append(exp.LT(this=tick.copy(), expression=plus(_edge(parts, exp.Max), window)))
    return Select(ticks_of(clock.spine, clock.own), (Column(BASE, tick.copy()),), where=tuple(where))


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
    values.append(Column(SEEN, exp.Count(this=at.copy())))
    return Select(
        Source(Ref(parts), parts), keys, tuple(values),
        (Join(ticks_of(clock.spine, clock.own), on, "INNER"),), grouped=True, eager=False,
    )  # fmt: skip


def on_spine_only(clock: Clock, at: exp.Expr) -> exp.Expr:
    """Whether an instant is one of the spine's, which alone are shown."""
    tick = exp.column(clock.spine.column)
    shown = tick if clock.spine.grain == clock.own else trunc(tick, clock.own)
    spined = exp.select(shown).from_(named_table(clock.spine.relation))
    return exp.In(this=at, query=spined.subquery())


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
    where: list[exp.Expr] = [exp.GT(this=column("accumulated", SEEN), expression=exp.Literal.number(0))]
    flagged = any(v.name == ON_SPINE for v in base.values)
    if flagged:
        where.append(column("accumulated", ON_SPINE))
    elif not base.grouped:
        where.append(on_spine_only(clock, at.copy()))
    where += filters_of(ticks, ask, use, lambda p: time_only(p, ticks.is_time))
    names = [n.name for n in base.values if n.name not in (SEEN, ON_SPINE)]
    return Select(
        Source(base, "accumulated"),
        tuple(keys),
        tuple(Column(n, column("accumulated", n)) for n in names),
        tuple(ticks.joins),
        tuple(where),
    )
