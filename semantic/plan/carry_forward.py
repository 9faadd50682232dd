"""Balances carried forward: the last known value of each holding at the end of each period.

A holding is a combination of the model's foreign entities (product and location). A period without a row of
a holding shows its last row before, if that is at most `carry_forward_days` old: stock does not vanish
because nobody counted it.
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import interval, trunc
from ..definitions.aggregations import aggregate
from ..definitions.catalog import Window
from ..errors import UnsupportedError
from ..query.resolved import Ask, time_only
from .aggregate import Named, group_guard, measure_value, model_of
from .fact_scan import Context, Rows
from .nodes import Column, Join, Plan, Select, Source
from .time_offset import SPINE, period_items, spine_grain, ticks_of, time_items
from .to_sql import render

AT = "closes_at"


def carried(context: Context, ask: Ask, named: Named) -> Select:
    """Balances by the keys of the query. Raises UnsupportedError with offsets and smallest groups."""
    use = named[0][1]
    measure, model = use.leaf.measure, model_of(context, use)
    rows = Rows(context, model, measure.agg_time)
    if use.offsets or group_guard(rows) or measure.carry_forward_days is None:
        raise UnsupportedError(
            f"{use.leaf.name} is carried forward: neither offsets nor group sizes go with it."
        )
    periods = _periods(context, ask, named, rows)
    at = column("period", AT)
    seen = trunc(rows.own_time(), rows.own_grain())
    longest = interval(Window(measure.carry_forward_days, "day"))
    on = exp.and_(
        exp.LTE(this=seen, expression=at),
        exp.GT(
            this=seen.copy(),
            expression=exp.Sub(this=at.copy(), expression=longest),
        ),
    )
    rows.joins.append(Join(Source(periods, "period"), on, "INNER"))
    timed = {k.name for k in periods.keys}
    keys = tuple(
        Column(i.name, column("period", i.name) if i.name in timed else rows.column(i)) for i in ask.items
    )
    holding = [bind(e.expr, rows.alias) for e in model.entities.values() if e.kind == "foreign"]
    recency = exp.Window(
        this=exp.Anonymous(this="RANK"),
        partition_by=[at.copy(), *(column("period", name) for name in sorted(timed)), *holding],
        order=exp.Order(expressions=[exp.Ordered(this=seen.copy(), desc=True)]),
    )
    where = [rows.condition(p) for p in use.filters if not time_only(p, rows.is_time)]
    where += [rows.condition(p) for p in ask.filters if not time_only(p, rows.is_time)]
    ranked = Select(
        rows.source,
        keys,
        (*(Column(n, measure_value(rows, u)) for n, u in named), Column("recency", recency)),
        tuple(rows.joins),
        tuple(where),
    )
    return Select(
        Source(ranked, "ranked"),
        tuple(Column(k.name, column("ranked", k.name)) for k in keys),
        tuple(Column(n, aggregate(u.leaf.measure, column("ranked", n))) for n, u in named),
        where=(exp.EQ(this=column("ranked", "recency"), expression=exp.Literal.number(1)),),
        grouped=True,
        eager=False,
    )


def _last_instant(context: Context, rows: Rows) -> exp.Expr:
    """The last instant with data that the reader may see."""
    at = bind(rows.model.dimensions[rows.agg_time or ""].expr, "fact")
    last = Select(Source(context.table(rows.model), "fact"), (Column("at", exp.Max(this=at)),), eager=False)
    return exp.Subquery(this=render(Plan(last)))


def _periods(context: Context, ask: Ask, named: Named, rows: Rows) -> Select:
    """The periods asked for and the instant at which each closes: its last, or the last with data."""
    use = named[0][1]
    timed = period_items(ask, rows.model, rows.agg_time, use.leaf.name)
    own = rows.own_grain()
    times = time_items(ask, rows.model, rows.agg_time)
    spine = context.spine(spine_grain(times, context, own), f"{use.leaf.name}")
    tick = bind(spine.column, SPINE)
    ticks = Rows(context, rows.model, rows.agg_time, tick, own)
    ticks.source = ticks_of(spine, own)
    keys = tuple(Column(i.name, ticks.column(i)) for i in timed)
    where: list[exp.Expr] = [exp.LTE(this=tick.copy(), expression=_last_instant(context, rows))]
    where += [ticks.condition(p) for p in use.filters if time_only(p, ticks.is_time)]
    where += [ticks.condition(p) for p in ask.filters if time_only(p, ticks.is_time)]
    if ask.time_range is not None:
        where += ask.time_range.conditions(tick)
    return Select(
        ticks.source, keys, (Column(AT, exp.Max(this=tick.copy())),), tuple(ticks.joins), tuple(where),
        grouped=True, eager=False,
    )  # fmt: skip
