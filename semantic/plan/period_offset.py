"""Offsets of whole periods: aggregate as recorded, then relabel the groups instead of the rows.

Where every shown period moves onto another whole period (days by days, weeks by 28 days, months by a year)
the aggregate of a period can be shown under its later label. One aggregate then serves the metric and all of
its offsets, for any aggregation.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlglot import exp

from ..ast.bind import bind, column, named_table
from ..ast.constructors import plus
from ..ast.grains import CALENDAR_UNITS, RANK, floor
from ..definitions.catalog import Window
from ..query.request import Item
from ..query.resolved import Ask, Offset, TimeRange, Use, time_only
from .aggregate import model_of
from .fact_scan import Context, is_time_item
from .nodes import Column, Ref, Select, Source
from .time_offset import MONTHS, SPINE, spine_grain

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
LABELLED = "period"


def moves_periods(context: Context, ask: Ask, use: Use) -> bool:
    """Whether the offsets of a use move whole shown periods onto whole periods."""
    if use.conversion or use.cumulative or use.is_days or use.leaf.measure.carry_forward_days is not None:
        return False
    model, agg_time = model_of(context, use), use.leaf.measure.agg_time

    def is_time(item: Item) -> bool:
        return is_time_item(item, model, agg_time)

    shown = [i for i in ask.items if is_time(i)]
    if not shown or any(i.kind == "computed" and any(map(is_time, i.expression.items())) for i in ask.items):
        return False
    predicates = (*use.filters, *ask.filters)
    if any(time_only(p, is_time) or any(map(is_time, p.items())) for p in predicates):
        return False
    if not all(_covers(ask.time_range, i.grain) for i in shown):
        return False
    return all(_whole(o, i.grain) and not i.part for o in use.offsets for i in shown)


def _covers(asked: TimeRange | None, grain: str | None) -> bool:
    """Whether a range of time begins and ends with periods of a grain."""
    if asked is None or grain not in RANK:
        return asked is None
    return all(at is None or floor(at, grain or "") == at for at in (asked.start, asked.end))


def _whole(offset: Offset, grain: str | None) -> bool:
    if not isinstance(offset, Window) or grain not in RANK:
        return False
    if offset.grain in CALENDAR_UNITS:
        return grain in CALENDAR_UNITS and offset.count * MONTHS[offset.grain] % MONTHS[grain or ""] == 0
    if offset.grain not in SECONDS or grain not in SECONDS:
        return False
    return offset.count * SECONDS[offset.grain] % SECONDS[grain or ""] == 0


def recorded(ask: Ask, use: Use) -> Ask:
    """The question to ask of the data as recorded: its time range moved back."""
    if ask.time_range is None:
        return ask
    start, end = (_back(at, use.offsets) for at in (ask.time_range.start, ask.time_range.end))
    return replace(ask, time_range=TimeRange(start, end))


def _back(at: dt.datetime | None, offsets: tuple[Offset, ...]) -> dt.datetime | None:
    for offset in offsets:
        if at is None or not isinstance(offset, Window):
            return at
        if offset.grain in CALENDAR_UNITS:
            months = at.year * 12 + at.month - 1 - offset.count * MONTHS[offset.grain]
            at = at.replace(year=months // 12, month=months % 12 + 1)
        else:
            at -= dt.timedelta(seconds=offset.count * SECONDS[offset.grain])
    return at


def relabelled(context: Context, ask: Ask, use: Use, base: Select | Ref, values: dict[str, str]) -> Select:
    """The groups of `base` under their later labels, as far as the time spine goes.

    `values` maps output columns to the columns of `base`.
    """
    model, agg_time = model_of(context, use), use.leaf.measure.agg_time
    alias = base.name if isinstance(base, Ref) else LABELLED
    keys: list[Column] = []
    where: list[exp.Expr] = []
    own = model.dimensions[agg_time or ""].grain or "day"
    for item in ask.items:
        label: exp.Expr = column(alias, item.name)
        if is_time_item(item, model, agg_time):
            for offset in reversed(use.offsets):
                if isinstance(offset, Window):
                    label = plus(label, offset)
            if use.offsets and not where:
                spine = context.spine(spine_grain((item,), context, own), "An offset metric")
                last = exp.select(exp.Max(this=bind(spine.column, SPINE)))
                last = last.from_(exp.alias_(named_table(spine.relation), SPINE, table=True))
                where.append(exp.LTE(this=label.copy(), expression=last.subquery()))
        keys.append(Column(item.name, label))
    shown = tuple(Column(n, column(alias, v)) for n, v in values.items())
    return Select(Source(base, alias), tuple(keys), shown, where=tuple(where))
