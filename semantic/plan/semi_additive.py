"""Measures that do not add up over time: of a period, the rows at the first or last instant with data count.

    SUM(f.x) by d.region, last per holding
    →  SUM(f.x) by d.region over (ARG_MAX(f.x, f.day) by period, holding over f) f LEFT JOIN d

An instant lies in one period, so equal instants are in the same period. A NULL grouping is a group of its
own. The query's filters apply to the instant, too: it is the last one that the reader asks about.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import both, eq, same
from ..ast.grains import RANK
from ..definitions.catalog import Dimension, NonAdditive
from ..errors import UnknownNameError
from ..query.request import Item
from ..query.resolved import Ask, Use, filters_of, of_time_alone, tells_period
from .fact_scan import Context, Rows
from .next_snapshot import is_last_count
from .nodes import Column, Join, Plan, Ref, Select, Source
from .time_offset import shifted_rows
from .to_sql import render

FIRST_OR_LAST = {"max": ("ARG_MAX_NULL", exp.Max), "min": ("ARG_MIN_NULL", exp.Min)}
"""By choice: the value at the instant, NULL or not, and the instant."""
SPELLING = (exp.Column, exp.Identifier, exp.DPipe, exp.Concat, exp.Literal, exp.Cast, exp.DataType, exp.Paren)
"""What a key may be spelled with, so that equal columns make equal keys."""


def at_edge(
    context: Context, ask: Ask, use: Use, rows: Rows, said: list[exp.Expr], *, in_one_pass: bool
) -> list[exp.Expr]:
    """The conditions, filters included, that leave the rows at the edge of their period.

    `said` is what the select says of the rows beside its conditions. Where a holding has one row at an
    instant and `in_one_pass` allows it, `rows` are read from a select that has picked and filtered them.
    Raises UnknownNameError for a time dimension or window grouping that the model lacks.
    """
    edge = _Edge.of(context, ask, use, rows)
    told = is_last_count(ask, use, rows, edge.periods()) if not use.offsets else None
    if told is not None:
        return [*filters_of(rows, ask, use), *told]
    holding = edge.holding() if in_one_pass and edge.groups and not use.offsets else None
    if holding is None:
        return [*filters_of(rows, ask, use), *edge.condition(edge.groups)]
    rows.source = Source(edge.picked(holding, said), rows.alias)
    return []


@dataclass(frozen=True)
class _Edge:
    """The first or last instant of one use, per period shown and window grouping."""

    context: Context
    ask: Ask
    use: Use
    rows: Rows
    how: NonAdditive
    dimension: Dimension
    groups: list[Item]

    @classmethod
    def of(cls, context: Context, ask: Ask, use: Use, rows: Rows) -> _Edge:
        model, how = rows.model, use.leaf.measure.non_additive
        dimension = model.dimensions.get(how.dimension) if how is not None else None
        if how is None or dimension is None or dimension.grain is None:
            name = how and how.dimension
            raise UnknownNameError(f"{use.leaf.name}: {name} is no time dimension of {model.name}.")
        return cls(context, ask, use, rows, how, dimension, [Item((), g, kind="any") for g in how.groupings])

    def periods(self) -> list[Item]:
        """The items that show the time by which the measure does not add up."""
        return [item for item in self.ask.items if tells_period(item, self._shows_time)]

    def _shows_time(self, item: Item) -> bool:
        by_metric_time = self.how.dimension == self.rows.agg_time and self.rows.is_time(item)
        own = item.links in ((self.rows.model.primary,), ())
        return by_metric_time or (item.element == self.how.dimension and own)

    # -- one row a holding and instant: picked in one pass ------------------------------------------------

    def holding(self) -> dict[str, exp.Column] | None:
        """The columns that tell one holding, by name; None where it may have several rows at one instant.

        It has one where a key of the model says no more than the holding and the day.
        """
        model, day = self.rows.model, bind(self.dimension.expr, "")
        is_date = isinstance(day, exp.Column) and (model.relation, day.name) in self.context.dates
        if not is_date or self.dimension.grain != "day":
            return None
        groups = [_grouping(self.rows, g) for g in self.groups]
        columns = {_name(g): g for g in groups if isinstance(g, exp.Column)}
        if len(columns) < len(groups) or _name(day) in columns:
            return None
        told = {*columns, _name(day)}
        keys = [bind(e.expr, "") for e in model.entities.values() if e.kind in ("primary", "unique")]
        return columns if any(_says_no_more(key, told) for key in keys) else None

    def picked(self, holding: dict[str, exp.Column], said: list[exp.Expr]) -> Select:
        """The fact's rows at the edge, with the columns that `said` and the joins of the rows read."""
        inner = Rows(self.context, self.rows.model, self.rows.agg_time)
        instant = bind(self.dimension.expr, inner.alias)
        function, first_or_last = FIRST_OR_LAST[self.how.choice]
        periods = [Column(f"period_{n}", inner.column(i)) for n, i in enumerate(self.periods(), 1)]
        read = [*said, *(j.on for j in self.rows.joins if j.on is not None)]
        columns = {_name(c): c for e in read for c in e.find_all(exp.Column) if c.table == inner.alias}
        values = [Column(instant.name, first_or_last(this=instant.copy()))]
        for name, value in columns.items():
            if name not in holding and name != _name(instant):
                picked = exp.Anonymous(this=function, expressions=[value.copy(), instant.copy()])
                values.append(Column(value.name, picked))
        keys = [*periods, *(Column(c.name, c.copy()) for c in holding.values())]
        where = [instant.copy().is_(exp.null()).not_(), *filters_of(inner, self.ask, self.use)]
        return Select(
            inner.source, tuple(keys), tuple(values), tuple(inner.joins), tuple(where), grouped=True
        )

    # -- otherwise: the instant first, then its rows ------------------------------------------------------

    def condition(self, groups: list[Item]) -> list[exp.Expr]:
        """Without groupings a condition on the rows. Otherwise a join is added to them, and the few instants
        that are anyone's edge are picked first: most rows never meet the join.
        """
        rows, use, measure = self.rows, self.use, self.use.leaf.measure
        inner, extra = shifted_rows(self.context, rows.model, measure.agg_time, self.ask, use.offsets)
        periods, grain = self.periods(), self.dimension.grain or "day"
        keys = [Column(i.name, inner.column(i)) for i in periods]
        keys += [Column(f"group_{g.element}", _grouping(inner, g)) for g in groups]
        at = inner.truncated(bind(self.dimension.expr, inner.alias), grain)
        edge = Column("edge_at", FIRST_OR_LAST[self.how.choice][1](this=at))
        where = (*extra, *filters_of(inner, self.ask, use))
        select = Select(
            inner.source, tuple(keys), (edge,), tuple(inner.joins), where, grouped=True, eager=False
        )
        mine = rows.truncated(bind(self.dimension.expr, rows.alias), grain)
        if not groups and not use.offsets:
            by_instants = [i.grain in RANK or of_time_alone(i, inner.is_time) for i in periods]
            if self.how.dimension == measure.agg_time and all(by_instants):
                select = self._of_instants(inner, Column("at", at.copy()), where)
            only = Select(Source(select, "edge"), (Column("edge_at", column("edge", "edge_at")),))
            return [exp.In(this=mine, query=exp.Subquery(this=render(Plan(only))))]
        on = [eq(mine, column("edge", "edge_at"))]
        if use.offsets:
            on += [same(rows.column(i), column("edge", i.name)) for i in periods]
        on += [same(_grouping(rows, g), column("edge", f"group_{g.element}")) for g in groups]
        if use.offsets:
            rows.joins.append(Join(Source(select, "edge"), both(on), "INNER"))
            return []
        name = self.context.add_cte("edge", select)
        rows.joins.append(Join(Source(Ref(name), "edge"), both(on), "INNER"))
        edges = Select(Source(Ref(name), name), (Column("edge_at", column(name, "edge_at")),))
        return [exp.In(this=mine.copy(), query=exp.Subquery(this=render(Plan(edges))))]

    def _of_instants(self, inner: Rows, at: Column, where: tuple[exp.Expr, ...]) -> Select:
        """The edges, from the few distinct instants instead of from all rows."""
        instants = Select(inner.source, (at,), joins=tuple(inner.joins), where=where, distinct=True)
        instant = column("instants", "at")
        timed = Rows(inner.context, inner.model, inner.agg_time, instant, inner.own_grain())
        keys = tuple(Column(i.name, timed.column(i)) for i in self.periods())
        edge = FIRST_OR_LAST[self.how.choice][1](this=instant.copy())
        return Select(
            Source(instants, "instants"), keys, (Column("edge_at", edge),), grouped=True, eager=False
        )


def _grouping(rows: Rows, item: Item) -> exp.Expr:
    model = rows.model
    found = model.entities.get(item.element) or model.dimensions.get(item.element)
    if found is None:
        raise UnknownNameError(f"The window grouping {item.element} does not exist in {model.name}.")
    return bind(found.expr, rows.alias)


def _says_no_more(key: exp.Expr, columns: set[str]) -> bool:
    """Whether a key is spelled from some of the columns alone, so that rows equal in them share it."""
    if not all(isinstance(node, SPELLING) for node in key.walk()):
        return False
    read = {_name(c) for c in key.find_all(exp.Column)}
    return bool(read) and read <= columns


def _name(node: exp.Expr) -> str:
    """The name of a column as the engine compares it."""
    return node.name.lower()
