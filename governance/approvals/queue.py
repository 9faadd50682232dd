"""The queue of what waits for a decision: sums, choices and ranking of all that fits, made by the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, true

from governance.approvals.lifecycle import OPEN
from governance.approvals.masking import MASKED, sees_money, without_money
from governance.approvals.priority import URGENCY
from governance.approvals.recommendation import Recommendation
from governance.approvals.repository import AS_RECORD, records
from governance.errors import ForbiddenError
from governance.identity.principal import Principal
from governance.policy.authorize import recommendation_scope
from governance.store.engine import OpsStore
from governance.store.schema import recommendations

FACETS = ("action", "region", "department", "policy_route")
"""What the queue can be narrowed by."""

_DUE_DAYS = 1  # what has to be acted on by the day after the data counts as due
_BATCH = 1000


@dataclass(frozen=True)
class QueueTotals:
    """Sums over every open recommendation that fits, however many are listed.

    `due` counts those to be acted on by the day after the data, late ones included. `margin` and
    `cash` are US dollars; None if none of them says any, or if the reader may not see it.
    """

    open: int
    due: int
    margin: float | None
    cash: float | None


@dataclass(frozen=True)
class RankedQueue:
    """The most pressing `records` in order, the totals of all that fit, and by facet the values that the
    reader's open recommendations have."""

    records: tuple[Recommendation, ...]
    totals: QueueTotals
    choices: Mapping[str, tuple[str, ...]]


def rank_open(
    store: OpsStore,
    *,
    reader: Principal | None,
    as_of: dt.date,
    limit: int,
    wanted: Mapping[str, str] | None = None,
    only: Callable[[Recommendation], bool] | None = None,
) -> RankedQueue:
    """Open recommendations as `reader` sees them, the most pressing first, in one snapshot of the store.

    None is the operator and services. `as_of` is the day of the data, from which urgency counts. A reader who
    may not see money gets an order by day alone, no sum of money, and no choice of a masked facet. `wanted`
    narrows by facets of `facets_for`. `only` keeps those for which it is true, as the reader sees them; sums
    and ranking are of what it keeps. Raises ForbiddenError if `wanted` asks for what is masked.
    """
    by_money = sees_money(reader)
    facets = facets_for(reader)
    if masked := sorted(set(wanted or {}) - set(facets)):
        raise ForbiddenError(f"The queue cannot be narrowed by {', '.join(masked)} for this reader.")
    scope = true() if reader is None else recommendation_scope(reader)
    is_open = and_(recommendations.c.state.in_(OPEN), scope)
    fits = and_(is_open, *(recommendations.c[facet] == value for facet, value in (wanted or {}).items()))
    ranked = AS_RECORD.where(fits).order_by(*_order(as_of, by_money))
    with store.read_page() as conn:
        choices = {facet: _values(conn, facet, is_open) for facet in facets}
        if only is None:
            first = records(conn.execute(ranked.limit(limit)).all())
            listed = tuple(row if by_money else without_money(row) for row in first)
            return RankedQueue(listed, _totals(conn, fits, as_of, by_money), choices)
        narrowed = _Narrowed(as_of, by_money, limit)
        for rows in conn.execute(ranked).partitions(_BATCH):
            seen = (row if by_money else without_money(row) for row in records(rows))
            for record in filter(only, seen):
                narrowed.add(record)
    return RankedQueue(tuple(narrowed.records), narrowed.totals(), choices)


def facets_for(reader: Principal | None) -> tuple[str, ...]:
    """What the reader may narrow by: who decides goes by money, and is for those who see it."""
    return FACETS if sees_money(reader) else tuple(facet for facet in FACETS if facet not in MASKED)


def priority_column(as_of: dt.date) -> ColumnElement[float]:
    """`priority`, as the store reckons it."""
    table = recommendations
    money = func.coalesce(table.c.expected_margin, table.c.at_stake, 0.0)
    urgency = case(
        *((table.c.order_by <= as_of + dt.timedelta(days=days), times) for days, times in URGENCY), else_=1.0
    )
    return money * urgency


def _order(as_of: dt.date, by_money: bool) -> tuple[ColumnElement[Any], ...]:
    table = recommendations
    if by_money:
        return priority_column(as_of).desc(), table.c.recommendation_id.asc()
    return table.c.order_by.is_(None).asc(), table.c.order_by.asc(), table.c.recommendation_id.asc()


def _values(conn: Connection, facet: str, is_open: ColumnElement[bool]) -> tuple[str, ...]:
    column = recommendations.c[facet]
    query = select(column).distinct().where(is_open, column.is_not(None), column != "").order_by(column)
    return tuple(conn.execute(query).scalars())


def _totals(conn: Connection, fits: ColumnElement[bool], as_of: dt.date, by_money: bool) -> QueueTotals:
    table = recommendations
    is_due = table.c.order_by <= as_of + dt.timedelta(days=_DUE_DAYS)
    sums: list[ColumnElement[Any]] = [func.count(), func.count(case((is_due, 1)))]
    if by_money:
        sums += [func.sum(table.c.expected_margin), func.sum(table.c.expected_cash)]
    row = conn.execute(select(*sums).select_from(table).where(fits)).one()
    return QueueTotals(row[0], row[1], *((row[2], row[3]) if by_money else (None, None)))


class _Narrowed:
    """What a test in Python keeps of a ranked list: its sums, and its first rows."""

    def __init__(self, as_of: dt.date, by_money: bool, limit: int) -> None:
        self.records: list[Recommendation] = []
        self._last = as_of + dt.timedelta(days=_DUE_DAYS)
        self._by_money, self._limit = by_money, limit
        self._open, self._due = 0, 0
        self._margin: list[float] = []
        self._cash: list[float] = []

    def add(self, record: Recommendation) -> None:
        self._open += 1
        self._due += record.order_by is not None and record.order_by <= self._last
        if self._by_money and record.expected_margin is not None:
            self._margin.append(record.expected_margin)
        if self._by_money and record.expected_cash is not None:
            self._cash.append(record.expected_cash)
        if len(self.records) < self._limit:
            self.records.append(record)

    def totals(self) -> QueueTotals:
        margin, cash = (sum(amounts) if amounts else None for amounts in (self._margin, self._cash))
        return QueueTotals(self._open, self._due, margin, cash)
