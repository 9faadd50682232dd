"""Conversion metrics: conversion events credited to the last base event of the same entity before them.

A sale online within a week after one in a store is credited to the department of the last one in a store:

    >>> sales = [("2024-01-01", "p1", 10, "c1", "store"), ("2024-01-02", "p3", 5, "c1", "store"),
    ...     ("2024-01-03", "p2", 7, "c1", "web"), ("2024-01-20", "p2", 7, "c1", "web")]
    >>> answer("online_within_a_week", "product__department", sales=sales)
    DRUG 1
    GROCERY None
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import conjunction, eq, minus, trunc
from ..ast.grains import coarsest
from ..definitions.aggregations import aggregate
from ..definitions.catalog import Conversion, Model, SimpleMetric
from ..errors import UnknownNameError
from ..query.predicates import Predicate, parse_predicate
from ..query.request import GroupByItem
from ..query.resolved import ConversionInput, ResolvedQuery, ScanGroup
from .aggregate import threshold_condition
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, Select, Source
from .time_offset import offset_scan


def conversions(builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[ConversionInput]) -> Select:
    """Conversions by the keys of the base events. Each conversion counts once, with its last base event.

    With an offset the base events move, and the conversions that they led to with them.
    """
    name, metric_input = group.columns[0]
    how = metric_input.how
    base_model = builder.catalog.models[how.base.measure.model]
    goal_model = builder.catalog.models[how.conversion.measure.model]
    base, extra = offset_scan(builder, base_model, how.base.measure.agg_time, query, metric_input.offsets)
    by_days = bool(base.joins)  # the time spine shows a base event on each day that looks at it, if any does
    base.joins[:] = [replace(join, kind="LEFT") for join in base.joins]
    goal = FactScan(builder, goal_model, how.conversion.measure.agg_time)
    grain = coarsest([base.own_grain(), goal.own_grain()])
    events = _base_events(base, query, metric_input, grain, extra)
    keys = tuple(i.name for i in query.items)
    rank, checks = _last_base_event(keys, by_days=by_days)
    if metric_input.offsets:
        checks.append(Column("is_seen", column("base", "is_seen")))
    measured = Column("measured", column("goal", "measured"))
    matched = Select(
        Source(events, "base"),
        tuple(Column(k, column("base", k)) for k in keys),
        (measured, Column("entity_key", column("base", "entity_key")), rank, *checks),
        (Join(Source(_goal_events(goal, how, grain), "goal"), _within_window(how), "INNER"),),
    )
    return Select(
        Source(matched, "matched"),
        tuple(Column(k, column("matched", k)) for k in keys),
        (Column(name, aggregate(how.conversion.measure, column("matched", "measured"))),),
        where=(
            eq(column("matched", "recency"), exp.Literal.number(1)),
            *(column("matched", c.name) for c in checks),
        ),
        having=_threshold_condition(base, how.entity),
        grouped=True,
        eager=False,
    )


def _base_events(
    base: FactScan, query: ResolvedQuery, metric_input: ConversionInput, grain: str, extra: list[exp.Expr]
) -> Select:
    """The base events that the query's filters leave. `extra` tells which of them an offset shows: what it
    does not show still takes the conversions that it led to.
    """
    how = metric_input.how
    keys = [Column(i.name, base.column(i)) for i in query.items]
    keys.append(Column("entity_key", _key(base, base.model, how.entity)))
    keys.append(Column("happened_at", trunc(base.own_time(), grain)))
    keys.append(Column("shown_at", base.time()))
    values = [
        Column(f"constant_{n}", _property(base, base.model, name))
        for n, (name, _) in enumerate(how.constants)
    ]
    if metric_input.offsets:
        is_seen = exp.and_(*extra, exp.not_(base.time().is_(exp.null())))
        values.append(Column("is_seen", is_seen))
    where = tuple(base.conditions(query, metric_input))
    return Select(base.source, tuple(keys), tuple(values), where=where, joins=tuple(base.joins))


def _goal_events(goal: FactScan, how: Conversion, grain: str) -> Select:
    """The conversion events, numbered, with what is measured of them."""
    keys = (
        Column("entity_key", _key(goal, goal.model, how.entity)),
        Column("happened_at", trunc(goal.time(), grain)),
    )
    constants = (
        Column(f"constant_{n}", _property(goal, goal.model, name))
        for n, (_, name) in enumerate(how.constants)
    )
    values = (
        *constants,
        Column("measured", bind(how.conversion.measure.expr, goal.alias)),
        Column("goal_number", exp.Window(this=exp.RowNumber())),
    )
    where = tuple(goal.condition(p) for p in goal_filters(goal.builder, how.conversion))
    return Select(goal.source, keys, values, where=where, joins=tuple(goal.joins))


def _within_window(how: Conversion) -> exp.Expr | None:
    """Which base events may have led to a conversion: of the same entity, before it, within the window."""
    at, then = column("goal", "happened_at"), column("base", "happened_at")
    on = [eq(column("base", "entity_key"), column("goal", "entity_key")), exp.LTE(this=then, expression=at)]
    if how.window is not None:
        on.append(exp.GT(this=then.copy(), expression=minus(at.copy(), how.window)))
    on += [
        eq(column("base", f"constant_{n}"), column("goal", f"constant_{n}"))
        for n in range(len(how.constants))
    ]
    return conjunction(on)


def _last_base_event(keys: tuple[str, ...], *, by_days: bool) -> tuple[Column, list[Column]]:
    """The rank of a base event among those of a conversion, and what else must hold of the one that counts.

    Of events at one instant it is always the same one. `by_days`: an event may show on several days.
    """
    then, goal = column("base", "happened_at"), column("goal", "goal_number")
    latest = [exp.Ordered(this=then, desc=True)]
    latest += [exp.Ordered(this=column("base", k), nulls_first=False) for k in keys]
    rank = exp.Window(
        this=exp.RowNumber(),
        partition_by=[goal, *([column("base", "shown_at")] if by_days else [])],
        order=exp.Order(expressions=latest),
    )
    if not by_days:
        return Column("recency", rank), []
    last = exp.Window(this=exp.Max(this=then.copy()), partition_by=[goal.copy()])
    return Column("recency", rank), [Column("is_last", eq(then.copy(), last))]


def goal_filters(builder: PlanBuilder, simple: SimpleMetric) -> list[Predicate]:
    """The filters of the conversion metric itself; those of the query speak of the base events."""
    grains = frozenset(builder.catalog.custom_grains)
    return [parse_predicate(f, grains, True) for f in simple.filters]


def _threshold_condition(base: FactScan, entity: str) -> tuple[exp.Expr, ...]:
    minimum_group = base.builder.restriction.minimum_group
    if minimum_group is None or not threshold_condition(base):
        return ()
    key = column("matched", "entity_key")
    if minimum_group.entity != entity:
        from ..errors import UnsupportedError

        raise UnsupportedError(
            f"Groups of {minimum_group.entity} cannot be counted behind conversions of {entity}."
        )
    counted = exp.Count(this=exp.Distinct(expressions=[key]))
    return (exp.GTE(this=counted, expression=exp.Literal.number(minimum_group.size)),)


def _key(scan: FactScan, model: Model, entity: str) -> exp.Expr:
    if entity not in model.entities:
        raise UnknownNameError(f"The entity {entity} of a conversion does not exist in {model.name}.")
    return bind(model.entities[entity].expr, scan.alias)


def _property(scan: FactScan, model: Model, name: str) -> exp.Expr:
    return scan.column(
        GroupByItem((), name)
        if "__" not in name
        else GroupByItem(tuple(name.split("__")[:-1]), name.rsplit("__", maxsplit=1)[-1])
    )
