"""What semantic SQL computes on the governed answer, ready to be written around the SQL of any plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp

from ..ast.bind import ident
from ..plan.compiled import CompiledQuery, Lineage, OutputColumn
from .clauses import limited
from .reading import ANSWER


@dataclass(frozen=True)
class SqlShape(ABC):
    """`select` is the statement; shapes of the same statement are equal (`sql`)."""

    sql: str
    select: exp.Select = field(compare=False)

    @abstractmethod
    def tree(self, answer: CompiledQuery | None) -> tuple[exp.Select, CompiledQuery]:
        """The statement over the answer, and what is known of its columns."""

    def over(self, answer: CompiledQuery | None, dialect: str) -> CompiledQuery:
        """The compiled statement over the compiled answer."""
        tree, compiled = self.tree(answer)
        return replace(compiled, sql=tree.sql(dialect=dialect, pretty=True), dialect=dialect)


@dataclass(frozen=True)
class CoreShape(SqlShape):
    """SELECT … FROM metrics: expressions over the columns of the answer, `answer.<key or metric>`.

    `keys` are the answer's keys as the statement calls them; a grain may have been settled since.
    """

    columns: tuple[tuple[str, exp.Expr], ...] = field(compare=False)
    conditions: tuple[exp.Expr, ...] = field(compare=False)
    order: tuple[exp.Expr, ...] = field(compare=False)
    keys: tuple[str, ...] = field(compare=False)

    def tree(self, answer: CompiledQuery | None) -> tuple[exp.Select, CompiledQuery]:
        if answer is None:
            return self._constants()
        names = dict(zip(self.keys, answer.keys, strict=True))
        inner = sqlglot.parse_one(answer.sql, dialect="duckdb")
        tree = exp.select(*[exp.alias_(_renamed(e, names), ident(n)) for n, e in self.columns])
        tree = tree.from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=ident(ANSWER))))
        if self.select.args.get("distinct"):
            tree.set("distinct", exp.Distinct())
        for condition in self.conditions:
            tree = tree.where(_renamed(condition, names), copy=False)
        if self.order:
            tree.set("order", exp.Order(expressions=[_renamed(o, names) for o in self.order]))
        limited(self.select, tree)
        described = {c.name: c for c in answer.columns}
        columns = tuple(_described(n, e, names, described) for n, e in self.columns)
        return tree, replace(answer, columns=columns)

    def _constants(self) -> tuple[exp.Select, CompiledQuery]:
        """No row of a statement that reads nothing."""
        tree = exp.select(*[exp.alias_(e.copy(), ident(n)) for n, e in self.columns]).where(exp.false())
        columns = tuple(OutputColumn(n, "dimension", n) for n, _ in self.columns)
        empty = Lineage((), (), (), {n: () for n, _ in self.columns})
        return tree, CompiledQuery("", columns, empty, "duckdb")


def _renamed(node: exp.Expr, names: dict[str, str]) -> exp.Expr:
    def swap(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column) and part.table == ANSWER:
            return exp.Column(this=ident(names.get(part.name, part.name)), table=ident(ANSWER))
        return part

    return node.copy().transform(swap, copy=False)


def _described(
    name: str, node: exp.Expr, names: dict[str, str], columns: dict[str, OutputColumn]
) -> OutputColumn:
    if isinstance(node, exp.Column):
        column = columns.get(names.get(node.name, node.name))
        if column is not None:
            return replace(column, name=name)
    kind = "metric" if node.find(exp.Column) else "dimension"
    return OutputColumn(name, kind, name)
