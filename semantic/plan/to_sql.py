"""Plan to SQL: frozen nodes become one sqlglot tree, which prints in any dialect.

>>> from semantic.ast import column
>>> from semantic.plan.nodes import Column
>>> regions = Select(Source(Table("main.dim_location"), "l"), (Column("region", column("l", "region")),))
>>> print(to_sql(Plan(regions), "duckdb"))
SELECT
  l.region AS region
FROM main.dim_location AS l
>>> rows(regions)
East
West
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import ident, named_table
from ..ast.memoize import memoize_by_identity
from .nodes import Plan, Ref, ScalarSubquery, Select, Source, Table, Union


def to_tree(plan: Plan, *, comments: bool = False) -> exp.Select:
    """The sqlglot tree of a plan."""
    tree = _select(plan.body, comments)
    for name, node in plan.ctes:
        tree = tree.with_(ident(name), as_=_query(node, comments), copy=False)
    return tree


def to_sql(plan: Plan, dialect: str, *, comments: bool = False) -> str:
    """The SQL of a plan. Tables under row rules, the same in query after query, are printed once."""
    tree = _select(plan.body, comments, dialect)
    for name, node in plan.ctes:
        tree = tree.with_(ident(name), as_=_query(node, comments, dialect), copy=False)
    return str(tree.sql(dialect=dialect, pretty=True))


def _query(node: Select | Union, comments: bool, dialect: str = "") -> exp.Query:
    if isinstance(node, Select):
        return _select(node, comments, dialect)
    tree: exp.Query = _select(node.parts[0], comments, dialect)
    for part in node.parts[1:]:
        tree = exp.union(tree, _select(part, comments, dialect), distinct=True, copy=False)
    return tree


def _source(source: Source, comments: bool, dialect: str) -> exp.Expr:
    node = source.node
    if isinstance(node, Ref):
        table = exp.Table(this=ident(node.name))
        return table if source.alias == node.name else exp.alias_(table, ident(source.alias), table=True)
    if isinstance(node, Table):
        table = named_table(node.relation)
        if not node.rules:
            same = table.name == source.alias
            return table if same else exp.alias_(table, ident(source.alias), table=True, copy=False)
        if not dialect:
            return _ruled(node, source.alias)
        return exp.Var(this=_table_text(node, source.alias, dialect))
    query = _query(node, comments, dialect)
    return exp.Subquery(this=query, alias=exp.TableAlias(this=ident(source.alias)))


def _ruled(node: Table, alias: str) -> exp.Subquery:
    inner = exp.select("*").from_(named_table(node.relation), copy=False)
    inner = inner.where(*[expression_tree(rule) for rule in node.rules], copy=False)
    return inner.subquery(ident(alias), copy=False)


@memoize_by_identity(1024)
def _table_text(table: Table, alias: str, dialect: str) -> str:
    """The text of a table under row rules."""
    return str(_ruled(table, alias).sql(dialect=dialect))


def _select(node: Select, comments: bool, dialect: str = "") -> exp.Select:
    tree = exp.Select()
    columns = [exp.Alias(this=expression_tree(c.expr), alias=ident(c.name)) for c in node.columns]
    tree.set("expressions", columns or [exp.Literal.number(1)])
    if node.distinct:
        tree.set("distinct", exp.Distinct())
    if node.source is not None:
        tree = tree.from_(_source(node.source, comments, dialect), copy=False)
    for join in node.joins:
        tree.append(
            "joins",
            exp.Join(
                this=_source(join.source, comments, dialect),
                side=join.kind if join.kind in ("LEFT", "FULL") else None,
                kind=join.kind if join.kind in ("INNER", "CROSS") else None,
                on=expression_tree(join.on) if join.on is not None else None,
            ),
        )
    if node.where:
        tree = tree.where(*[expression_tree(w) for w in node.where], copy=False)
    if node.grouped and node.keys:
        tree.set("group", exp.Group(expressions=[exp.Literal.number(i + 1) for i in range(len(node.keys))]))
    if node.having:
        tree = tree.having(*[expression_tree(h) for h in node.having], copy=False)
    if node.order:
        ordered = [exp.Ordered(this=e.copy(), desc=d, nulls_first=False) for e, d in node.order]
        tree.set("order", exp.Order(expressions=ordered))
    if node.limit is not None:
        tree.set("limit", exp.Limit(expression=exp.Literal.number(node.limit)))
    if node.offset:
        tree.set("offset", exp.Offset(expression=exp.Literal.number(node.offset)))
    if comments and node.title:
        tree.add_comments([" " + node.title.replace("*/", "") + " "])
    return tree


def expression_tree(expression: exp.Expr) -> exp.Expr:
    """A copy with its subqueries written out, however deep in it they are."""
    tree = expression.copy()
    if isinstance(tree, exp.Column):
        return tree
    for part in list(tree.find_all(exp.Var)):
        if (subquery := ScalarSubquery.within(part)) is not None:
            part.replace(exp.Subquery(this=_select(subquery.select, comments=False)))
    return tree
