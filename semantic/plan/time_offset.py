"""Offsets in time: which rows a shifted metric reads for each period that is shown.

Rows are relabelled: metric time becomes the recorded time plus the window, one scan, no join, and each row
shows in exactly one period. If the window is one of months and days themselves are shown or it is a part of
the period shown, and at the start of a grain or by custom calendars, the time spine says which day each day
looks at.

By day each day looks at its own day back; the last of March looks at the last of February:

    >>> sales = [("2024-01-15", "p1", 10), ("2024-02-15", "p1", 25), ("2024-02-29", "p1", 2),
    ...     ("2024-03-31", "p1", 3)]
    >>> answer("sales_growth", "metric_time__day", sales=sales)
    2024-01-15 None
    2024-02-15 15
    2024-02-29 None
    2024-03-15 None
    2024-03-29 None
    2024-03-30 None
    2024-03-31 1
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import eq, interval, minus, plus, trunc
from ..ast.grains import CALENDAR_UNITS, RANK, Window, finest
from ..definitions.catalog import Model, TimeSpine
from ..errors import InvalidQueryError, UnknownNameError, UnsupportedError
from ..query.request import GroupByItem
from ..query.resolved import Offset, ResolvedQuery, of_time_alone, shown_times, tells_period
from .builder import PlanBuilder
from .fact_scan import FactScan, is_time_item
from .nodes import Column, Join, ScalarSubquery, Select, Source, Table

SPINE = "time_spine"
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def time_items(query: ResolvedQuery, model: Model, agg_time: str | None) -> tuple[GroupByItem, ...]:
    """The times that a query shows, be it within an expression."""
    return shown_times(query.items, lambda i: is_time_item(i, model, agg_time))


def period_items(
    query: ResolvedQuery, model: Model, agg_time: str | None, what: str
) -> tuple[GroupByItem, ...]:
    """The items that tell the period. Raises UnsupportedError naming `what` if one tells more than that."""

    def is_time(item: GroupByItem) -> bool:
        return is_time_item(item, model, agg_time)

    items = tuple(i for i in query.items if tells_period(i, is_time))
    mixed = next((i for i in items if not of_time_alone(i, is_time)), None)
    if mixed is not None:
        raise UnsupportedError(
            f"{what} is known by period, and {mixed.expression.described():.80} mixes time with "
            "another dimension.",
            hint="Group by each of them apart.",
        )
    return items


def spine_grain(items: tuple[GroupByItem, ...], builder: PlanBuilder, own: str) -> str:
    """The grain at which a spine must tick to show the items."""
    grains = []
    for item in items:
        custom = builder.catalog.custom_grains.get(item.grain or "")
        grains.append(custom.grain if custom else item.grain or own)
    return finest(grains) if grains else own


def offset_scan(
    builder: PlanBuilder,
    model: Model,
    agg_time: str | None,
    query: ResolvedQuery,
    offsets: tuple[Offset, ...],
) -> tuple[FactScan, list[exp.Expr]]:
    """Rows whose metric time is shifted, and conditions that come with the shift."""
    if not offsets:
        return FactScan(builder, model, agg_time), []
    items = time_items(query, model, agg_time)
    if not items:
        raise InvalidQueryError(
            f"A metric of {model.name} looks back in time, so it needs metric_time in the group-by.",
            hint="Add metric_time__day or a coarser grain.",
        )
    plain = FactScan(builder, model, agg_time)
    custom = [
        o for o in offsets if (o.grain if isinstance(o, Window) else o) in builder.catalog.custom_grains
    ]
    if custom:
        return _custom(builder, plain, offsets)
    windows = [o for o in offsets if isinstance(o, Window)]
    for window in windows:
        if window.grain not in RANK:
            raise UnknownNameError(f"The grain {window.grain} of an offset does not exist.")
    if len(windows) == len(offsets) and not _by_days(query, items, windows, model, agg_time):
        return _shift_rows(builder, plain, windows, items)
    return _by_spine(builder, plain, offsets, items)


def _by_days(
    query: ResolvedQuery,
    items: tuple[GroupByItem, ...],
    windows: list[Window],
    model: Model,
    agg_time: str | None,
) -> bool:
    """Whether each shown day looks at its own day back, instead of each recorded day showing once.

    So it is for windows of months if days themselves are shown, since a month later the 29th to 31st may be
    days that do not exist, and, as in MetricFlow, if the window is a part of the period that is shown.
    """
    months = [w.count * MONTHS[w.grain] for w in windows if w.grain in CALENDAR_UNITS]
    if not months:
        return False
    if any(_is_fine(i) for i in query.items if is_time_item(i, model, agg_time)):
        return True
    grain = finest([i.grain for i in items if i.grain in RANK] or ["week"])
    return grain in CALENDAR_UNITS and any(count % MONTHS[grain] for count in months)


def _is_fine(item: GroupByItem) -> bool:
    """Whether an item shows days, or less."""
    if item.part:
        return item.part not in CALENDAR_UNITS
    return item.grain in RANK and RANK[item.grain or ""] <= RANK["day"]


def _shift_rows(
    builder: PlanBuilder, scan: FactScan, windows: list[Window], items: tuple[GroupByItem, ...]
) -> tuple[FactScan, list[exp.Expr]]:
    time = scan.own_time()
    for window in reversed(windows):
        time = plus(time, window)
    spine = builder.spine(spine_grain(items, builder, scan.own_grain()), "An offset metric")
    shown_until = exp.LTE(this=trunc(time.copy(), spine.grain), expression=last_instant(spine))
    return FactScan(builder, scan.model, scan.agg_time, time, scan.own_grain()), [shown_until]


def last_instant(spine: TimeSpine) -> exp.Expr:
    """The last instant of a time spine, beyond which nothing shows."""
    last = Column("last_at", exp.Max(this=bind(spine.column, SPINE)))
    return ScalarSubquery(Select(Source(Table(spine.relation), SPINE), (last,))).expression()


def instant_read(moment: exp.Expr, offsets: tuple[Offset, ...]) -> exp.Expr:
    """The instant that a shifted metric reads at a shown instant."""
    for offset in offsets:
        moment = minus(moment, offset) if isinstance(offset, Window) else trunc(moment, offset)
    return moment


def _by_spine(
    builder: PlanBuilder, scan: FactScan, offsets: tuple[Offset, ...], items: tuple[GroupByItem, ...]
) -> tuple[FactScan, list[exp.Expr]]:
    starts = [o for o in offsets if isinstance(o, str)]
    grain = finest([spine_grain(items, builder, scan.own_grain()), *starts])
    spine = builder.spine(grain, "An offset metric")
    tick = bind(spine.column, SPINE)
    join = Join(
        Source(Table(spine.relation), SPINE),
        eq(instant_read(tick.copy(), offsets), trunc(scan.own_time(), spine.grain)),
        "INNER",
    )
    shifted = FactScan(builder, scan.model, scan.agg_time, tick, spine.grain)
    shifted.joins.append(join)
    if all(isinstance(o, Window) for o in offsets):
        return shifted, []
    return shifted, period_starts_only(spine, items)


def spine_instants(spine: TimeSpine, grain: str) -> Source:
    """The instants of `grain`, one row each, under the spine's alias and column name."""
    if spine.grain == grain:
        return Source(Table(spine.relation), SPINE)
    tick = trunc(bind(spine.column, SPINE), grain)
    distinct = Select(Source(Table(spine.relation), SPINE), (Column(spine.column, tick),), distinct=True)
    return Source(distinct, SPINE)


def period_starts_only(spine: TimeSpine, items: tuple[GroupByItem, ...]) -> list[exp.Expr]:
    """A metric at the start of a grain, shown by coarser periods, counts the first instant of each only."""
    grains = [i.grain for i in items if i.grain]
    if len(grains) < len(items) or any(g not in RANK or RANK[g] <= RANK[spine.grain] for g in grains):
        return []
    starts = [
        eq(trunc(bind(spine.column, SPINE), g), bind(spine.column, SPINE)) for g in dict.fromkeys(grains)
    ]
    return [exp.paren(exp.or_(*starts, copy=False)) if len(starts) > 1 else starts[0]]


def _custom(
    builder: PlanBuilder, scan: FactScan, offsets: tuple[Offset, ...]
) -> tuple[FactScan, list[exp.Expr]]:
    """A shift by periods of a custom calendar: the nth day of a period shows as the nth day of the later
    one, or as its last day where that one is shorter."""
    offset = offsets[0]
    if len(offsets) > 1 or not isinstance(offset, Window):
        raise UnsupportedError("Only a single offset window by a custom calendar is supported.")
    spine = builder.catalog.custom_grains[offset.grain]
    day, period = bind(spine.column, "s"), bind(builder.catalog.custom_column(offset.grain), "s")
    table = Source(Table(spine.relation), "s")
    numbered = Select(
        table,
        keys=(Column("source_at", day), Column("period", period)),
        values=(Column("position", _over(exp.RowNumber(), [period.copy()], day.copy())),),
    )
    bounds = Select(
        table, keys=(Column("period", period),), grouped=True,
        values=(Column("first_at", exp.Min(this=day.copy())), Column("last_at", exp.Max(this=day.copy()))),
    )  # fmt: skip

    def later(name: str) -> exp.Expr:
        lead = exp.Lead(this=column("b", name), offset=exp.Literal.number(offset.count))
        return _over(lead, [], column("b", "period"))

    led = Select(
        Source(bounds, "b"),
        keys=(Column("period", column("b", "period")),),
        values=(Column("first_at", later("first_at")), Column("last_at", later("last_at"))),
    )
    step = exp.Mul(
        this=exp.paren(exp.Sub(this=column("n", "position"), expression=exp.Literal.number(1))),
        expression=interval(Window(1, spine.grain)),
    )
    target = exp.Add(this=column("l", "first_at"), expression=step)
    clamped = exp.Least(this=target, expressions=[column("l", "last_at")])
    mapping = Select(
        Source(numbered, "n"),
        keys=(Column("source_at", column("n", "source_at")),),
        values=(Column("shown_at", clamped),),
        joins=(Join(Source(led, "l"), eq(column("n", "period"), column("l", "period")), "INNER"),),
        where=(exp.not_(column("l", "first_at").is_(exp.null())),),
    )
    shifted = FactScan(builder, scan.model, scan.agg_time, column("shift", "shown_at"), spine.grain)
    on = eq(column("shift", "source_at"), trunc(scan.own_time(), spine.grain))
    shifted.joins.append(Join(Source(mapping, "shift"), on, "INNER"))
    return shifted, []


def _over(function: exp.Expr, partition: list[exp.Expr], order: exp.Expr) -> exp.Expr:
    return exp.Window(
        this=function, partition_by=partition, order=exp.Order(expressions=[exp.Ordered(this=order)])
    )
