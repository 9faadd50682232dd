"""Running totals under a floor on groups: who is behind each running value, counted without a range join.

An entity is behind a running value from its first row of the stretch on, and in a trailing window until its
last row has left it. So it comes and goes at few instants, and a running sum of comings and goings counts
the distinct entities of every instant. The floor holds for the value that is shown: that of the last (or
first) instant of a period, never of an earlier one that had more people behind it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.bind import column
from ..ast.constructors import cast, plus, trunc
from ..ast.grains import RANK
from ..definitions.aggregations import reaggregate
from ..definitions.catalog import Cumulative
from ..definitions.restriction import SmallestGroup
from ..query.request import Item
from ..query.resolved import Ask, Use, filters_of, time_only
from .aggregate import Named, coarser, group_guard, model_of
from .cumulative_window import (
    BASE,
    PARTS,
    PEOPLE,
    SEEN,
    Clock,
    can_run,
    is_framed,
    on_spine_only,
    parts_of,
    stretch,
    windowed,
)
from .fact_scan import Context, Rows
from .nodes import Column, Plan, Ref, Select, Source, Union
from .suppression_probe import (
    BUCKET,
    ENTITIES,
    ENTITY,
    MATCHED,
    SUM,
    WEIGHT,
    Probed,
    bucket,
    cells,
    entity_key,
    known,
    name_of,
    row_hash,
    withheld_condition,
    wrapped,
)
from .to_sql import render

Ctes = dict[str, Select | Union]
BEHIND, MOVES, RUN, INSTANTS = "who_is_behind", "comings_and_goings", "accumulated", "shown_instants"
PROBE_PARTS, PROBE_BEHIND = "behind_per_instant", "entities_behind"
PROBE_MOVES, PROBE_RUN = "comings_and_goings_behind", "accumulated_behind"


def floor_of(context: Context, ask: Ask, named: Named) -> SmallestGroup | None:
    """The floor that holds for the groups of a cumulative metric, where running sums can tell who is behind
    each value that shows."""
    guard = context.restriction.smallest_group
    if guard is None or named[0][1].leaf.join_spine:
        return None
    run = _Run(context, ask, named[0][1])
    if not group_guard(run.rows):
        return None
    told = run.by_instant or run.how.period_agg != "average"
    return guard if told and can_run(context, ask, named) and is_framed(run.how, run.own) else None


def running_under_floor(context: Context, ask: Ask, named: Named, guard: SmallestGroup) -> Select:
    """Accumulated values by the keys of the query, one instant a period; notes the probe of its groups."""
    run = _Run(context, ask, named[0][1])
    parts = context.add_cte(PARTS, parts_of(run.rows, ask, named, run.groups))
    names = tuple(i.name for i in run.groups)
    keys = tuple(Column(i.name, run.rows.column(i)) for i in run.groups)
    where = [*stretch(run.rows, ask, run.use), known(entity_key(run.rows, guard))]
    behind = context.add_cte(BEHIND, run.present(keys, where, guard))
    moves = context.add_cte(MOVES, run.moves(behind, names))
    values = tuple(Column(n, reaggregate(u.leaf.measure, column(parts, n))) for n, u in named)
    told = context.add_cte(RUN, windowed(parts, names, values, run.how, run.clock, people=moves))
    instants = context.add_cte(INSTANTS, run.instants(told))
    enough = exp.GTE(this=column(told, PEOPLE), expression=exp.Literal.number(guard.size))
    shown = run.shown(told, ask.items, instants, enough, [Column(n, column(told, n)) for n, _ in named])
    probe = _probe(context, ask, run.use, instants, guard)
    context.probes[probe.name] = probe
    return replace(shown, where=(*shown.where, *withheld_condition(shown, ask, probe, guard)))


def _probe(context: Context, ask: Ask, use: Use, instants: str, guard: SmallestGroup) -> Probed:
    """Who is behind each shown instant, by the finest groups and by bucket."""
    run = _Run(context, ask, use)
    shown = tuple(Column(i.name, run.rows.column(i)) for i in run.groups)
    found = cells(run.rows, shown, ask, use, guard)
    key = entity_key(run.rows, guard)
    keys = (*found.keys, Column(MATCHED, found.matched), Column(BUCKET, bucket(key.copy())))
    names = tuple(k.name for k in keys)
    where = [*stretch(run.rows, ask, use, found.by_entity), known(key)]
    weights = (Column(WEIGHT, exp.Sum(this=row_hash(run.rows))),)
    parts = Select(
        run.rows.source, (Column(BASE, run.rows.own_instant()), *keys), weights, tuple(run.rows.joins),
        tuple(where), grouped=True, eager=False,
    )  # fmt: skip
    running = (Column(WEIGHT, exp.Sum(this=column(PROBE_PARTS, WEIGHT))),)
    ctes: Ctes = {
        PROBE_PARTS: parts,
        PROBE_BEHIND: run.present(keys, where, guard),
        PROBE_MOVES: run.moves(PROBE_BEHIND, names),
        PROBE_RUN: windowed(PROBE_PARTS, names, running, run.how, run.clock, people=PROBE_MOVES),
    }
    items = (*run.timed, *(Item((), n) for n in names))
    some = exp.GT(this=column(PROBE_RUN, PEOPLE), expression=exp.Literal.number(0))
    values = [
        Column(ENTITIES, column(PROBE_RUN, PEOPLE)),
        Column(SUM, wrapped(column(PROBE_RUN, WEIGHT))),
    ]
    body = run.shown(PROBE_RUN, items, instants, some, values)
    timed = tuple(i.name for i in run.timed)
    cell = (*timed, *found.names)
    answer = tuple(i.name for i in ask.items)
    return Probed(name_of(body), body, cell, answer, run.rows.model.name, True, tuple(ctes.items()))


class _Run:
    """One accumulation under a floor: `timed` items of the query, and the `groups` that are not."""

    def __init__(self, context: Context, ask: Ask, use: Use) -> None:
        if use.cumulative is None:
            raise TypeError("not a cumulative use")
        self.context, self.ask, self.use = context, ask, use
        self.how: Cumulative = use.cumulative
        self.model, self.agg_time = model_of(context, use), use.leaf.measure.agg_time
        self.rows = Rows(context, self.model, self.agg_time)
        self.own = self.rows.own_grain()
        self.timed = tuple(i for i in ask.items if self.rows.is_time(i))
        self.groups = tuple(i for i in ask.items if not self.rows.is_time(i))
        self.clock = Clock(context.spine(self.own, f"The cumulative metric of {use.leaf.name}"), self.own)
        self.by_instant = any(not coarser(i, self.own) for i in self.timed)

    def present(self, keys: tuple[Column, ...], where: list[exp.Expr], guard: SmallestGroup) -> Select:
        """Who has rows at which instant, by the keys."""
        at, key = Column(BASE, self.rows.own_instant()), Column(ENTITY, entity_key(self.rows, guard))
        return Select(
            self.rows.source, (at, *keys, key), (), tuple(self.rows.joins), tuple(where), distinct=True
        )

    def moves(self, behind: str, names: tuple[str, ...]) -> Select:
        """How many entities come and go at each instant, net, by the keys: their running sum is how many are
        behind the running value."""
        if self.how.window is None:
            return self._firsts(behind, names)
        at, before, after = (column("stay", n) for n in (BASE, "before", "after"))
        comes = exp.or_(_null(before), exp.LTE(this=self._leaves(before.copy()), expression=at))
        goes = exp.or_(_null(after), exp.GTE(this=after, expression=self._leaves(at.copy())))
        stays = Source(self._stays(behind, names), "stay")
        one: exp.Expr = exp.Count(this=exp.Star())

        def moved(when: exp.Expr, people: exp.Expr, condition: exp.Expr) -> Select:
            keys = (Column(BASE, when), *(Column(n, column("stay", n)) for n in names))
            return Select(stays, keys, (Column(PEOPLE, people),), where=(exp.paren(condition),), grouped=True)

        both = Union(
            (moved(at.copy(), one, comes), moved(self._leaves(at.copy()), exp.Neg(this=one.copy()), goes))
        )
        return _by_instant(both, names, exp.Sum(this=column("moves", PEOPLE)))

    def _firsts(self, behind: str, names: tuple[str, ...]) -> Select:
        """Each entity comes with its first row, of every period where the totals start anew."""
        at = column(behind, BASE)
        keys = tuple(Column(n, column(behind, n)) for n in (*names, ENTITY))
        if self.how.grain_to_date is not None:
            keys = (*keys, Column("since", trunc(at.copy(), self.how.grain_to_date)))
        first = Select(Source(Ref(behind), behind), keys, (Column(BASE, exp.Min(this=at)),), grouped=True)
        return _by_instant(first, names, exp.Count(this=exp.Star()))

    def _stays(self, behind: str, names: tuple[str, ...]) -> Select:
        """Each instant of each entity with the ones before and after it."""
        at = column(behind, BASE)

        def beside(function: exp.Expr) -> exp.Expr:
            return exp.Window(
                this=function,
                partition_by=[column(behind, n) for n in (*names, ENTITY)],
                order=exp.Order(expressions=[exp.Ordered(this=at.copy())]),
            )

        near = (
            Column("before", beside(exp.Lag(this=at.copy()))),
            Column("after", beside(exp.Lead(this=at.copy()))),
        )
        keys = tuple(Column(n, column(behind, n)) for n in (BASE, *names))
        return Select(Source(Ref(behind), behind), keys, near)

    def _leaves(self, at: exp.Expr) -> exp.Expr:
        """The instant at which a row has left the window; still a date where days are told as dates."""
        if self.how.window is None:
            raise TypeError("nothing leaves")
        left = plus(at, self.how.window)
        return cast(left, exp.DType.DATE) if RANK[self.own] >= RANK["day"] else left

    def _ticks(self, told: str) -> Rows:
        return Rows(self.context, self.model, self.agg_time, column(told, BASE), self.own)

    def instants(self, told: str) -> Select:
        """The instants that show: every one, or the last or first of each period."""
        ticks, at = self._ticks(told), column(told, BASE)
        keys = () if self.by_instant else tuple(Column(i.name, ticks.column(i)) for i in self.timed)
        edge = exp.Max(this=at) if self.how.period_agg == "last" else exp.Min(this=at)
        where: list[exp.Expr] = [exp.GT(this=column(told, SEEN), expression=exp.Literal.number(0))]
        where.append(on_spine_only(self.clock, at.copy()))
        where += filters_of(ticks, self.ask, self.use, lambda p: time_only(p, ticks.is_time))
        shown = Column(BASE, at.copy() if self.by_instant else edge)
        source = Source(Ref(told), told)
        if self.by_instant:
            return Select(source, (shown,), (), tuple(ticks.joins), tuple(where), distinct=True)
        return Select(source, keys, (shown,), tuple(ticks.joins), tuple(where), grouped=True, eager=False)

    def shown(
        self, told: str, items: tuple[Item, ...], instants: str, enough: exp.Expr, values: list[Column]
    ) -> Select:
        """The running values of the shown instants that have enough entities behind them."""
        ticks, timed = self._ticks(told), {i.name for i in self.timed}
        keys = [Column(i.name, ticks.column(i) if i.name in timed else column(told, i.name)) for i in items]
        chosen = Select(Source(Ref(instants), instants), (Column(BASE, column(instants, BASE)),))
        among = exp.In(this=column(told, BASE), query=exp.Subquery(this=render(Plan(chosen))))
        return Select(
            Source(Ref(told), told), tuple(keys), tuple(values), tuple(ticks.joins), (among, enough)
        )


def _by_instant(moves: Select | Union, names: tuple[str, ...], people: exp.Expr) -> Select:
    keys = tuple(Column(n, column("moves", n)) for n in (BASE, *names))
    return Select(Source(moves, "moves"), keys, (Column(PEOPLE, people),), grouped=True)


def _null(value: exp.Expr) -> exp.Expr:
    return value.copy().is_(exp.null())
