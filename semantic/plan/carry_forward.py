"""Balances carried forward: the last known value of each series at the end of each period.

A series is a combination of the model's foreign entities (product and location). A period without a row of
a series shows its last row before, if that is at most `carry_forward_days` old: stock does not vanish
because nobody counted it.

    >>> stock = [("2024-01-30", "p1", 10), ("2024-02-28", "p3", 4)]
    >>> answer("carried_units", "metric_time__month", stock=stock)
    2024-01-01 10
    2024-02-01 14
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import interval, trunc
from ..ast.grains import Window
from ..definitions.aggregations import aggregate
from ..errors import UnsupportedError
from ..query.resolved import MetricInput, ResolvedQuery, ScanGroup, time_only
from .aggregate import measure_value, model_of, threshold_condition
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, ScalarSubquery, Select, Source
from .time_offset import SPINE, period_items, spine_grain, spine_instants, time_items

AT = "closes_at"


def carry_forward(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[MetricInput]) -> Select:
    """Balances by the keys of the query. Raises UnsupportedError with offsets and smallest groups."""
    metric_input = group.first
    measure, model = metric_input.simple.measure, model_of(builder, metric_input)
    scan = FactScan(builder, model, measure.agg_time)
    if metric_input.offsets or threshold_condition(scan) or measure.carry_forward_days is None:
        raise UnsupportedError(
            f"{metric_input.simple.name} is carried forward: neither offsets nor group sizes go with it."
        )
    periods = _periods(builder, query, group, scan)
    at = column("period", AT)
    recorded_at = trunc(scan.own_time(), scan.own_grain())
    longest = interval(Window(measure.carry_forward_days, "day"))
    on = exp.and_(
        exp.LTE(this=recorded_at, expression=at),
        exp.GT(
            this=recorded_at.copy(),
            expression=exp.Sub(this=at.copy(), expression=longest),
        ),
    )
    scan.joins.append(Join(Source(periods, "period"), on, "INNER"))
    timed = {k.name for k in periods.keys}
    keys = tuple(
        Column(i.name, column("period", i.name) if i.name in timed else scan.column(i)) for i in query.items
    )
    series_key = [bind(e.expr, scan.alias) for e in model.entities.values() if e.kind == "foreign"]
    recency = exp.Window(
        this=exp.Anonymous(this="RANK"),
        partition_by=[at.copy(), *(column("period", name) for name in sorted(timed)), *series_key],
        order=exp.Order(expressions=[exp.Ordered(this=recorded_at.copy(), desc=True)]),
    )
    where = [scan.condition(p) for p in metric_input.filters if not time_only(p, scan.is_time)]
    where += [scan.condition(p) for p in query.filters if not time_only(p, scan.is_time)]
    ranked = Select(
        scan.source,
        keys,
        (*(Column(n, measure_value(scan, u)) for n, u in group), Column("recency", recency)),
        tuple(scan.joins),
        tuple(where),
    )
    return Select(
        Source(ranked, "ranked"),
        tuple(Column(k.name, column("ranked", k.name)) for k in keys),
        tuple(Column(n, aggregate(u.simple.measure, column("ranked", n))) for n, u in group),
        where=(exp.EQ(this=column("ranked", "recency"), expression=exp.Literal.number(1)),),
        grouped=True,
        eager=False,
    )


def _last_instant(builder: PlanBuilder, scan: FactScan) -> exp.Expr:
    """The last instant with data that the reader may see."""
    at = bind(scan.model.dimensions[scan.agg_time or ""].expr, "fact")
    last = Select(Source(builder.table(scan.model), "fact"), (Column("at", exp.Max(this=at)),), eager=False)
    return ScalarSubquery(last).expression()


def _periods(
    builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[MetricInput], scan: FactScan
) -> Select:
    """The periods asked for and the instant at which each closes: its last, or the last with data."""
    metric_input = group.first
    timed = period_items(query, scan.model, scan.agg_time, metric_input.simple.name)
    own = scan.own_grain()
    times = time_items(query, scan.model, scan.agg_time)
    spine = builder.spine(spine_grain(times, builder, own), f"{metric_input.simple.name}")
    tick = bind(spine.column, SPINE)
    ticks = FactScan(builder, scan.model, scan.agg_time, tick, own)
    ticks.source = spine_instants(spine, own)
    keys = tuple(Column(i.name, ticks.column(i)) for i in timed)
    where: list[exp.Expr] = [exp.LTE(this=tick.copy(), expression=_last_instant(builder, scan))]
    where += [ticks.condition(p) for p in metric_input.filters if time_only(p, ticks.is_time)]
    where += [ticks.condition(p) for p in query.filters if time_only(p, ticks.is_time)]
    if query.time_range is not None:
        where += query.time_range.conditions(tick)
    return Select(
        ticks.source, keys, (Column(AT, exp.Max(this=tick.copy())),), tuple(ticks.joins), tuple(where),
        grouped=True, eager=False,
    )  # fmt: skip
