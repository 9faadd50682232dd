"""SELECT … FROM (SELECT … FROM metrics): what BI tools wrap around a query, computed on its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from ..ast.bind import ident
from ..definitions.restriction import Restriction
from ..errors import InvalidQueryError, UnsupportedError
from ..layer import CompiledQuery, OutputColumn, SemanticLayer
from ..query.scalar import check_scalar
from .clauses import limited

AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)
Inner = Callable[[SemanticLayer, exp.Select, Restriction | None], tuple[exp.Select, CompiledQuery]]


def around(
    read: Inner,
    layer: SemanticLayer,
    select: exp.Select,
    source: exp.Subquery,
    restriction: Restriction | None,
) -> tuple[exp.Select, CompiledQuery]:
    """A plain SELECT around a semantic query: its columns, counts of its rows, filters, order, limit."""
    tree, compiled = read(layer, source.this, restriction)
    alias = source.alias or "inner_query"
    names = _InnerColumns({c.name.lower(): c for c in compiled.columns}, alias)
    columns, expressions = _outer_columns(select, names, compiled.columns)
    outer = exp.Select(expressions=expressions)
    outer = outer.from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=ident(alias))), copy=False)
    for clause, add in (("where", outer.where), ("having", outer.having)):
        if select.args.get(clause) is not None:
            add(names.expression(select.args[clause].this), copy=False)
    if select.args.get("group") is not None:
        outer.set("group", _group(select.args["group"], names))
    if select.args.get("order") is not None:
        outer.set("order", _order(select.args["order"], names, {c.name.lower() for c in columns}))
    if select.args.get("distinct"):
        outer.set("distinct", exp.Distinct())
    limited(select, outer)
    return outer, replace(compiled, columns=columns, key=hash(outer.sql()))


@dataclass(frozen=True)
class _InnerColumns:
    """The columns of the inner query, by lower-case name, under its alias."""

    columns: dict[str, OutputColumn]
    alias: str

    def expression(self, node: exp.Expr) -> exp.Expr:
        """An expression over the inner query's columns. Raises for all but plain aggregates."""
        done = node.copy().transform(self._column, copy=False)
        for aggregate in list(done.find_all(*AGGREGATES)):
            inside = aggregate.this
            argument = inside.expressions[0] if isinstance(inside, exp.Distinct) else inside
            if not isinstance(argument, (exp.Star, exp.Column)):
                raise UnsupportedError(
                    f"{node.sql()[:80]} is not understood.", hint="Aggregate a column of the inner query."
                )
        scalar = done.copy()
        if isinstance(scalar, AGGREGATES):
            return done
        for aggregate in list(scalar.find_all(*AGGREGATES)):
            aggregate.replace(exp.null())
        check_scalar(scalar, node.sql()[:80])
        return done

    def _column(self, part: exp.Expr) -> exp.Expr:
        if not isinstance(part, exp.Column):
            return part
        column = self.columns.get(part.name.lower())
        if column is None or (part.table and part.table.lower() != self.alias.lower()):
            raise InvalidQueryError(f"{part.sql()[:80]} is no column of the inner query.")
        return exp.Column(this=ident(column.name), table=ident(self.alias))


def _outer_columns(
    select: exp.Select, names: _InnerColumns, inner: tuple[OutputColumn, ...]
) -> tuple[tuple[OutputColumn, ...], list[exp.Expr]]:
    """The outer query's columns, described, and as SQL."""
    columns: list[OutputColumn] = []
    expressions: list[exp.Expr] = []
    for expression in select.expressions:
        if isinstance(expression, exp.Star):
            expressions += [exp.column(ident(c.name), table=ident(names.alias)) for c in inner]
            columns += inner
            continue
        body = names.expression(expression.unalias())
        name = expression.alias_or_name or expression.sql("duckdb")[:60]
        expressions.append(exp.alias_(body, ident(name)))
        source = names.columns.get(body.name.lower()) if isinstance(body, exp.Column) else None
        columns.append(replace(source or OutputColumn(name, "metric", name), name=name))
    return tuple(columns), expressions


def _group(group: exp.Group, names: _InnerColumns) -> exp.Group:
    if group.args.get("all"):
        return exp.Group(all=True)
    return exp.Group(expressions=[names.expression(g) for g in group.expressions])


def _order(order: exp.Order, names: _InnerColumns, aliases: set[str]) -> exp.Order:
    """In ORDER BY a name is the outer column, where there is one of that name."""
    keys = []
    for key in order.expressions:
        node = key.this
        by_alias = isinstance(node, exp.Column) and node.name.lower() in aliases
        body = exp.column(node.name, quoted=True) if by_alias else names.expression(node)
        keys.append(
            exp.Ordered(this=body, desc=key.args.get("desc"), nulls_first=key.args.get("nulls_first"))
        )
    return exp.Order(expressions=keys)
