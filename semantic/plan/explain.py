"""A plan as indented text, for people.

>>> from semantic.ast import column
>>> from semantic.plan.nodes import Column
>>> regions = Select(Source(Table("main.dim_location"), "l"), (Column("region", column("l", "region")),))
>>> print(explain_plan(Plan(regions), ["not read: daily_sales (region is not kept)"]))
answer:
  select keys by region
    from main.dim_location as l
not read: daily_sales (region is not kept)
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from .nodes import Plan, Ref, ScalarSubquery, Select, Source, Table, Union


def explain_plan(plan: Plan, notes: Iterable[str] = ()) -> str:
    """One line per node; inputs are indented below what reads them. Notes come last, each once."""
    lines: list[str] = []
    for name, node in plan.ctes:
        lines.append(f"{name}:")
        lines += _query(node, 1)
    lines.append("answer:")
    lines += _query(plan.body, 1)
    return "\n".join(lines + list(dict.fromkeys(notes)))


def _query(node: Select | Union, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(node, Union):
        return [f"{pad}union of keys", *(line for part in node.parts for line in _query(part, depth + 1))]
    verb = "aggregate" if node.grouped else "distinct" if node.distinct else "select"
    lines = [f"{pad}{verb} {', '.join(c.name for c in node.values) or 'keys'}"]
    if node.keys:
        lines[0] += f" by {', '.join(c.name for c in node.keys)}"
    for condition in node.where:
        lines.append(f"{pad}  where {condition.sql('duckdb')}")
        lines += _subqueries(condition, depth + 2)
    lines += [f"{pad}  having {h.sql('duckdb')}" for h in node.having]
    if node.order:
        lines.append(
            f"{pad}  order by {', '.join(e.sql('duckdb') + (' desc' if d else '') for e, d in node.order)}"
        )
    if node.limit is not None:
        lines.append(f"{pad}  limit {node.limit}")
    if node.offset:
        lines.append(f"{pad}  offset {node.offset}")
    if node.source is not None:
        lines += _source("from", node.source, depth + 1)
    for join in node.joins:
        on = f" on {join.on.sql('duckdb')}" if join.on is not None else ""
        lines += _source(f"{join.kind.lower()} join", join.source, depth + 1, on)
    return lines


def _subqueries(condition: exp.Expr, depth: int) -> list[str]:
    subqueries = map(ScalarSubquery.within, condition.find_all(exp.Var))
    return [
        line for subquery in subqueries if subquery is not None for line in _query(subquery.select, depth)
    ]


def _source(verb: str, source: Source, depth: int, suffix: str = "") -> list[str]:
    pad = "  " * depth
    node = source.node
    if isinstance(node, Ref):
        return [f"{pad}{verb} {node.name}{suffix}"]
    if isinstance(node, Table):
        rules = "".join(f" [rows: {r.sql('duckdb')}]" for r in node.rules)
        what = f"rollup {node.rollup}" if node.rollup else f"{node.relation} as {source.alias}"
        lines = [f"{pad}{verb} {what}{rules}{suffix}"]
        return [*lines, *(line for rule in node.rules for line in _subqueries(rule, depth + 1))]
    return [f"{pad}{verb} {source.alias}{suffix}:", *_query(node, depth + 1)]
