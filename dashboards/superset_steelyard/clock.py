"""The day that people count from: the last one that the release has data of, not the server's.

"Last month" over data that end in December is December, whenever somebody looks. `today` is the last day of
the data, `now` its end; periods that go back from here ("Last week") end with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from .client import Client
from .errors import Error
from .pages import release_for, signed_in_user

_DAY = dt.timedelta(days=1)
_RELATIVE = {None, "", "today", "now"}
_last_days: dict[str, dt.date | None] = {}


def last_day() -> dt.date | None:
    """The last day of the release that is shown; None if nobody is signed in or it cannot be asked."""
    user = signed_in_user()
    if user is None:
        return None
    try:
        release = release_for(user)
        if release not in _last_days:
            _last_days[release] = Client.from_environment().as_of(user, release)
    except Error:
        return None
    return _last_days[release]


def count_from_the_data() -> None:
    """Superset's reader of periods takes the data's day for today, for charts and for what pickers show."""
    from superset import viz  # Superset itself imports the configuration
    from superset.common.utils import time_range_utils
    from superset.utils import date_parser
    from superset.views import api

    date_parser.parse_human_datetime = _from_the_data(date_parser.parse_human_datetime)
    counted = _ending_with_the_data(date_parser.get_since_until)
    for module in (date_parser, time_range_utils, api, viz):
        module.get_since_until = counted


def _from_the_data(parse: Callable[[str], dt.datetime]) -> Callable[[str], dt.datetime]:
    def parse_human_datetime(human_readable: str) -> dt.datetime:
        spoken = human_readable.strip().lower()
        day = last_day() if spoken in {"today", "now"} else None
        if day is None:
            return parse(human_readable)
        return dt.datetime.combine(day if spoken == "today" else day + _DAY, dt.time())

    return parse_human_datetime


def _ending_with_the_data(read: Callable[..., Any]) -> Callable[..., Any]:
    def get_since_until(
        time_range: str | None = None,
        *more: Any,
        relative_start: Any = None,
        relative_end: Any = None,
        **named: Any,
    ) -> Any:
        if not time_range and relative_end in _RELATIVE:  # no period: nothing is cut at the end of the data
            relative_end = dt.date.today().isoformat()
        goes_from_here = str(time_range or "").startswith(("Last", "Next")) and " : " not in str(time_range)
        day = last_day() if goes_from_here else None
        if day is not None and relative_start in _RELATIVE and relative_end in _RELATIVE:
            relative_start = relative_end = (day + _DAY).isoformat()
        return read(time_range, *more, relative_start=relative_start, relative_end=relative_end, **named)

    return get_since_until
