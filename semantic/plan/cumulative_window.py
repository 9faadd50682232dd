"""Aggregate first, then accumulate: cumulative metrics of measures whose parts add up.

The fact is aggregated once by instant and keys. Running totals then come from a window function over a grid
of instants and groups; windows that no frame can tell (two months back by day) from a range join of the
small aggregate. Either way the fact is read once, instead of once per instant.

    >>> sales = [("2024-01-01", "p1", 10), ("2024-01-28", "p1", 5), ("2024-01-29", "p1", 1)]
    >>> answer("sales_28_days", "metric_time__day", sales=sales, days=("2024-01-27", "2024-01-29"))
    2024-01-27 10
    2024-01-28 15
    2024-01-29 6
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import coalesce, conjunction, eq, interval, minus, moment, plus, same, trunc
from ..ast.grains import RANK, Window, floor
from ..definitions.aggregations import DECOMPOSABLE, aggregate, reaggregate
from ..definitions.catalog import Cumulative, TimeSpine
from ..query.predicates import Predicate
from ..query.request import GroupByItem
from ..query.resolved import CumulativeInput, ResolvedQuery, ScanGroup, TimeRange, time_only
from .aggregate import measure_value, model_of
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, Ref, ScalarSubquery, Select, Source, Table, Union
from .time_offset import SPINE, spine_instants

BASE = "accumulated_at"
PARTS = "per_instant"
SEEN, ENTITY_COUNT, ON_SPINE = "parts_seen", "entity_count", "is_on_spine"
FIXED_HOURS = {"hour": 1, "day": 24, "week": 168}


@dataclass(frozen=True, slots=True)
class Clock:
    """The instants of a running metric: a time spine at the grain at which the fact's time is known."""

    spine: TimeSpine
    own: str


def adds_up(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput]) -> bool:
    """Whether the metrics can be accumulated from partial aggregates."""
    metric_input = group.first
    model, how = model_of(builder, metric_input), metric_input.how
    scan = FactScan(builder, model, metric_input.simple.measure.agg_time)
    if metric_input.offsets:
        return False
    if any(u.simple.measure.agg not in DECOMPOSABLE for _, u in group):
        return False
    if any(g is not None and g not in RANK for g in (how.grain_to_date, how.window and how.window.grain)):
        return False
    if any(i.kind == "computed" and any(map(scan.is_time, i.expression.items())) for i in query.items):
        return False
    predicates = (*metric_input.filters, *query.filters)
    return all(time_only(p, scan.is_time) or not any(map(scan.is_time, p.items())) for p in predicates)


def accumulate(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput]) -> Select:
    """Accumulated values by instant and keys; the instant is the last key."""
    metric_input = group.first
    how = metric_input.how
    model = model_of(builder, metric_input)
    scan = FactScan(builder, model, metric_input.simple.measure.agg_time)
    own = scan.own_grain()
    clock = Clock(builder.spine(own, f"The cumulative metric of {metric_input.simple.name}"), own)
    groups = tuple(i for i in query.items if not scan.is_time(i))
    parts = builder.add_cte(PARTS, instant_totals(scan, query, group, groups))
    if how.window is None or is_framed(how, own):
        values = tuple(Column(n, reaggregate(u.simple.measure, column(parts, n))) for n, u in group)
        base = windowed(parts, tuple(g.name for g in groups), values, how, clock)
    else:
        base = _ranged(group, parts, groups, clock, how.window)
    return _shown_instants(builder, query, metric_input, base, clock)


def instant_totals(
    scan: FactScan, query: ResolvedQuery, group: ScanGroup[CumulativeInput], groups: tuple[GroupByItem, ...]
) -> Select:
    """The measures by instant and keys: the only scan of the fact."""
    metric_input = group.first
    where = window_predicate(scan, query, metric_input)
    keys = (Column(BASE, scan.own_instant()), *(Column(i.name, scan.column(i)) for i in groups))
    values = tuple(Column(n, aggregate(u.simple.measure, measure_value(scan, u))) for n, u in group)
    return Select(scan.source, keys, values, tuple(scan.joins), tuple(where), grouped=True)


def window_predicate(
    scan: FactScan, query: ResolvedQuery, metric_input: CumulativeInput, but: tuple[Predicate, ...] = ()
) -> list[exp.Expr]:
    """The conditions on the rows that are accumulated: all but those on time, and the stretch that is shown.

    `but` are filters left out, too.
    """
    untimed = replace(query, time_range=None)
    where = scan.conditions(untimed, metric_input, lambda p: p not in but and not time_only(p, scan.is_time))
    return where + (_needed(query.time_range, metric_input, scan) if query.time_range is not None else [])


def _needed(time_range: TimeRange, metric_input: CumulativeInput, scan: FactScan) -> list[exp.Expr]:
    how, time = metric_input.how, scan.own_time()
    conditions = TimeRange(None, time_range.end).conditions(time)
    if time_range.start is None:
        return conditions
    if how.window is not None:
        conditions.append(exp.GT(this=time.copy(), expression=minus(moment(time_range.start), how.window)))
    elif how.grain_to_date is not None:
        conditions += TimeRange(floor(time_range.start, how.grain_to_date), None).conditions(time)
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
    *, deltas: str = "",
) -> Select:  # fmt: skip
    """Running aggregates over every instant of the spine and every combination of keys.

    `values` aggregate columns of `parts`. `deltas` names what `cumulative_suppression.entity_deltas` gives:
    then the select counts the contributing entities of each running value, too.
    """
    spined, at = column(SPINE, BASE), column(parts, BASE)
    if keys or deltas:
        source, joins = _grid(parts, keys, clock, how.window, deltas)
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
    totals = [Column(v.name, over(v.expr, frame)) for v in values]
    totals.append(Column(SEEN, over(exp.Count(this=at.copy()), frame)))
    if not (keys or deltas):
        totals.append(Column(ON_SPINE, exp.not_(spined.copy().is_(exp.null()))))
    if deltas:
        totals.append(Column(ENTITY_COUNT, over(exp.Sum(this=column(deltas, ENTITY_COUNT)), None)))
    grid_keys = (*(Column(k, column("groups", k)) for k in keys), Column(BASE, tick))
    return Select(source, grid_keys, tuple(totals), tuple(joins))


def _grid(
    parts: str, keys: tuple[str, ...], clock: Clock, window: Window | None, deltas: str
) -> tuple[Source, list[Join]]:
    """Every instant with every combination of keys, and what there is of each: those of the spine from the
    first data on, and every one with data or, where entities are counted, at which one comes or goes."""
    recorded = (Select(Source(Ref(n), n), (Column(BASE, column(n, BASE)),)) for n in (parts, deltas) if n)
    ticks = Union((_spine_ticks(parts, clock, window), *recorded))
    joins = []
    if keys:
        columns = tuple(Column(k, column(parts, k)) for k in keys)
        distinct = Select(Source(Ref(parts), parts), columns, distinct=True)
        joins.append(Join(Source(distinct, "groups"), None, "CROSS"))
    for name in filter(None, (parts, deltas)):
        on = [eq(column(SPINE, BASE), column(name, BASE))]
        on += [same(column("groups", k), column(name, k)) for k in keys]
        joins.append(Join(Source(Ref(name), name), conjunction(on), "LEFT"))
    return Source(ticks, SPINE), joins


def _spine_ticks(parts: str, clock: Clock, window: Window | None) -> Select:
    """The instants of the spine from the first data on, until nothing is left in the window."""
    tick = bind(clock.spine.column, SPINE)
    at = column(parts, BASE)
    where: list[exp.Expr] = [exp.GTE(this=tick, expression=_edge(parts, exp.Min(this=at)))]
    if window is not None:
        empties_at = plus(exp.Max(this=at.copy()), window)
        where.append(exp.LT(this=tick.copy(), expression=_edge(parts, empties_at)))
    return Select(spine_instants(clock.spine, clock.own), (Column(BASE, tick.copy()),), where=tuple(where))


def _edge(parts: str, instant: exp.Expr) -> exp.Expr:
    """An aggregate of the instants with data."""
    return ScalarSubquery(Select(Source(Ref(parts), parts), (Column("edge_at", instant),))).expression()


def _ranged(
    group: ScanGroup[CumulativeInput],
    parts: str,
    groups: tuple[GroupByItem, ...],
    clock: Clock,
    window: Window,
) -> Select:
    """Every instant joined with the partial aggregates of its window."""
    tick, at = bind(clock.spine.column, SPINE), column(parts, BASE)
    on = conjunction(
        [exp.LTE(this=at, expression=tick), exp.GT(this=at.copy(), expression=minus(tick.copy(), window))]
    )
    keys = (*(Column(g.name, column(parts, g.name)) for g in groups), Column(BASE, tick.copy()))
    values = [Column(n, reaggregate(u.simple.measure, column(parts, n))) for n, u in group]
    values.append(Column(SEEN, exp.Count(this=at.copy())))
    return Select(
        Source(Ref(parts), parts), keys, tuple(values),
        (Join(spine_instants(clock.spine, clock.own), on, "INNER"),), grouped=True, eager=False,
    )  # fmt: skip


def on_spine_only(clock: Clock, at: exp.Expr) -> exp.Expr:
    """Whether an instant is one of the spine's, which alone are shown."""
    tick = bind(clock.spine.column, SPINE)
    instant = tick if clock.spine.grain == clock.own else trunc(tick, clock.own)
    spined = Select(Source(Table(clock.spine.relation), SPINE), (Column(clock.spine.column, instant),))
    return exp.In(this=at, query=ScalarSubquery(spined).expression())


def _shown_instants(
    builder: PlanBuilder, query: ResolvedQuery, metric_input: CumulativeInput, base: Select, clock: Clock
) -> Select:
    """The instants and groups asked for that have accumulated anything."""
    model = model_of(builder, metric_input)
    at = column("accumulated", BASE)
    ticks = FactScan(builder, model, metric_input.simple.measure.agg_time, at, clock.own)
    keys = [
        Column(i.name, ticks.column(i) if ticks.is_time(i) else column("accumulated", i.name))
        for i in query.items
    ]
    keys.append(Column(BASE, at.copy()))
    where: list[exp.Expr] = [exp.GT(this=column("accumulated", SEEN), expression=exp.Literal.number(0))]
    flagged = any(v.name == ON_SPINE for v in base.values)
    if flagged:
        where.append(column("accumulated", ON_SPINE))
    elif not base.grouped:
        where.append(on_spine_only(clock, at.copy()))
    where += ticks.conditions(query, metric_input, lambda p: time_only(p, ticks.is_time))
    names = [n.name for n in base.values if n.name not in (SEEN, ON_SPINE)]
    return Select(
        Source(base, "accumulated"),
        tuple(keys),
        tuple(Column(n, column("accumulated", n)) for n in names),
        tuple(ticks.joins),
        tuple(where),
    )
