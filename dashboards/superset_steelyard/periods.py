"""Time ranges of whole periods only: a partial last period would make every comparison wrong."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Recorded:
    """First and last day with data, both included."""

    first: dt.date
    last: dt.date

    def last_complete(self) -> str:
        """The last whole quarter that has a whole one before it, else month, else four weeks, else all."""
        end = self.last + _DAY
        for months in (3, 1):
            stop = _start(end, months)
            start = _start(stop - _DAY, months)
            if _start(start - _DAY, months) >= self.first:
                return _range(start, stop)
        stop = _monday(end)
        start = stop - dt.timedelta(weeks=4)
        if start - dt.timedelta(weeks=4) >= self.first:
            return _range(start, stop)
        return self.everything()

    def whole_weeks(self, at_most: int = 53) -> str:
        """From the first Monday to the last Sunday, `at_most` weeks back."""
        stop = _monday(self.last + _DAY)
        start = max(_monday(self.first + 6 * _DAY), stop - dt.timedelta(weeks=at_most))
        return _range(start, stop) if start < stop else self.everything()

    def whole_months(self, at_most: int = 13) -> str:
        """The last whole months."""
        stop = _start(self.last + _DAY, 1)
        start = _start(self.first + 30 * _DAY, 1) if self.first.day > 1 else self.first
        for _ in range(at_most):
            before = _start(stop - _DAY, 1)
            if before < self.first:
                break
            start, stop = before, before
        end = _start(self.last + _DAY, 1)
        return _range(start, end) if start < end else self.everything()

    def everything(self) -> str:
        return _range(self.first, self.last + _DAY)


def _start(day: dt.date, months: int) -> dt.date:
    """The first day of the period of 1 or 3 months that `day` is in."""
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def _monday(day: dt.date) -> dt.date:
    """The Monday of the day's week."""
    return day - dt.timedelta(days=day.weekday())


def _range(start: dt.date, stop: dt.date) -> str:
    """Superset's form: the end is not included."""
    return f"{start.isoformat()} : {stop.isoformat()}"
