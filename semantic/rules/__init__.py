"""Rewrites of the plan, one a file, in order. Each maps a select to one that gives the same rows, faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..plan.nodes import Join, Plan, Select, Source, Table, Union, selects
from .aggregate_before_join import aggregate_before_join
from .read_rollup import read_rollup, why_not
from .statistics import Statistics

Rule = Callable[[Select, Statistics], Select]

RULES: tuple[Rule, ...] = (read_rollup, aggregate_before_join)


def rewrite(plan: Plan, statistics: Statistics) -> Plan:
    """The plan with every rule applied to every select, innermost first."""
    ctes = tuple((name, _node(node, statistics)) for name, node in plan.ctes)
    body = _select(plan.body, statistics)
    return Plan(body, ctes)


def _node(node: Select | Union, statistics: Statistics) -> Select | Union:
    if isinstance(node, Union):
        return Union(tuple(_select(part, statistics) for part in node.parts))
    return _select(node, statistics)


def _select(select: Select, statistics: Statistics) -> Select:
    source = _source(select.source, statistics) if select.source is not None else None
    joins = tuple(_join(j, statistics) for j in select.joins)
    if source is not select.source or joins != select.joins:
        select = replace(select, source=source, joins=joins)
    for rule in RULES:
        select = rule(select, statistics)
    return select


def _join(join: Join, statistics: Statistics) -> Join:
    source = _source(join.source, statistics)
    return join if source is join.source else replace(join, source=source)


def _source(source: Source, statistics: Statistics) -> Source:
    if not isinstance(source.node, (Select, Union)):
        return source
    node = _node(source.node, statistics)
    return source if node is source.node else replace(source, node=node)


def rollups_not_read(plan: Plan, statistics: Statistics) -> Iterator[str]:
    """The rollups of facts that are read in full, each with the first thing that it lacks."""
    for select in selects(plan):
        table = select.source.node if select.source is not None else None
        if isinstance(table, Table):
            for coverage in statistics.rollups.get(table.relation, ()):
                if reason := why_not(select, coverage, statistics):
                    yield f"not read: {coverage.rollup.name} ({reason})"


def rollups_read(plan: Plan) -> dict[str, str]:
    """The rollups that a plan reads, by name, and their relations."""
    relations = {}
    for select in selects(plan):
        table = select.source.node if select.source is not None else None
        if isinstance(table, Table) and table.rollup:
            relations[table.rollup] = table.relation
    return relations


__all__ = ["RULES", "Statistics", "rewrite", "rollups_not_read", "rollups_read"]
