"""Aggregated relations: one scan of one fact gives one or more measures by the keys of the query.

>>> sales = [("2024-01-30", "p1", 10), ("2024-01-31", "p2", 20), ("2024-02-01", "p3", 5)]
>>> answer("net_sales", "product__department", sales=sales)
DRUG 5
GROCERY 30
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import conjunction, eq
from ..ast.grains import RANK
from ..definitions.aggregations import aggregate
from ..definitions.catalog import Model
from ..query.predicates import Predicate, fill_placeholders
from ..query.request import GroupByItem
from ..query.resolved import MetricInput, ResolvedQuery, ScanGroup, time_only
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, Part, Select, Source, Table
from .semi_additive import at_period_end
from .suppression_probe import probe_rows, suppressed_condition
from .time_offset import SPINE, offset_scan, period_items, spine_grain, time_items


def measure_value(scan: FactScan, metric_input: MetricInput) -> exp.Expr:
    return bind(metric_input.simple.measure.expr, scan.alias)


def threshold_condition(scan: FactScan) -> tuple[exp.Expr, ...]:
    """The HAVING that suppresses groups with too few distinct entities behind them."""
    minimum_group = scan.builder.restriction.minimum_group
    if minimum_group is None or minimum_group.entity not in scan.model.entities:
        return ()
    key = bind(scan.model.entities[minimum_group.entity].expr, scan.alias)
    counted = exp.Count(this=exp.Distinct(expressions=[key]))
    return (exp.GTE(this=counted, expression=exp.Literal.number(minimum_group.size)),)


def with_threshold(scan: FactScan, select: Select, query: ResolvedQuery, metric_input: MetricInput) -> Part:
    """An aggregation under the reader's threshold, with its probe. Unchanged if there is no threshold."""
    having, minimum_group = threshold_condition(scan), scan.builder.restriction.minimum_group
    if not having or minimum_group is None:
        return Part(select)
    probe = probe_rows(scan, select, query, metric_input, minimum_group)
    having = (*having, *suppressed_condition(select, query, probe, minimum_group))
    return Part(replace(select, having=having), (probe,))


def model_of(builder: PlanBuilder, metric_input: MetricInput) -> Model:
    return builder.catalog.models[metric_input.simple.measure.model]


def aggregate_measures(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[MetricInput]) -> Part:
    """A simple aggregation, shifted in time where the use says so."""
    metric_input = group.first
    measure, model = metric_input.simple.measure, model_of(builder, metric_input)
    scan, extra = offset_scan(builder, model, measure.agg_time, query, metric_input.offsets)
    keys = tuple(Column(i.name, scan.column(i)) for i in query.items)
    values = tuple(Column(n, aggregate(u.simple.measure, measure_value(scan, u))) for n, u in group)
    if measure.non_additive is None:
        where = [*extra, *scan.conditions(query, metric_input)]
    else:
        expressions = [c.expr for c in (*keys, *values)]
        where = [
            *extra,
            *at_period_end(
                builder, query, metric_input, scan, expressions, in_one_pass=not threshold_condition(scan)
            ),
        ]
    select = Select(
        scan.source, keys, values, tuple(scan.joins), tuple(where), grouped=True,
        title=", ".join(n for n, _ in group),
    )  # fmt: skip
    return with_threshold(scan, select, query, metric_input)


def days_with_data(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[MetricInput]) -> Select:
    """Days of the period with data, by time keys alone: other groupings and filters do not matter."""
    metric_input = group.first
    measure, model = metric_input.simple.measure, model_of(builder, metric_input)
    timed = period_items(query, model, measure.agg_time, f"The number of days of {metric_input.simple.name}")
    scan, extra = offset_scan(builder, model, measure.agg_time, query, metric_input.offsets)
    where = [*extra, *scan.conditions(query, metric_input, lambda p: time_only(p, scan.is_time))]
    keys = tuple(Column(i.name, scan.column(i)) for i in timed)
    values = tuple(Column(n, aggregate(u.simple.measure, measure_value(scan, u))) for n, u in group)
    return Select(scan.source, keys, values, tuple(scan.joins), tuple(where), grouped=True, eager=False)


def join_time_spine(
    builder: PlanBuilder, query: ResolvedQuery, metric_input: MetricInput, inner: Select
) -> Select:
    """Every period of the time spine, with the measures where there are any.

    Filters on metric time apply to the spine; those on other selected items apply after the join, so a
    filter on a shown dimension removes the empty periods (the metric's own filters do not, as in dbt).
    """
    measure, model = metric_input.simple.measure, model_of(builder, metric_input)
    timed = period_items(query, model, measure.agg_time, metric_input.simple.name)
    if not timed:
        return inner
    dimension = model.dimensions[measure.agg_time or ""]
    times = time_items(query, model, measure.agg_time)
    spine = builder.spine(
        spine_grain(times, builder, dimension.grain or "day"), f"{metric_input.simple.name}"
    )
    ticks = SpineScan(builder, model, measure.agg_time, bind(spine.column, SPINE), spine.grain)
    ticks.source = Source(Table(spine.relation), SPINE)
    keys = tuple(Column(i.name, ticks.column(i)) for i in timed)
    where = [ticks.condition(p) for p in metric_input.filters if time_only(p, ticks.is_time)]
    where += [ticks.condition(p) for p in query.filters if time_only(p, ticks.is_time)]
    if query.time_range is not None:
        where += query.time_range.conditions(ticks.time())
    exact = len(timed) == 1 and timed[0].grain == spine.grain
    periods = Select(
        ticks.source, keys, (), tuple(ticks.joins), tuple(where), distinct=not exact, eager=False
    )
    on = conjunction(eq(column("period", i.name), column("data", i.name)) for i in timed)
    names = {i.name for i in timed}
    out = tuple(Column(i.name, column("period" if i.name in names else "data", i.name)) for i in query.items)
    values = tuple(Column(v.name, column("data", v.name)) for v in inner.values)
    after = [
        _over_output(p, out)
        for p in (*metric_input.inherited, *query.filters)
        if not time_only(p, ticks.is_time) and _selected(p, query)
    ]
    return Select(
        Source(periods, "period"), out, values, (Join(Source(inner, "data"), on, "LEFT"),), tuple(after)
    )


class SpineScan(FactScan):
    """The rows of a time spine, seen as the metric time of a fact."""


def _selected(predicate: Predicate, query: ResolvedQuery) -> bool:
    return bool(predicate.refs) and all(
        isinstance(r, GroupByItem) and r in query.items for r in predicate.refs
    )


def _over_output(predicate: Predicate, out: tuple[Column, ...]) -> exp.Expr:
    by_name = {c.name: c.expr for c in out}
    return fill_placeholders(predicate, lambda ref: by_name[ref.name].copy())  # type: ignore[union-attr]


def coarser(item: GroupByItem, grain: str) -> bool:
    """Whether an item shows periods longer than `grain` (or something else than a period)."""
    return item.part is not None or item.grain not in RANK or RANK[item.grain or ""] > RANK[grain]
