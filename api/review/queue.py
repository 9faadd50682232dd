"""The queue as a person reads it: open recommendations that they may see, ranked by money and urgency."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from api.services.metric_service import MetricService
from governance.approvals import (
    QueueTotals,
    Recommendation,
    days_left,
    facets_for,
    may_decide,
    rank_open,
)
from governance.identity import Principal
from governance.store import OpsStore
from semantic.errors import SteelyardError

MOST_ROWS = 400


@dataclass(frozen=True)
class Row:
    """One line of the queue, with what this reader may see of the recommendation.

    `days_left` counts from the day of the data; `assigned_to_me`: this person may decide.
    """

    record: Recommendation
    days_left: int | None
    assigned_to_me: bool

    @property
    def id(self) -> str:
        return self.record.recommendation_id


@dataclass(frozen=True)
class Queue:
    """The first MOST_ROWS `rows` in order; `totals` and `choices` are of everything, listed or not.

    `as_of` is the day of the data, from which days are counted.
    """

    rows: tuple[Row, ...]
    totals: QueueTotals
    filters: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]
    as_of: dt.date

    @property
    def has_more(self) -> bool:
        return self.totals.open > len(self.rows)

    def after(self, recommendation_id: str) -> str | None:
        """The row that follows, else the one before, else None."""
        ids = [row.id for row in self.rows]
        if recommendation_id not in ids:
            return ids[0] if ids else None
        at = ids.index(recommendation_id)
        rest = ids[at + 1 :] or ids[:at][-1:]
        return rest[0] if rest else None


def read_queue(
    store: OpsStore, person: Principal, filters: Mapping[str, str], *, as_of: dt.date, only_mine: bool = False
) -> Queue:
    """What `person` may see on the day of the data, most pressing first."""
    wanted = {name: value for name, value in filters.items() if name in facets_for(person) and value}
    ranked = rank_open(
        store,
        reader=person,
        as_of=as_of,
        limit=MOST_ROWS,
        wanted=wanted,
        only=(lambda record: may_decide(person, record)) if only_mine else None,
    )
    rows = tuple(row_of(record, person, as_of) for record in ranked.records)
    return Queue(rows, ranked.totals, wanted, ranked.choices, as_of)


def row_of(record: Recommendation, person: Principal, as_of: dt.date) -> Row:
    """One line of a record as `person` sees it, counted from the day of the data."""
    return Row(record, days_left(record, as_of), may_decide(person, record))


def last_day(metrics: MetricService) -> dt.date:
    """The last day of the published data, from which days are counted; today if nothing is published."""
    try:
        day = metrics.opened().layer.as_of
    except SteelyardError:
        day = None
    return day or dt.datetime.now(dt.UTC).date()


def data_day(record: Recommendation) -> dt.date:
    """The day whose data the recommendation was made from; the day of the proposal if it does not say."""
    for fields in (record.details, drivers(record)):
        if isinstance(fields, dict) and fields.get("as_of"):
            return dt.date.fromisoformat(str(fields["as_of"])[:10])
    return record.created_at.date()


def drivers(record: Recommendation) -> dict[str, object]:
    """Its drivers by name, whether stored as JSON or as text of it."""
    value = record.drivers
    if isinstance(value, str):
        value = json.loads(value)
    return value if isinstance(value, dict) else {}
