"""Put aggregated relations together: one row per combination of keys that any of them has.

Each relation is aggregated to the keys before it meets another, so nothing is repeated (no chasm trap) and
NULL keys match NULL keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from .ask import Ask
from .expressions import column
from .plan import Column, Join, Ref, Select, Source, Union
from .rows import Context
from .sqlexpr import both, same

KEYS = "shown_keys"


@dataclass(frozen=True)
class Relation:
    """An aggregated relation and the columns that it gives. `is_days`: keyed by time alone."""

    select: Select
    columns: frozenset[str]
    is_days: bool = False
    is_wrapped: bool = False


@dataclass(frozen=True)
class MetricColumn:
    """An output metric: its expression over relation columns (bare names).

    `needs_presence`: its expression gives a value even where none of its relations has the group.
    """

    name: str
    expr: exp.Expr
    uses: frozenset[str]
    needs_presence: bool = False


def bound(expr: exp.Expr, replacement: Callable[[str], exp.Expr]) -> exp.Expr:
    """The expression with its bare names replaced."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table:
            return replacement(node.name)
        return node

    return expr.copy().transform(swap, copy=False)


def combine(
    context: Context, ask: Ask, relations: list[Relation], metrics: list[MetricColumn],
    add_cte: Callable[[str, Select | Union], str],
) -> Select:  # fmt: skip
    """One select with all metrics."""
    if len(relations) == 1:
        return _single(relations[0], metrics)
    names = [add_cte(_title(r), r.select) for r in relations]
    home = {c: n for n, r in zip(names, relations, strict=True) for c in r.columns}
    rooted = [(n, r) for n, r in zip(names, relations, strict=True) if not r.is_days]
    present = _presence(metrics, rooted, home)
    if present:
        flag = Column("is_present", exp.true())
        for name in {n for flags in present.values() for n in flags}:
            relation = next(r for n, r in rooted if n == name)
            add_cte(name, replace(relation.select, values=(*relation.select.values, flag)))
    values = tuple(_value(m, home, present.get(m.name, ())) for m in metrics)
    keys = [i.name for i in ask.items]
    if not keys:
        return _one_row(context, rooted, [n for n in names if n not in dict(rooted)], values)
    shown = _keys_of(rooted, keys, add_cte)
    joins = tuple(_join(n, r, shown) for n, r in zip(names, relations, strict=True) if n != shown)
    return Select(Source(Ref(shown), shown), tuple(Column(k, column(shown, k)) for k in keys), values, joins)


def _single(relation: Relation, metrics: list[MetricColumn]) -> Select:
    """Without a second relation there is nothing to combine: metrics are computed in the aggregation."""
    select = relation.select
    if select.grouped:
        by_name: Mapping[str, exp.Expr] = {v.name: v.expr for v in select.values}
        values = tuple(Column(m.name, bound(m.expr, lambda n: by_name[n].copy())) for m in metrics)
        return replace(select, values=values)
    if not select.distinct and all(isinstance(m.expr, exp.Column) for m in metrics):
        by_name = {v.name: v.expr for v in select.values}
        return replace(select, values=tuple(Column(m.name, by_name[m.expr.name]) for m in metrics))
    alias = "computed"
    return Select(
        Source(select, alias),
        tuple(Column(k.name, column(alias, k.name)) for k in select.keys),
        tuple(Column(m.name, bound(m.expr, lambda n: column(alias, n))) for m in metrics),
    )


def _title(relation: Relation) -> str:
    return f"{sorted(relation.columns)[0]}_by_key" if relation.columns else "data"


def _presence(metrics: list[MetricColumn], rooted: list[tuple[str, Relation]], home: Mapping[str, str]) -> dict[str, tuple[str, ...]]:  # fmt: skip
    """For metrics that would invent a value for groups they do not have: the relations to look at."""
    flags: dict[str, tuple[str, ...]] = {}
    everything = {n for n, _ in rooted}
    for metric in metrics:
        mine = {home[u] for u in metric.uses if home[u] in everything}
        if metric.needs_presence and mine and mine != everything:
            flags[metric.name] = tuple(sorted(mine))
    return flags


def _value(metric: MetricColumn, home: Mapping[str, str], present: tuple[str, ...]) -> Column:
    expr = bound(metric.expr, lambda n: column(home[n], n))
    if present:
        found = [exp.not_(column(n, "is_present").is_(exp.null())) for n in present]
        expr = exp.Case().when(exp.or_(*found, copy=False), expr, copy=False)
    return Column(metric.name, expr)


def _keys_of(rooted: list[tuple[str, Relation]], keys: list[str], add_cte: Callable[[str, Select | Union], str]) -> str:  # fmt: skip
    if len(rooted) == 1:
        return rooted[0][0]
    parts = tuple(Select(Source(Ref(n), n), tuple(Column(k, column(n, k)) for k in keys)) for n, _ in rooted)
    return add_cte(KEYS, Union(parts))


def _join(name: str, relation: Relation, shown: str) -> Join:
    on = both(same(column(shown, k.name), column(name, k.name)) for k in relation.select.keys)
    return Join(Source(Ref(name), name), on, "LEFT" if on is not None else "CROSS")


def _one_row(context: Context, rooted: list[tuple[str, Relation]], days: list[str], values: tuple[Column, ...]) -> Select:  # fmt: skip
    names = [n for n, _ in rooted] + days
    if context.restriction.smallest_group is None:
        joins = tuple(Join(Source(Ref(n), n), None, "CROSS") for n in names[1:])
        return Select(Source(Ref(names[0]), names[0]), (), values, joins)
    one = Select(None, (), (Column("one", exp.Literal.number(1)),))
    joins = tuple(Join(Source(Ref(n), n), exp.true(), "LEFT") for n in names)
    return Select(Source(one, "one_row"), (), values, joins)
