"""Time constraints: a pair of ISO dates, widened to whole periods."""

from __future__ import annotations

import datetime as dt

from ..ast.grains import RANK, floor, step
from ..errors import InvalidQueryError
from .resolved import TimeRange


def time_range(constraint: tuple[str, str] | None, grain: str) -> TimeRange | None:
    """The range of a constraint (inclusive at both ends) in whole periods of `grain`.

    None at an end leaves it open. Raises InvalidQueryError where it is no pair of dates, or is reversed.
    """
    if constraint is None:
        return None
    grain = grain if grain in RANK and grain != "nanosecond" else "day"
    try:
        first, last = constraint
    except (ValueError, TypeError) as error:
        raise InvalidQueryError(f"The time constraint {constraint!r:.120} is not a pair.") from error
    start, end = _instant(first), _instant(last)
    if start is not None and end is not None and start > end:
        raise InvalidQueryError(f"The time constraint starts ({start}) after it ends ({end}).")
    try:
        return TimeRange(
            floor(start, grain) if start is not None else None,
            step(floor(end, grain), grain) if end is not None else None,
        )
    except (ValueError, OverflowError) as error:
        raise InvalidQueryError(f"The time constraint {constraint!r:.120} is out of range.") from error


def _instant(text: object) -> dt.datetime | None:
    """Raises InvalidQueryError where it is no date."""
    try:
        return None if text is None else dt.datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError as error:
        raise InvalidQueryError(f"{text!r:.40} is not an ISO date.", hint="Write 2017-06-01.") from error
