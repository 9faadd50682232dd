"""Time constraints: the first and the last day or instant that count, both included."""

from __future__ import annotations

import datetime as dt

from ..ast.grains import RANK, coarsest, floor, step
from ..errors import InvalidQueryError
from .resolved import TimeRange


def time_range(
    constraint: tuple[str | None, ...] | None, finest: str, *, whole: str | None = None
) -> TimeRange | None:
    """The range of a constraint, inclusive at both ends; None at an end leaves it open.

    A date is a whole day, an instant what holds it of `finest`, the finest grain at which the time is known.
    With `whole`, both ends are widened to whole periods of that grain. Raises InvalidQueryError unless it is
    a pair of dates in order, without time zones.
    """
    if constraint is None:
        return None
    try:
        first, last = constraint
    except (ValueError, TypeError) as error:
        raise InvalidQueryError(f"The time constraint {constraint!r:.120} is not a pair.") from error
    start, end = _instant(first), _instant(last)
    if start is not None and end is not None and start > end:
        raise InvalidQueryError(f"The time constraint starts ({start}) after it ends ({end}).")
    try:
        return TimeRange(
            floor(start, _unit(first, finest, whole)) if start is not None else None,
            _after(end, _unit(last, finest, whole)) if end is not None else None,
        )
    except (ValueError, OverflowError) as error:
        raise InvalidQueryError(f"The time constraint {constraint!r:.120} is out of range.") from error


def _after(end: dt.datetime, unit: str) -> dt.datetime:
    return step(floor(end, unit), unit)


def _unit(text: object, finest: str, whole: str | None) -> str:
    """The grain of which one end of a constraint means a whole period."""
    grain = finest if finest in RANK and finest != "nanosecond" else whole or "day"
    grains = [grain] if _has_time_of_day(text) else [grain, "day"]
    return coarsest([*grains, whole] if whole in RANK else grains)


def _has_time_of_day(text: object) -> bool:
    return len(str(text).strip()) > len("2017-06-01")


def _instant(text: object) -> dt.datetime | None:
    """Raises InvalidQueryError unless it is a date or an instant without a zone."""
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(str(text).strip())
    except ValueError as error:
        raise InvalidQueryError(f"{text!r:.40} is not an ISO date.", hint="Write 2017-06-01.") from error
    if instant.tzinfo is not None:
        raise InvalidQueryError(
            f"{text!r:.40} has a time zone.", hint="Write the retailer's own day or time, without a zone."
        )
    return instant
