"""What to look at first: money times how soon it has to be decided."""

from __future__ import annotations

import datetime as dt

from governance.approvals.recommendation import Recommendation

URGENCY = ((1, 3.0), (3, 2.0), (7, 1.3))
"""Days left at most, and how many times as pressing that makes it; else once."""


def priority(record: Recommendation, as_of: dt.date) -> float:
    """Expected margin (what is at stake, if none can be promised) times the urgency on the day `as_of`.

    Cash bound decides who decides, not what comes first.
    """
    money = record.at_stake if record.expected_margin is None else record.expected_margin
    left = days_left(record, as_of)
    urgency = next((times for days, times in URGENCY if left is not None and left <= days), 1.0)
    return (money or 0.0) * urgency


def days_left(record: Recommendation, as_of: dt.date) -> int | None:
    """Days until it has to be acted on; None if it has no date."""
    return None if record.order_by is None else (record.order_by - as_of).days
