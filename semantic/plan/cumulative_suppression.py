"""Running totals under a threshold: the contributing entities of each value, counted without a range join.

An entity contributes to a running value from its first row of the window on, and in a trailing window until
its last row has left it. So it comes and goes at few instants, and a running sum of comings and goings counts
the distinct entities of every instant. The threshold holds for the value that is shown: that of the last (or
first) instant of a period, never of an earlier one that had more entities.

In January one customer contributes, and two from February on:

    >>> from semantic import MinimumGroup, Restriction
    >>> sales, pairs = [("2024-01-30", "p1", 10, "c1"), ("2024-02-01", "p2", 20, "c2")], MinimumGroup(2)
    >>> answer("sales_to_date", "metric_time__day", sales=sales, under=Restriction(minimum_group=pairs),
    ...     days=("2024-01-30", "2024-02-02"))
    2024-02-01 30
    2024-02-02 30
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import column
from ..ast.constructors import cast, plus, trunc
from ..ast.grains import RANK
from ..definitions.aggregations import reaggregate
from ..definitions.restriction import MinimumGroup
from ..query.request import GroupByItem
from ..query.resolved import CumulativeInput, ResolvedQuery, ScanGroup, time_only
from .aggregate import coarser, model_of, threshold_condition
from .builder import PlanBuilder
from .cumulative_window import (
    BASE,
    ENTITY_COUNT,
    PARTS,
    SEEN,
    Clock,
    adds_up,
    instant_totals,
    is_framed,
    on_spine_only,
    window_predicate,
    windowed,
)
from .fact_scan import FactScan
from .nodes import Column, Part, ProbeRows, Ref, ScalarSubquery, Select, Source, Union
from .suppression_probe import (
    BUCKET,
    ENTITIES,
    ENTITY,
    MATCHED,
    SUM,
    WEIGHT,
    bucket,
    cells,
    entity_key,
    is_not_null,
    row_hash,
    suppressed_condition,
    wrapped,
)

Ctes = dict[str, Select | Union]
CONTRIBUTING, DELTAS, ACCUMULATED, INSTANTS = (
    "contributing_entities",
    "entity_deltas",
    "accumulated",
    "shown_instants",
)
PROBE_PARTS, PROBE_CONTRIBUTING = "probe_per_instant", "probe_contributing_entities"
PROBE_DELTAS, PROBE_ACCUMULATED = "probe_entity_deltas", "probe_accumulated"


def threshold_of(
    builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput]
) -> MinimumGroup | None:
    """The threshold for the groups of a cumulative metric, if running sums can count the contributing
    entities
    of each value that shows."""
    minimum_group = builder.restriction.minimum_group
    if minimum_group is None or group.first.simple.join_spine:
        return None
    run = _Accumulation(builder, query, group.first)
    if not threshold_condition(run.rows):
        return None
    countable = run.by_instant or run.how.period_agg != "average"
    return (
        minimum_group
        if countable and adds_up(builder, query, group) and is_framed(run.how, run.own)
        else None
    )


def accumulate_above_threshold(
    builder: PlanBuilder, query: ResolvedQuery, group: ScanGroup[CumulativeInput], minimum_group: MinimumGroup
) -> Part:
    """Accumulated values by the keys of the query, one instant a period, and the probe of its groups."""
    run = _Accumulation(builder, query, group.first)
    parts = builder.add_cte(PARTS, instant_totals(run.rows, query, group, run.groups))
    names = tuple(i.name for i in run.groups)
    keys = tuple(Column(i.name, run.rows.column(i)) for i in run.groups)
    where = [
        *window_predicate(run.rows, query, run.metric_input),
        is_not_null(entity_key(run.rows, minimum_group)),
    ]
    contributing = builder.add_cte(CONTRIBUTING, run.contributing_entities(keys, where, minimum_group))
    entity_deltas = builder.add_cte(DELTAS, run.entity_deltas(contributing, names))
    values = tuple(Column(n, reaggregate(u.simple.measure, column(parts, n))) for n, u in group)
    accumulated = builder.add_cte(
        ACCUMULATED, windowed(parts, names, values, run.how, run.clock, deltas=entity_deltas)
    )
    instants = builder.add_cte(INSTANTS, run.instants(accumulated))
    enough = exp.GTE(
        this=column(accumulated, ENTITY_COUNT), expression=exp.Literal.number(minimum_group.size)
    )
    answer = run.shown_values(
        accumulated, query.items, instants, enough, [Column(n, column(accumulated, n)) for n, _ in group]
    )
    probe = _probe(builder, query, run.metric_input, instants, minimum_group)
    not_suppressed = suppressed_condition(answer, query, probe, minimum_group)
    return Part(replace(answer, where=(*answer.where, *not_suppressed)), (probe,))


def _probe(
    builder: PlanBuilder,
    query: ResolvedQuery,
    metric_input: CumulativeInput,
    instants: str,
    minimum_group: MinimumGroup,
) -> ProbeRows:
    """The contributing entities of each shown instant, by the finest groups and by bucket."""
    run = _Accumulation(builder, query, metric_input)
    group_keys = tuple(Column(i.name, run.rows.column(i)) for i in run.groups)
    finest = cells(run.rows, group_keys, query, metric_input, minimum_group)
    key = entity_key(run.rows, minimum_group)
    keys = (*finest.keys, Column(MATCHED, finest.matched), Column(BUCKET, bucket(key.copy())))
    names = tuple(k.name for k in keys)
    where = [*window_predicate(run.rows, query, metric_input, finest.by_entity), is_not_null(key)]
    weights = (Column(WEIGHT, exp.Sum(this=row_hash(run.rows))),)
    parts = Select(
        run.rows.source, (Column(BASE, run.rows.own_instant()), *keys), weights, tuple(run.rows.joins),
        tuple(where), grouped=True, eager=False,
    )  # fmt: skip
    totals = (Column(WEIGHT, exp.Sum(this=column(PROBE_PARTS, WEIGHT))),)
    ctes: Ctes = {
        PROBE_PARTS: parts,
        PROBE_CONTRIBUTING: run.contributing_entities(keys, where, minimum_group),
        PROBE_DELTAS: run.entity_deltas(PROBE_CONTRIBUTING, names),
        PROBE_ACCUMULATED: windowed(PROBE_PARTS, names, totals, run.how, run.clock, deltas=PROBE_DELTAS),
    }
    items = (*run.timed, *(GroupByItem((), n) for n in names))
    some = exp.GT(this=column(PROBE_ACCUMULATED, ENTITY_COUNT), expression=exp.Literal.number(0))
    values = [
        Column(ENTITIES, column(PROBE_ACCUMULATED, ENTITY_COUNT)),
        Column(SUM, wrapped(column(PROBE_ACCUMULATED, WEIGHT))),
    ]
    body = run.shown_values(PROBE_ACCUMULATED, items, instants, some, values)
    timed = tuple(i.name for i in run.timed)
    cell = (*timed, *finest.names)
    answer = tuple(i.name for i in query.items)
    return ProbeRows(body, cell, answer, run.rows.model.name, True, tuple(ctes.items()))


class _Accumulation:
    """One accumulation under a threshold: `timed` items of the query, and the `groups` that are not."""

    def __init__(self, builder: PlanBuilder, query: ResolvedQuery, metric_input: CumulativeInput) -> None:
        self.builder, self.query, self.metric_input = builder, query, metric_input
        self.how = metric_input.how
        self.model, self.agg_time = model_of(builder, metric_input), metric_input.simple.measure.agg_time
        self.rows = FactScan(builder, self.model, self.agg_time)
        self.own = self.rows.own_grain()
        self.timed = tuple(i for i in query.items if self.rows.is_time(i))
        self.groups = tuple(i for i in query.items if not self.rows.is_time(i))
        self.clock = Clock(
            builder.spine(self.own, f"The cumulative metric of {metric_input.simple.name}"), self.own
        )
        self.by_instant = any(not coarser(i, self.own) for i in self.timed)

    def contributing_entities(
        self, keys: tuple[Column, ...], where: list[exp.Expr], minimum_group: MinimumGroup
    ) -> Select:
        """Which entities have rows at which instant, by the keys."""
        at, key = Column(BASE, self.rows.own_instant()), Column(ENTITY, entity_key(self.rows, minimum_group))
        return Select(
            self.rows.source, (at, *keys, key), (), tuple(self.rows.joins), tuple(where), distinct=True
        )

    def entity_deltas(self, contributing: str, names: tuple[str, ...]) -> Select:
        """How many entities come and go at each instant, net, by the keys: their running sum is how many are
        behind the running value."""
        if self.how.window is None:
            return self._firsts(contributing, names)
        at, before, after = (column("stay", n) for n in (BASE, "before", "after"))
        comes = exp.or_(_null(before), exp.LTE(this=self._leaves(before.copy()), expression=at))
        goes = exp.or_(_null(after), exp.GTE(this=after, expression=self._leaves(at.copy())))
        stays = Source(self._stays(contributing, names), "stay")
        one: exp.Expr = exp.Count(this=exp.Star())

        def changed(when: exp.Expr, deltas: exp.Expr, condition: exp.Expr) -> Select:
            keys = (Column(BASE, when), *(Column(n, column("stay", n)) for n in names))
            return Select(
                stays, keys, (Column(ENTITY_COUNT, deltas),), where=(exp.paren(condition),), grouped=True
            )

        changes = Union(
            (changed(at.copy(), one, comes), changed(self._leaves(at.copy()), exp.Neg(this=one.copy()), goes))
        )
        return _by_instant(changes, names, exp.Sum(this=column("moves", ENTITY_COUNT)))

    def _firsts(self, contributing: str, names: tuple[str, ...]) -> Select:
        """Each entity comes with its first row, of every period where the totals start anew."""
        at = column(contributing, BASE)
        keys = tuple(Column(n, column(contributing, n)) for n in (*names, ENTITY))
        if self.how.grain_to_date is not None:
            keys = (*keys, Column("since", trunc(at.copy(), self.how.grain_to_date)))
        first = Select(
            Source(Ref(contributing), contributing), keys, (Column(BASE, exp.Min(this=at)),), grouped=True
        )
        return _by_instant(first, names, exp.Count(this=exp.Star()))

    def _stays(self, contributing: str, names: tuple[str, ...]) -> Select:
        """Each instant of each entity with the ones before and after it."""
        at = column(contributing, BASE)

        def beside(function: exp.Expr) -> exp.Expr:
            return exp.Window(
                this=function,
                partition_by=[column(contributing, n) for n in (*names, ENTITY)],
                order=exp.Order(expressions=[exp.Ordered(this=at.copy())]),
            )

        near = (
            Column("before", beside(exp.Lag(this=at.copy()))),
            Column("after", beside(exp.Lead(this=at.copy()))),
        )
        keys = tuple(Column(n, column(contributing, n)) for n in (BASE, *names))
        return Select(Source(Ref(contributing), contributing), keys, near)

    def _leaves(self, at: exp.Expr) -> exp.Expr:
        """The instant at which a row has left the window; still a date where days are told as dates."""
        if self.how.window is None:
            raise TypeError("nothing leaves")
        left = plus(at, self.how.window)
        return cast(left, exp.DType.DATE) if RANK[self.own] >= RANK["day"] else left

    def _ticks(self, accumulated: str) -> FactScan:
        return FactScan(self.builder, self.model, self.agg_time, column(accumulated, BASE), self.own)

    def instants(self, accumulated: str) -> Select:
        """The instants that show: every one, or the last or first of each period."""
        ticks, at = self._ticks(accumulated), column(accumulated, BASE)
        keys = () if self.by_instant else tuple(Column(i.name, ticks.column(i)) for i in self.timed)
        edge = exp.Max(this=at) if self.how.period_agg == "last" else exp.Min(this=at)
        where: list[exp.Expr] = [exp.GT(this=column(accumulated, SEEN), expression=exp.Literal.number(0))]
        where.append(on_spine_only(self.clock, at.copy()))
        where += ticks.conditions(self.query, self.metric_input, lambda p: time_only(p, ticks.is_time))
        instant = Column(BASE, at.copy() if self.by_instant else edge)
        source = Source(Ref(accumulated), accumulated)
        if self.by_instant:
            return Select(source, (instant,), (), tuple(ticks.joins), tuple(where), distinct=True)
        return Select(source, keys, (instant,), tuple(ticks.joins), tuple(where), grouped=True, eager=False)

    def shown_values(
        self,
        accumulated: str,
        items: tuple[GroupByItem, ...],
        instants: str,
        enough: exp.Expr,
        values: list[Column],
    ) -> Select:
        """The running values of the shown instants that have enough entities behind them."""
        ticks, timed = self._ticks(accumulated), {i.name for i in self.timed}
        keys = [
            Column(i.name, ticks.column(i) if i.name in timed else column(accumulated, i.name)) for i in items
        ]
        chosen = Select(Source(Ref(instants), instants), (Column(BASE, column(instants, BASE)),))
        among = exp.In(this=column(accumulated, BASE), query=ScalarSubquery(chosen).expression())
        return Select(
            Source(Ref(accumulated), accumulated),
            tuple(keys),
            tuple(values),
            tuple(ticks.joins),
            (among, enough),
        )


def _by_instant(changes: Select | Union, names: tuple[str, ...], deltas: exp.Expr) -> Select:
    keys = tuple(Column(n, column("moves", n)) for n in (BASE, *names))
    return Select(Source(changes, "moves"), keys, (Column(ENTITY_COUNT, deltas),), grouped=True)


def _null(value: exp.Expr) -> exp.Expr:
    return value.copy().is_(exp.null())
