"""The queue: open recommendations that a person may see, ranked by money and urgency."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from governance.approvals import (
    MASKED,
    OPEN,
    Recommendation,
    days_left,
    list_recommendations,
    may_decide,
    priority,
    sees_money,
)
from governance.identity import Principal
from governance.store import OpsStore

MOST_ROWS = 400
FILTERS = ("action", "region", "department", "policy_route")


@dataclass(frozen=True)
class Row:
    """One line of the queue.

    `days_left` counts from the day of the data; `assigned_to_me`: this person may decide.
    """

    record: Recommendation
    days_left: int | None
    priority: float
    assigned_to_me: bool

    @property
    def id(self) -> str:
        return self.record.recommendation_id


@dataclass(frozen=True)
class Queue:
    """`rows` in order. `has_more`: beyond MOST_ROWS there are others, of less money."""

    rows: tuple[Row, ...]
    has_more: bool
    filters: dict[str, str]
    choices: dict[str, list[str]]

    @property
    def assigned_to_me(self) -> int:
        return sum(row.assigned_to_me for row in self.rows)

    @property
    def margin_usd(self) -> float:
        return sum(row.record.expected_margin_usd or 0.0 for row in self.rows)

    @property
    def cash_usd(self) -> float:
        return sum(row.record.expected_cash_usd or 0.0 for row in self.rows)

    @property
    def due_today(self) -> int:
        return sum(row.days_left is not None and row.days_left <= 1 for row in self.rows)

    def after(self, recommendation_id: str) -> str | None:
        """The row that follows, else the one before, else None."""
        ids = [row.id for row in self.rows]
        if recommendation_id not in ids:
            return ids[0] if ids else None
        at = ids.index(recommendation_id)
        rest = ids[at + 1 :] or ids[:at][-1:]
        return rest[0] if rest else None


def read_queue(store: OpsStore, person: Principal, filters: dict[str, str], only_mine: bool = False) -> Queue:
    """What `person` may see, most pressing first."""
    wanted = {name: value for name, value in filters.items() if name in filters_for(person) and value}
    page = list_recommendations(store, reader=person, limit=MOST_ROWS, state=OPEN, **wanted)
    rows = [rank(record, person) for record in page.items]
    if only_mine:
        rows = [row for row in rows if row.assigned_to_me]
    rows.sort(key=lambda row: (-row.priority, row.record.order_by or dt.date.max, row.id))
    everything = page.items if not wanted else (
        list_recommendations(store, reader=person, limit=MOST_ROWS, state=OPEN).items
    )  # fmt: skip
    choices = {
        name: sorted({value for record in everything if (value := getattr(record, name))})
        for name in filters_for(person)
    }
    return Queue(tuple(rows), page.next_cursor is not None, wanted, choices)


def filters_for(person: Principal) -> tuple[str, ...]:
    """What the person may filter by: who decides goes by money, and is for those who see it."""
    return FILTERS if sees_money(person) else tuple(name for name in FILTERS if name not in MASKED)


def rank(record: Recommendation, person: Principal) -> Row:
    """Money, weighed by how soon it has to be decided, counted from the day of its data."""
    day = as_of(record)
    return Row(record, days_left(record, day), priority(record, day), may_decide(person, record))


def as_of(record: Recommendation) -> dt.date:
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
