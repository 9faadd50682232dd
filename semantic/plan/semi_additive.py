"""Measures that do not add up over time: of a period, the rows at the first or last instant with data count.

    SUM(f.x) by d.region, last per series
    →  SUM(f.x) by d.region over (ARG_MAX(f.x, f.day) by period, series over f) f LEFT JOIN d

An instant lies in one period, so equal instants are in the same period. A NULL grouping is a group of its
own. The query's filters apply to the instant, too: it is the last one that the reader asks about.

    >>> stock = [("2024-01-30", "p1", 10), ("2024-01-30", "p2", 20), ("2024-01-31", "p1", 8),
    ...     ("2024-02-05", "p1", 3)]
    >>> answer("inventory_on_hand_units", "metric_time__month", stock=stock)
    2024-01-01 28
    2024-02-01 3
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import conjunction, eq, same
from ..ast.grains import RANK
from ..definitions.catalog import Dimension, NonAdditive
from ..errors import UnknownNameError
from ..query.request import GroupByItem
from ..query.resolved import MetricInput, ResolvedQuery, of_time_alone, tells_period
from .builder import PlanBuilder
from .fact_scan import FactScan
from .next_snapshot import is_last_snapshot
from .nodes import Column, Join, Ref, ScalarSubquery, Select, Source
from .time_offset import offset_scan

FIRST_OR_LAST = {"max": ("ARG_MAX_NULL", exp.Max), "min": ("ARG_MIN_NULL", exp.Min)}
"""By choice: the value at the instant, NULL or not, and the instant."""
SPELLING = (exp.Column, exp.Identifier, exp.DPipe, exp.Concat, exp.Literal, exp.Cast, exp.DataType, exp.Paren)
"""What a key may be spelled with, so that equal columns make equal keys."""


def at_period_end(
    builder: PlanBuilder,
    query: ResolvedQuery,
    metric_input: MetricInput,
    scan: FactScan,
    expressions: list[exp.Expr],
    *,
    in_one_pass: bool,
) -> list[exp.Expr]:
    """The conditions, filters included, that leave the rows at the edge of their period.

    `expressions` are what the select reads of the rows beside its conditions. Where a series has one row at
    an instant and `in_one_pass` allows it, `rows` are read from a select that has picked and filtered them.
    Raises UnknownNameError for a time dimension or window grouping that the model lacks.
    """
    edge = _PeriodEnd.of(builder, query, metric_input, scan)
    is_last = (
        is_last_snapshot(query, metric_input, scan, edge.periods()) if not metric_input.offsets else None
    )
    if is_last is not None:
        return [*scan.conditions(query, metric_input), *is_last]
    series_key = edge.series_key() if in_one_pass and edge.groups and not metric_input.offsets else None
    if series_key is None:
        return [*scan.conditions(query, metric_input), *edge.condition(edge.groups)]
    scan.source = Source(edge.picked(series_key, expressions), scan.alias)
    return []


@dataclass(frozen=True)
class _PeriodEnd:
    """The first or last instant of one use, per period shown and window grouping."""

    builder: PlanBuilder
    query: ResolvedQuery
    metric_input: MetricInput
    scan: FactScan
    how: NonAdditive
    dimension: Dimension
    groups: list[GroupByItem]

    @classmethod
    def of(
        cls, builder: PlanBuilder, query: ResolvedQuery, metric_input: MetricInput, scan: FactScan
    ) -> _PeriodEnd:
        model, how = scan.model, metric_input.simple.measure.non_additive
        dimension = model.dimensions.get(how.dimension) if how is not None else None
        if how is None or dimension is None or dimension.grain is None:
            name = how and how.dimension
            raise UnknownNameError(
                f"{metric_input.simple.name}: {name} is no time dimension of {model.name}."
            )
        return cls(
            builder,
            query,
            metric_input,
            scan,
            how,
            dimension,
            [GroupByItem((), g, kind="any") for g in how.groupings],
        )

    def periods(self) -> list[GroupByItem]:
        """The items that show the time by which the measure does not add up."""
        return [item for item in self.query.items if tells_period(item, self._shows_time)]

    def _shows_time(self, item: GroupByItem) -> bool:
        by_metric_time = self.how.dimension == self.scan.agg_time and self.scan.is_time(item)
        own = item.links in ((self.scan.model.primary,), ())
        return by_metric_time or (item.element == self.how.dimension and own)

    # -- one row a series and instant: picked in one pass ------------------------------------------------

    def series_key(self) -> dict[str, exp.Column] | None:
        """The columns that identify one series, by name; None where it may have several rows at one instant.

        It has one where a key of the model says no more than the series and the day.
        """
        model, day = self.scan.model, bind(self.dimension.expr, "")
        is_date = isinstance(day, exp.Column) and (model.relation, day.name) in self.builder.dates
        if not is_date or self.dimension.grain != "day":
            return None
        groups = [_grouping(self.scan, g) for g in self.groups]
        columns = {_name(g): g for g in groups if isinstance(g, exp.Column)}
        if len(columns) < len(groups) or _name(day) in columns:
            return None
        key_names = {*columns, _name(day)}
        duplicates = self.builder.catalog.duplicate_keys
        unique = [e for e in model.entities.values() if e.kind in ("primary", "unique")]
        keys = [bind(e.expr, "") for e in unique if (model.name, e.name) not in duplicates]
        return columns if any(_says_no_more(key, key_names) for key in keys) else None

    def picked(self, series_key: dict[str, exp.Column], expressions: list[exp.Expr]) -> Select:
        """The fact's rows at the edge, with the columns that `expressions` and the joins of the rows read."""
        inner = FactScan(self.builder, self.scan.model, self.scan.agg_time)
        instant = bind(self.dimension.expr, inner.alias)
        function, edge_of = FIRST_OR_LAST[self.how.choice]
        periods = [Column(f"period_{n}", inner.column(i)) for n, i in enumerate(self.periods(), 1)]
        read = [*expressions, *(j.on for j in self.scan.joins if j.on is not None)]
        columns = {_name(c): c for e in read for c in e.find_all(exp.Column) if c.table == inner.alias}
        values = [Column(instant.name, edge_of(this=instant.copy()))]
        for name, value in columns.items():
            if name not in series_key and name != _name(instant):
                picked = exp.Anonymous(this=function, expressions=[value.copy(), instant.copy()])
                values.append(Column(value.name, picked))
        keys = [*periods, *(Column(c.name, c.copy()) for c in series_key.values())]
        where = [instant.copy().is_(exp.null()).not_(), *inner.conditions(self.query, self.metric_input)]
        return Select(
            inner.source, tuple(keys), tuple(values), tuple(inner.joins), tuple(where), grouped=True
        )

    # -- otherwise: the instant first, then its rows ------------------------------------------------------

    def condition(self, groups: list[GroupByItem]) -> list[exp.Expr]:
        """Without groupings a condition on the rows. Otherwise a join is added to them, and the few instants
        that are anyone's edge are picked first: most rows never meet the join.
        """
        scan, metric_input, measure = self.scan, self.metric_input, self.metric_input.simple.measure
        inner, extra = offset_scan(
            self.builder, scan.model, measure.agg_time, self.query, metric_input.offsets
        )
        periods, grain = self.periods(), self.dimension.grain or "day"
        keys = [Column(i.name, inner.column(i)) for i in periods]
        keys += [Column(f"group_{g.element}", _grouping(inner, g)) for g in groups]
        at = inner.truncated(bind(self.dimension.expr, inner.alias), grain)
        edge = Column("edge_at", FIRST_OR_LAST[self.how.choice][1](this=at))
        where = (*extra, *inner.conditions(self.query, metric_input))
        select = Select(
            inner.source, tuple(keys), (edge,), tuple(inner.joins), where, grouped=True, eager=False
        )
        instant = scan.truncated(bind(self.dimension.expr, scan.alias), grain)
        if not groups and not metric_input.offsets:
            by_instants = [i.grain in RANK or of_time_alone(i, inner.is_time) for i in periods]
            if self.how.dimension == measure.agg_time and all(by_instants):
                select = self._of_instants(inner, Column("at", at.copy()), where)
            only = Select(Source(select, "edge"), (Column("edge_at", column("edge", "edge_at")),))
            return [exp.In(this=instant, query=ScalarSubquery(only).expression())]
        on = [eq(instant, column("edge", "edge_at"))]
        if metric_input.offsets:
            on += [same(scan.column(i), column("edge", i.name)) for i in periods]
        on += [same(_grouping(scan, g), column("edge", f"group_{g.element}")) for g in groups]
        if metric_input.offsets:
            scan.joins.append(Join(Source(select, "edge"), conjunction(on), "INNER"))
            return []
        name = self.builder.add_cte("edge", select)
        scan.joins.append(Join(Source(Ref(name), "edge"), conjunction(on), "INNER"))
        edges = Select(Source(Ref(name), name), (Column("edge_at", column(name, "edge_at")),))
        return [exp.In(this=instant.copy(), query=ScalarSubquery(edges).expression())]

    def _of_instants(self, inner: FactScan, at: Column, where: tuple[exp.Expr, ...]) -> Select:
        """The edges, from the few distinct instants instead of from all rows."""
        instants = Select(inner.source, (at,), joins=tuple(inner.joins), where=where, distinct=True)
        instant = column("instants", "at")
        timed = FactScan(inner.builder, inner.model, inner.agg_time, instant, inner.own_grain())
        keys = tuple(Column(i.name, timed.column(i)) for i in self.periods())
        edge = FIRST_OR_LAST[self.how.choice][1](this=instant.copy())
        return Select(
            Source(instants, "instants"), keys, (Column("edge_at", edge),), grouped=True, eager=False
        )


def _grouping(scan: FactScan, item: GroupByItem) -> exp.Expr:
    model = scan.model
    definition = model.entities.get(item.element) or model.dimensions.get(item.element)
    if definition is None:
        raise UnknownNameError(f"The window grouping {item.element} does not exist in {model.name}.")
    return bind(definition.expr, scan.alias)


def _says_no_more(key: exp.Expr, columns: set[str]) -> bool:
    """Whether a key is spelled from some of the columns alone, so that rows equal in them share it."""
    if not all(isinstance(node, SPELLING) for node in key.walk()):
        return False
    read = {_name(c) for c in key.find_all(exp.Column)}
    return bool(read) and read <= columns


def _name(node: exp.Expr) -> str:
    """The name of a column as the engine compares it."""
    return node.name.lower()
