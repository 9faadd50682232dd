"""Read a rollup instead of its fact, where it answers exactly.

    SUM(f.x) by d.region over f LEFT JOIN d  →  SUM(r.x) by d.region over rollup r LEFT JOIN d

Exact because everything that the select says of a row of the fact (keys, filters, joins, the reader's row
rules) can be said of what the rollup keeps, so that whole rows of the rollup fall into or out of each group,
and every aggregate is made of partial ones. Whatever cannot be derived raises `NotDerivableError`, and the
fact answers.

    >>> from semantic.rules.rollup_columns import coverage_of
    >>> from semantic.definitions.catalog import Rollup, RollupMeasure
    >>> from semantic.query import Resolver
    >>> by_brand = Rollup("by_brand", "by_brand", "fct_sales", (("product__brand", "brand"),),
    ...     (RollupMeasure("units", "sum", "units"),))
    >>> coverage = coverage_of(by_brand, catalog, Resolver(catalog))
    >>> _ = tables.execute("CREATE TABLE by_brand AS SELECT brand, SUM(units) AS units "
    ...     "FROM fct_sales LEFT JOIN dim_product USING (product_id) GROUP BY 1")
    >>> sales = Source(Table("main.fct_sales"), "fct_sales")
    >>> products = Source(Table("main.dim_product"), "dim_product")
    >>> key = exp.EQ(this=column("fct_sales", "product_id"), expression=column("dim_product", "product_id"))
    >>> brand, units = column("dim_product", "brand"), exp.Sum(this=column("fct_sales", "units"))
    >>> select = Select(sales, (Column("brand", brand),), (Column("units", units),), (Join(products, key),),
    ...     grouped=True)
    >>> over = read_rollup(select, Statistics(rollups={"main.fct_sales": (coverage,)}))
    >>> over.source.node.rollup, len(over.joins)
    ('by_brand', 0)
    >>> rows(select)
    big 5
    own 8
    None 2
    >>> rows(over)
    big 5
    own 8
    None 2
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from ..ast.bind import column
from ..ast.constructors import ratio, trunc
from ..ast.grains import RANK, divides, floor
from ..ast.memoize import memoize_by_identity
from ..definitions.aggregations import sum_of_counts
from ..plan.nodes import Column, Join, Select, Source, Table
from .rollup_columns import FACT, CoveredTime, RollupCoverage, Signatures, signature, table_names
from .row_rule import on_rollup_columns, semi_join
from .statistics import Statistics

COARSEST_PART = {"YEAR": "year", "QUARTER": "quarter"}


class NotDerivableError(Exception):
    """What a select needs and a rollup has dropped; the text says it."""


def read_rollup(select: Select, statistics: Statistics) -> Select:
    """The select over the smallest rollup that answers it exactly; otherwise the select itself."""
    source = select.source
    if source is None or not isinstance(source.node, Table):
        return select
    rollups = statistics.rollups.get(source.node.relation, ())
    signatures = Signatures(table_names(source.alias, select.joins)) if rollups else None
    for coverage in rollups:
        try:
            return over_rollup(select, coverage, statistics, signatures)
        except NotDerivableError:
            continue
    return select


def over_rollup(
    select: Select, coverage: RollupCoverage, statistics: Statistics, signatures: Signatures | None = None
) -> Select:
    """The select over one rollup. Raises NotDerivableError, saying why, where that would not be exact.

    `signatures`: of this select, where other rollups are tried, too.
    """
    if not (select.grouped or (select.distinct and not select.values)):
        raise NotDerivableError("single rows are needed")
    if any(j.kind == "FULL" for j in select.joins) or select.source is None:
        raise NotDerivableError("rows of other tables are needed")
    signatures = signatures or Signatures(table_names(select.source.alias, select.joins))
    return _Rewrite(select, select.source, coverage, statistics, signatures).select()


@dataclass(frozen=True)
class _VisibleRollup:
    """The rollup as the reader may see it, and the look-ups that are cut alike: key, table, condition."""

    table: Table
    cut: frozenset[tuple[str, str, str]]


@memoize_by_identity(1024)
def _ruled(table: Table, coverage: RollupCoverage) -> _VisibleRollup | NotDerivableError:
    """The rollup under the row rules of a fact's table; once per reader's table, as it is printed once."""
    rules, cut = [], set()
    for rule in table.rules:
        if not rule.find(exp.Column):
            rules.append(rule)
            continue
        if not isinstance(rule, exp.In) or not rule.args.get("query"):
            return NotDerivableError("a row rule speaks of single rows")
        foreign_key = signature(rule.this, {"": FACT})
        column_name = coverage.columns.get(foreign_key)
        condition = on_rollup_columns(rule, coverage) if column_name is None else None
        if column_name is not None:
            condition = exp.In(this=exp.column(column_name), query=rule.args["query"].copy())
        if condition is None:
            return NotDerivableError(f"the row rule on {rule.this.sql('duckdb')} speaks of what is not kept")
        rules.append(condition)
        if (parts := semi_join(rule)) is not None:
            cut.add((parts.foreign_key, parts.relation, exp.paren(parts.condition.copy()).sql()))
    return _VisibleRollup(_rollup_table(coverage, tuple(rules)), frozenset(cut))


def _visible_rollup(node: object, coverage: RollupCoverage) -> _VisibleRollup:
    """The rollup instead of what a select reads.

    Raises NotDerivableError where the reader's rules need more.
    """
    if not isinstance(node, Table) or not node.rules:
        return _VisibleRollup(_rollup_table(coverage), frozenset())
    visible = _ruled(node, coverage)
    if isinstance(visible, NotDerivableError):
        raise NotDerivableError(str(visible))
    return visible


def _rollup_table(coverage: RollupCoverage, rules: tuple[exp.Expr, ...] = ()) -> Table:
    return Table(coverage.rollup.relation, rules, rollup=coverage.rollup.name)


@memoize_by_identity(1024)
def _rule_texts(table: Table) -> tuple[tuple[str, str], ...]:
    """The row rules of a table as text, each with the table's name."""
    return tuple((table.relation, rule.sql()) for rule in table.rules)


class _Rewrite:
    """One select over one rollup."""

    def __init__(
        self,
        select: Select,
        source: Source,
        coverage: RollupCoverage,
        statistics: Statistics,
        signatures: Signatures,
    ) -> None:
        self.before = select
        self.coverage = coverage
        self.fact = source.alias
        self.table = source.node
        self.alias = coverage.rollup.name
        self.names = signatures.names
        self.signature = signatures.of
        self.dates = statistics.dates
        visible = _visible_rollup(source.node, coverage)
        self.rollup = visible.table
        self.hidden = {j.source.alias for j in select.joins if self._hides(j, visible.cut)}

    def select(self) -> Select:
        before = self.before
        keys = tuple(Column(k.name, self.over(k.expr)) for k in before.keys)
        values = tuple(Column(v.name, self.aggregated(v.expr)) for v in before.values)
        having = tuple(map(self.aggregated, before.having))
        where = tuple(map(self.over, before.where))
        expressions = [*(c.expr for c in (*keys, *values)), *having, *where]
        return replace(
            before, source=Source(self.rollup, self.alias), keys=keys, values=values, where=where,
            having=having, joins=self._joins({c.table for e in expressions for c in e.find_all(exp.Column)}),
        )  # fmt: skip

    # -- rows ---------------------------------------------------------------------------------------------

    def over(self, node: exp.Expr) -> exp.Expr:
        """An expression over the rows of the fact as one over those of the rollup."""
        if isinstance(node, exp.Query):
            return self._standing_alone(node)
        if isinstance(node, (exp.AggFunc, exp.Window)):
            raise NotDerivableError("rows are aggregated on the way")
        if not node.find(exp.Column):
            return node.copy()
        covered = self._covered(node)
        if covered is not None:
            return covered
        if isinstance(node, exp.Column):
            if node.table == self.fact:
                raise NotDerivableError(f"{node.name} is not kept")
            return node.copy()
        return _with_children(node, self.over)

    def _covered(self, node: exp.Expr) -> exp.Expr | None:
        """The kept column that an expression is, or a coarser view of the time that is kept."""
        for time in self.coverage.times:
            if (covered := self._timed(node, time)) is not None:
                return covered
        name = self.coverage.columns.get(self.signature(node))
        return None if name is None or self._reads_hidden(node) else column(self.alias, name)

    def _timed(self, node: exp.Expr, time: CoveredTime) -> exp.Expr | None:
        """An expression of the fact's time as one of the kept time: exact for whole periods of its grain."""
        covered_time = column(self.alias, time.column)

        def is_raw(part: exp.Expr) -> bool:
            return self.signature(part) == time.raw

        if isinstance(node, exp.TimestampTrunc) and is_raw(node.this):
            unit = node.args["unit"].name.lower()
            return trunc(covered_time, unit) if unit in RANK and divides(time.grain, unit) else None
        if isinstance(node, exp.Extract) and is_raw(node.expression):
            period = COARSEST_PART.get(node.name.upper(), "day")
            return (
                exp.Extract(this=node.this.copy(), expression=covered_time)
                if divides(time.grain, period)
                else None
            )
        if isinstance(node, (exp.GTE, exp.LT)) and is_raw(node.this) and _starts(node.expression, time.grain):
            return type(node)(this=covered_time, expression=node.expression.copy())
        if isinstance(node, exp.Column) and self._is_date(node) and is_raw(node) and time.grain == "day":
            return covered_time
        return None

    def _is_date(self, node: exp.Column) -> bool:
        """Whether a column of the fact holds dates, so that its days are the column itself."""
        relation = self.table.relation if isinstance(self.table, Table) else ""
        return (relation, node.name) in self.dates

    def _reads_hidden(self, node: exp.Expr) -> bool:
        """Whether a look-up behind an expression is cut for the reader in a way that the rollup is not."""
        if not self.hidden:
            return False
        chain = {c.table for c in node.find_all(exp.Column)}
        for join in reversed(self.before.joins):
            if join.source.alias in chain and join.on is not None:
                chain |= {c.table for c in join.on.find_all(exp.Column)}
        return bool(chain & self.hidden)

    def _standing_alone(self, query: exp.Query) -> exp.Expr:
        """A subquery of its own: exact as it is, unless it looks at the row outside."""
        inside = {t.alias_or_name for t in query.find_all(exp.Table, exp.Subquery, exp.CTE)}
        if any(c.table in self.names and c.table not in inside for c in query.find_all(exp.Column)):
            raise NotDerivableError("a subquery looks at single rows")
        return query.copy()

    # -- aggregates ---------------------------------------------------------------------------------------

    def aggregated(self, node: exp.Expr) -> exp.Expr:
        """An expression over aggregates of the fact as one over aggregates of the rollup."""
        if isinstance(node, (exp.WithinGroup, exp.Filter, exp.Window)):
            raise NotDerivableError(f"{node.sql('duckdb')} cannot be aggregated again")
        if isinstance(node, exp.AggFunc):
            return self._again(node)
        if isinstance(node, exp.Column) and node.table:
            raise NotDerivableError(f"{node.name} is no aggregate")
        return _with_children(node, self.aggregated)

    def _again(self, node: exp.AggFunc) -> exp.Expr:
        partial = self.coverage.aggregates.get(self.signature(node))
        if partial is not None:
            name, agg = partial
            part = column(self.alias, name)
            if agg == "count":
                return sum_of_counts(part)
            return {"min": exp.Min, "max": exp.Max}.get(agg, exp.Sum)(this=part)
        if isinstance(node, exp.Avg):
            value = node.this
            return ratio(self._again(exp.Sum(this=value.copy())), self._again(exp.Count(this=value.copy())))
        if isinstance(node, (exp.Min, exp.Max)):
            return type(node)(this=self.over(node.this))
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
            return exp.Count(this=exp.Distinct(expressions=[self.over(e) for e in node.this.expressions]))
        raise NotDerivableError(f"{node.sql('duckdb')} is not kept")

    # -- sources ------------------------------------------------------------------------------------------

    def _hides(self, join: Join, cut: frozenset[tuple[str, str, str]]) -> bool:
        """Whether a look-up shows the reader less than the rollup has recorded of it."""
        node, on = join.source.node, join.on
        if not isinstance(node, Table) or not node.rules:
            return False
        if not isinstance(on, exp.EQ):
            return True
        key = self.signature(on.this)
        return any((key, *rule) not in cut for rule in _rule_texts(node))

    def _joins(self, needed: set[str]) -> tuple[Join, ...]:
        """The joins over the rollup, without look-ups that nothing reads: those change no rows."""
        joins: list[Join] = []
        for join in reversed(self.before.joins):
            lookup = join.kind == "LEFT" and isinstance(join.source.node, Table)
            if lookup and join.source.alias not in needed:
                continue
            on = self.over(join.on) if join.on is not None else None
            needed |= {c.table for c in on.find_all(exp.Column)} if on is not None else set()
            joins.insert(0, replace(join, on=on))
        return tuple(joins)


def _with_children(node: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of a node whose direct children are changed."""
    new = type(node)()
    for key, value in node.args.items():
        if isinstance(value, exp.Expr):
            new.set(key, change(value))
        elif isinstance(value, list):
            new.set(key, [change(v) if isinstance(v, exp.Expr) else v for v in value])
        else:
            new.set(key, value)
    return new


def _starts(node: exp.Expr, grain: str) -> bool:
    """Whether a literal is the first instant of a period of `grain`."""
    if not (isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal)):
        return False
    try:
        at = dt.datetime.fromisoformat(node.this.name)
    except ValueError:
        return False
    return at == floor(at, grain)


def why_not(select: Select, coverage: RollupCoverage, statistics: Statistics) -> str:
    """Why a rollup of its fact does not answer a select; empty where it does."""
    try:
        over_rollup(select, coverage, statistics)
    except NotDerivableError as reason:
        return str(reason)
    return ""
