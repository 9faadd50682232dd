"""The logical plan: frozen relational nodes. Rules rewrite it, the renderer turns it into SQL.

>>> from semantic.ast import column
>>> products = Source(Table("main.dim_product"), "p")
>>> rows(Select(products, (Column("brand", column("p", "brand")),), distinct=True))
big
own
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp


@dataclass(frozen=True)
class Table:
    """A physical table, reduced to the rows that the reader may see. `rollup`: its name, where it is one."""

    relation: str
    rules: tuple[exp.Expr, ...] = ()
    rollup: str = ""


@dataclass(frozen=True)
class Ref:
    """A common table expression of the same plan."""

    name: str


@dataclass(frozen=True)
class Source:
    """Something to select from, under an alias."""

    node: Table | Ref | Select | Union
    alias: str


@dataclass(frozen=True)
class Join:
    """A join to a source. kind: LEFT, INNER, CROSS or FULL."""

    source: Source
    on: exp.Expr | None
    kind: str = "LEFT"


@dataclass(frozen=True)
class Column:
    """An output column."""

    name: str
    expr: exp.Expr


@dataclass(frozen=True)
class Select:
    """Rows of a source and its joins; with values or `grouped`, one row per combination of keys."""

    source: Source | None
    keys: tuple[Column, ...] = ()
    values: tuple[Column, ...] = ()
    joins: tuple[Join, ...] = ()
    where: tuple[exp.Expr, ...] = ()
    having: tuple[exp.Expr, ...] = ()
    grouped: bool = False
    distinct: bool = False
    order: tuple[tuple[exp.Expr, bool], ...] = ()
    limit: int | None = None
    offset: int = 0
    title: str = ""
    eager: bool = field(default=True)

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.keys + self.values


@dataclass(frozen=True)
class Union:
    """The distinct rows of several selects with the same columns."""

    parts: tuple[Select, ...]


@dataclass(frozen=True)
class ScalarSubquery:
    """A select of one column whose values a condition compares with: `x <= (…)`, `x IN (…)`.

    It is in an expression as a variable that only `to_sql` writes out, wherever in it that is.
    """

    select: Select

    def expression(self) -> exp.Expr:
        """The place in a condition that stands for the values."""
        return exp.Var(this="subquery", node=self)

    @staticmethod
    def within(node: exp.Expr) -> ScalarSubquery | None:
        """The subquery that a part of a condition stands for, if it is one."""
        inside = node.args.get("node") if isinstance(node, exp.Var) else None
        return inside if isinstance(inside, ScalarSubquery) else None


@dataclass(frozen=True)
class Plan:
    """Named subqueries in order of use, and the select that answers."""

    body: Select
    ctes: tuple[tuple[str, Select | Union], ...] = ()


@dataclass(frozen=True)
class ProbeRows:
    """A probe before it is written as SQL: the rows by their finest groups and entities.

    `by_bucket`: they are counted and weighed by bucket already. `amounts`: how many sums of the query its
    rows hold, each by entity, as `amount__0` on. `ctes`: subqueries that only the probe reads.
    """

    rows: Select
    cell: tuple[str, ...]
    answer_keys: tuple[str, ...]
    model: str
    by_bucket: bool = False
    ctes: tuple[tuple[str, Select | Union], ...] = ()
    amounts: int = 0

    @cached_property
    def name(self) -> str:
        """The same for the same rows, within one process."""
        return f"{hash((self.rows, self.ctes)) % 2**64:016x}"


@dataclass(frozen=True)
class Part:
    """What a part of the planner gives back: a select, and the probes of the groups that it shows."""

    select: Select
    probes: tuple[ProbeRows, ...] = ()


def selects(node: Plan | Select | Union | Source) -> Iterator[Select]:
    """Every select of a plan."""
    match node:
        case Plan():
            for _, part in node.ctes:
                yield from selects(part)
            yield from selects(node.body)
        case Union():
            for select in node.parts:
                yield from selects(select)
        case Select():
            yield node
            for source in (node.source, *(j.source for j in node.joins)):
                if source is not None:
                    yield from selects(source)
        case Source() if isinstance(node.node, (Select, Union)):
            yield from selects(node.node)
