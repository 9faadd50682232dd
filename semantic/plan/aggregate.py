"""Aggregated relations: one scan of one fact gives one or more measures by the keys of the query."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import both, eq
from ..ast.grains import RANK
from ..definitions.aggregations import aggregate
from ..definitions.catalog import Model
from ..query.predicates import Predicate, fill_placeholders
from ..query.request import Item
from ..query.resolved import Ask, Use, filters_of, time_only
from .fact_scan import Context, Rows
from .nodes import Column, Join, Select, Source, Table
from .semi_additive import at_edge
from .suppression_probe import probed, withheld_condition
from .time_offset import SPINE, period_items, shifted_rows, spine_grain, time_items

Named = list[tuple[str, Use]]


def measure_value(rows: Rows, use: Use) -> exp.Expr:
    return bind(use.leaf.measure.expr, rows.alias)


def group_guard(rows: Rows) -> tuple[exp.Expr, ...]:
    """The HAVING that suppresses groups with too few distinct entities behind them."""
    guard = rows.context.restriction.smallest_group
    if guard is None or guard.entity not in rows.model.entities:
        return ()
    key = bind(rows.model.entities[guard.entity].expr, rows.alias)
    counted = exp.Count(this=exp.Distinct(expressions=[key]))
    return (exp.GTE(this=counted, expression=exp.Literal.number(guard.size)),)


def guarded(rows: Rows, select: Select, ask: Ask, use: Use) -> Select:
    """An aggregation under the floor on groups, with its probe noted. Unchanged where there is no floor."""
    having, guard = group_guard(rows), rows.context.restriction.smallest_group
    if not having or guard is None:
        return select
    probe = probed(rows, select, ask, use, guard)
    rows.context.probes[probe.name] = probe
    return replace(select, having=(*having, *withheld_condition(select, ask, probe, guard)))


def model_of(context: Context, use: Use) -> Model:
    return context.catalog.models[use.leaf.measure.model]


def plain(context: Context, ask: Ask, named: Named) -> Select:
    """A simple aggregation, shifted in time where the use says so."""
    use = named[0][1]
    measure, model = use.leaf.measure, model_of(context, use)
    rows, extra = shifted_rows(context, model, measure.agg_time, ask, use.offsets)
    keys = tuple(Column(i.name, rows.column(i)) for i in ask.items)
    values = tuple(Column(n, aggregate(u.leaf.measure, measure_value(rows, u))) for n, u in named)
    if measure.non_additive is None:
        where = [*extra, *filters_of(rows, ask, use)]
    else:
        said = [c.expr for c in (*keys, *values)]
        where = [*extra, *at_edge(context, ask, use, rows, said, in_one_pass=not group_guard(rows))]
    select = Select(
        rows.source, keys, values, tuple(rows.joins), tuple(where), grouped=True,
        title=", ".join(n for n, _ in named),
    )  # fmt: skip
    return guarded(rows, select, ask, use)


def days(context: Context, ask: Ask, named: Named) -> Select:
    """Days of the period with data, by time keys alone: other groupings and filters do not matter."""
    use = named[0][1]
    measure, model = use.leaf.measure, model_of(context, use)
    timed = period_items(ask, model, measure.agg_time, f"The number of days of {use.leaf.name}")
    rows, extra = shifted_rows(context, model, measure.agg_time, ask, use.offsets)
    where = [*extra, *filters_of(rows, ask, use, lambda p: time_only(p, rows.is_time))]
    keys = tuple(Column(i.name, rows.column(i)) for i in timed)
    values = tuple(Column(n, aggregate(u.leaf.measure, measure_value(rows, u))) for n, u in named)
    return Select(rows.source, keys, values, tuple(rows.joins), tuple(where), grouped=True, eager=False)


def on_spine(context: Context, ask: Ask, use: Use, inner: Select) -> Select:
    """Every period of the time spine, with the measures where there are any.

    Filters on metric time apply to the spine; those on other selected items apply after the join, so a
    filter on a shown dimension removes the empty periods (the metric's own filters do not, as in dbt).
    """
    measure, model = use.leaf.measure, model_of(context, use)
    timed = period_items(ask, model, measure.agg_time, use.leaf.name)
    if not timed:
        return inner
    dimension = model.dimensions[measure.agg_time or ""]
    times = time_items(ask, model, measure.agg_time)
    spine = context.spine(spine_grain(times, context, dimension.grain or "day"), f"{use.leaf.name}")
    ticks = SpineRows(context, model, measure.agg_time, bind(spine.column, SPINE), spine.grain)
    ticks.source = Source(Table(spine.relation), SPINE)
    keys = tuple(Column(i.name, ticks.column(i)) for i in timed)
    where = [ticks.condition(p) for p in use.filters if time_only(p, ticks.is_time)]
    where += [ticks.condition(p) for p in ask.filters if time_only(p, ticks.is_time)]
    if ask.time_range is not None:
        where += ask.time_range.conditions(ticks.time())
    exact = len(timed) == 1 and timed[0].grain == spine.grain
    periods = Select(
        ticks.source, keys, (), tuple(ticks.joins), tuple(where), distinct=not exact, eager=False
    )
    on = both(eq(column("period", i.name), column("data", i.name)) for i in timed)
    names = {i.name for i in timed}
    out = tuple(Column(i.name, column("period" if i.name in names else "data", i.name)) for i in ask.items)
    values = tuple(Column(v.name, column("data", v.name)) for v in inner.values)
    after = [
        _over_output(p, out)
        for p in (*use.above, *ask.filters)
        if not time_only(p, ticks.is_time) and _selected(p, ask)
    ]
    return Select(
        Source(periods, "period"), out, values, (Join(Source(inner, "data"), on, "LEFT"),), tuple(after)
    )


class SpineRows(Rows):
    """The rows of a time spine, seen as the metric time of a fact."""


def _selected(predicate: Predicate, ask: Ask) -> bool:
    return bool(predicate.refs) and all(isinstance(r, Item) and r in ask.items for r in predicate.refs)


def _over_output(predicate: Predicate, out: tuple[Column, ...]) -> exp.Expr:
    by_name = {c.name: c.expr for c in out}
    return fill_placeholders(predicate, lambda ref: by_name[ref.name].copy())  # type: ignore[union-attr]


def coarser(item: Item, grain: str) -> bool:
    """Whether an item shows periods longer than `grain` (or something else than a period)."""
    return item.part is not None or item.grain not in RANK or RANK[item.grain or ""] > RANK[grain]
