"""SELECT … FROM (SELECT … FROM metrics): what BI tools wrap around a query, computed on its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from ..ast.bind import ident
from ..errors import InvalidQueryError
from ..plan.compiled import CompiledQuery, OutputColumn
from ..query.parsed import ParsedQuery
from ..suggest import near
from .clauses import limited, refuse_constant_order
from .computed import check_computed
from .shape import SqlShape

AGGREGATES = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Median, exp.Stddev, exp.StddevPop, exp.StddevSamp,
)  # fmt: skip


def around(inner: ParsedQuery, select: exp.Select, source: exp.Subquery) -> ParsedQuery:
    """A plain SELECT around a semantic query: its columns, counts of its rows, filters, order, limit."""
    if not isinstance(inner.shape, SqlShape):
        raise TypeError("the inner query is not semantic SQL")
    alias = source.alias or "inner_query"
    return replace(inner, shape=OuterShape(select.sql("duckdb"), select, inner.shape, alias))


@dataclass(frozen=True)
class OuterShape(SqlShape):
    """SELECT … FROM (SELECT … FROM metrics) AS alias."""

    inner: SqlShape = field(compare=False)
    alias: str = field(compare=False)

    def tree(self, answer: CompiledQuery | None) -> tuple[exp.Select, CompiledQuery]:
        tree, compiled = self.inner.tree(answer)
        select, names = self.select, _InnerColumns(compiled.columns, self.alias)
        columns, expressions = _outer_columns(select, names, compiled.columns)
        outer = exp.Select(expressions=expressions)
        physical = [ident(f"column_{n}") for n in range(1, len(compiled.columns) + 1)]
        table_alias = exp.TableAlias(this=ident(self.alias), columns=physical)
        outer = outer.from_(exp.Subquery(this=tree, alias=table_alias), copy=False)
        named = {e.alias.lower(): e.this for e in expressions if isinstance(e, exp.Alias)}
        with_aliases = replace(names, aliases=named)
        if select.args.get("where") is not None:
            outer.where(names.expression(select.args["where"].this), copy=False)
        if select.args.get("having") is not None:
            if not isinstance(select.args["having"].this, exp.Condition):
                raise InvalidQueryError("HAVING takes one condition.", hint="Write HAVING COUNT(*) > 1.")
            outer.having(with_aliases.expression(select.args["having"].this), copy=False)
        if select.args.get("group") is not None:
            outer.set("group", _group(select.args["group"], with_aliases))
        if select.args.get("order") is not None:
            outer.set("order", _order(select.args["order"], names, {c.name.lower() for c in columns}))
        if select.args.get("distinct"):
            outer.set("distinct", exp.Distinct())
        limited(select, outer)
        return outer, replace(compiled, columns=columns)


@dataclass(frozen=True)
class _InnerColumns:
    """The columns of the inner query under its alias, by names of their own: theirs may differ by case alone.

    `aliases` are the outer query's, for GROUP BY and HAVING.
    """

    columns: tuple[OutputColumn, ...]
    alias: str
    aliases: dict[str, exp.Expr] = field(default_factory=dict)

    def physical(self, position: int) -> exp.Column:
        return exp.column(ident(f"column_{position + 1}"), table=ident(self.alias))

    def position(self, node: exp.Column) -> int | None:
        """Where a column is: by its exact name, else by the only one that differs in case alone."""
        if node.table and node.table.lower() != self.alias.lower():
            return None
        exact = [n for n, c in enumerate(self.columns) if c.name == node.name]
        alike = exact or [n for n, c in enumerate(self.columns) if c.name.lower() == node.name.lower()]
        if len(alike) > 1:
            raise InvalidQueryError(
                f"{node.sql()[:80]} is the name of {len(alike)} columns of the inner query.",
                hint="Give each a name of its own with AS.",
            )
        return alike[0] if alike else None

    def expression(self, node: exp.Expr) -> exp.Expr:
        """An expression over the inner query's columns: scalars, and aggregates of scalars."""
        done = node.copy().transform(self._column, copy=False)
        text = node.sql()[:80]
        scalar = exp.paren(done.copy())
        for aggregate in list(scalar.find_all(*AGGREGATES)):
            inside = aggregate.this
            for argument in inside.expressions if isinstance(inside, exp.Distinct) else [inside]:
                if not isinstance(argument, exp.Star):
                    check_computed(argument, text)
            aggregate.replace(exp.null())
        check_computed(scalar, text)
        return done

    def _column(self, part: exp.Expr) -> exp.Expr:
        if not isinstance(part, exp.Column):
            return part
        position = self.position(part)
        if position is not None:
            return self.physical(position)
        if not part.table and part.name.lower() in self.aliases:
            return exp.paren(self.aliases[part.name.lower()], copy=True)
        raise InvalidQueryError(
            f"{part.sql()[:80]} is not a column of the inner query.",
            hint=near(part.name, [c.name for c in self.columns]),
        )


def _outer_columns(
    select: exp.Select, names: _InnerColumns, inner: tuple[OutputColumn, ...]
) -> tuple[tuple[OutputColumn, ...], list[exp.Expr]]:
    """The outer query's columns, described, and as SQL."""
    columns: list[OutputColumn] = []
    expressions: list[exp.Expr] = []
    for expression in select.expressions:
        if isinstance(expression, exp.Star):
            expressions += [exp.alias_(names.physical(n), ident(c.name)) for n, c in enumerate(inner)]
            columns += inner
            continue
        written = expression.unalias()
        name = expression.alias_or_name or expression.sql("duckdb")[:60]
        expressions.append(exp.alias_(names.expression(written), ident(name)))
        position = names.position(written) if isinstance(written, exp.Column) else None
        source = inner[position] if position is not None else OutputColumn(name, "metric", name)
        columns.append(replace(source, name=name))
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
        if by_alias:
            body: exp.Expr = exp.column(node.name, quoted=True)
        elif isinstance(node, exp.Literal) and node.is_int:
            body = names.expression(node)
        else:
            body = names.expression(refuse_constant_order(node))
        keys.append(
            exp.Ordered(this=body, desc=key.args.get("desc"), nulls_first=key.args.get("nulls_first"))
        )
    return exp.Order(expressions=keys)
