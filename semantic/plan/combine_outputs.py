"""Put aggregated relations together: one row per combination of keys that any of them has.

Each relation is aggregated to the keys before it meets another, so nothing is repeated (no chasm trap) and
NULL keys match NULL keys.

    >>> sales, stock = [("2024-01-30", "p1", 10)], [("2024-01-30", "p1", 8), ("2024-01-30", "p3", 4)]
    >>> answer("net_sales inventory_on_hand_units", "product__department", sales=sales, stock=stock)
    DRUG None 4
    GROCERY 10 8
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from ..ast.bind import column
from ..ast.constructors import conjunction, same
from ..query.resolved import ResolvedQuery
from .builder import PlanBuilder
from .nodes import Column, Join, Ref, Select, Source, Union

KEYS = "shown_keys"


@dataclass(frozen=True)
class Relation:
    """An aggregated relation and the columns that it gives. `is_days`: keyed by time alone."""

    select: Select
    columns: frozenset[str]
    is_days: bool = False


@dataclass(frozen=True)
class MetricColumn:
    """An output metric: its expression over relation columns (bare names).

    `needs_presence`: its expression gives a value even where none of its relations has the group.
    """

    name: str
    expr: exp.Expr
    inputs: frozenset[str]
    needs_presence: bool = False


def bound(expr: exp.Expr, replacement: Callable[[str], exp.Expr]) -> exp.Expr:
    """The expression with its bare names replaced."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table:
            return replacement(node.name)
        return node

    return expr.copy().transform(swap, copy=False)


def combine_outputs(
    builder: PlanBuilder, query: ResolvedQuery, relations: list[Relation], metrics: list[MetricColumn]
) -> Select:
    """One select with all metrics."""
    if len(relations) == 1:
        return _single(relations[0], metrics)
    relations = _flagged(relations, metrics)
    homes = [NamedRelation(builder.add_cte(_title(r), r.select), r) for r in relations]
    home = {c: h for h in homes for c in h.relation.columns}
    values = tuple(_value(m, home, homes) for m in metrics)
    keys = [i.name for i in query.items]
    if not keys:
        return _one_row(builder, homes, values)
    keys_from = _keys_of(builder, [h for h in homes if not h.relation.is_days], keys)
    joins = tuple(_join(h, keys_from) for h in homes if h.name != keys_from)
    return Select(
        Source(Ref(keys_from), keys_from), tuple(Column(k, column(keys_from, k)) for k in keys), values, joins
    )


@dataclass(frozen=True)
class NamedRelation:
    """A relation under the name of its common table expression."""

    name: str
    relation: Relation


def _single(relation: Relation, metrics: list[MetricColumn]) -> Select:
    """Without a second relation there is nothing to combine: metrics are computed in the aggregation."""
    select = relation.select
    by_name: Mapping[str, exp.Expr] = {v.name: v.expr for v in select.values}
    if select.grouped:
        values = tuple(Column(m.name, bound(m.expr, lambda n: by_name[n].copy())) for m in metrics)
        return replace(select, values=values)
    if not select.distinct and all(isinstance(m.expr, exp.Column) for m in metrics):
        return replace(select, values=tuple(Column(m.name, by_name[m.expr.name]) for m in metrics))
    alias = "computed"
    return Select(
        Source(select, alias),
        tuple(Column(k.name, column(alias, k.name)) for k in select.keys),
        tuple(Column(m.name, bound(m.expr, lambda n: column(alias, n))) for m in metrics),
    )


def _title(relation: Relation) -> str:
    return f"{min(relation.columns)}_by_key" if relation.columns else "data"


PRESENT = "is_present"


def _flagged(relations: list[Relation], metrics: list[MetricColumn]) -> list[Relation]:
    """Relations with a mark on their rows, where a metric would invent a value for groups it lacks."""
    wanted = {u for m in metrics if m.needs_presence for u in m.inputs}
    return [
        replace(r, select=replace(r.select, values=(*r.select.values, Column(PRESENT, exp.true()))))
        if wanted & r.columns and not r.is_days and not r.select.distinct
        else r
        for r in relations
    ]


def _value(metric: MetricColumn, home: Mapping[str, NamedRelation], homes: list[NamedRelation]) -> Column:
    expr = bound(metric.expr, lambda n: column(home[n].name, n))
    rooted = {h.name for h in homes if not h.relation.is_days}
    homes_used = {home[u].name: home[u].relation for u in metric.inputs if home[u].name in rooted}
    marked = all(any(v.name == PRESENT for v in r.select.values) for r in homes_used.values())
    if metric.needs_presence and homes_used and marked and set(homes_used) != rooted:
        present = [exp.not_(column(n, PRESENT).is_(exp.null())) for n in sorted(homes_used)]
        expr = exp.Case().when(exp.or_(*present, copy=False), expr, copy=False)
    return Column(metric.name, expr)


def _keys_of(builder: PlanBuilder, rooted: list[NamedRelation], keys: list[str]) -> str:
    """The name of what holds every combination of keys."""
    if len(rooted) == 1:
        return rooted[0].name
    parts = [
        Select(Source(Ref(h.name), h.name), tuple(Column(k, column(h.name, k)) for k in keys)) for h in rooted
    ]
    return builder.add_cte(KEYS, Union(tuple(parts)))


def _join(home: NamedRelation, keys_from: str) -> Join:
    on = conjunction(
        same(column(keys_from, k.name), column(home.name, k.name)) for k in home.relation.select.keys
    )
    return Join(Source(Ref(home.name), home.name), on, "LEFT" if on is not None else "CROSS")


def _one_row(builder: PlanBuilder, homes: list[NamedRelation], values: tuple[Column, ...]) -> Select:
    """Totals side by side. Where groups may be suppressed, a missing total leaves the others standing."""
    names = [h.name for h in homes]
    if builder.restriction.minimum_group is None:
        joins = tuple(Join(Source(Ref(n), n), None, "CROSS") for n in names[1:])
        return Select(Source(Ref(names[0]), names[0]), (), values, joins)
    one = Select(None, (), (Column("one", exp.Literal.number(1)),))
    joins = tuple(Join(Source(Ref(n), n), exp.true(), "LEFT") for n in names)
    return Select(Source(one, "one_row"), (), values, joins)
