"""Time grains and date parts of dbt's semantic spec, in order from fine to coarse."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

GRAINS: tuple[str, ...] = (
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour",
    "day", "week", "month", "quarter", "year",
)  # fmt: skip
RANK: dict[str, int] = {grain: rank for rank, grain in enumerate(GRAINS)}
DATE_PARTS: dict[str, str] = {
    "year": "YEAR", "quarter": "QUARTER", "month": "MONTH", "day": "DAY", "dow": "ISODOW", "doy": "DOY",
}  # fmt: skip
CALENDAR_UNITS = frozenset({"month", "quarter", "year"})


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time: 28 days, 1 month."""

    count: int
    grain: str


def finest(grains: list[str]) -> str:
    """The finest of some standard grains."""
    return min(grains, key=RANK.__getitem__)


def coarsest(grains: list[str]) -> str:
    """The coarsest of some standard grains."""
    return max(grains, key=RANK.__getitem__)


def divides(unit: str, grain: str) -> bool:
    """Whether every period of `grain` consists of whole periods of `unit` (weeks divide nothing coarser)."""
    if RANK[unit] > RANK[grain]:
        return False
    return unit == grain or unit != "week"


def floor(moment: dt.datetime, grain: str) -> dt.datetime:  # noqa: PLR0911 - one case a grain
    """The first instant of the period of `grain` that holds `moment`."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match grain:
        case "year":
            return day.replace(month=1, day=1)
        case "quarter":
            return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
        case "month":
            return day.replace(day=1)
        case "week":
            return day - dt.timedelta(days=day.weekday())
        case "day":
            return day
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case "second":
            return moment.replace(microsecond=0)
        case "millisecond":
            return moment.replace(microsecond=1000 * (moment.microsecond // 1000))
    return moment


def step(period: dt.datetime, grain: str) -> dt.datetime:
    """The first instant after the period of `grain` that starts at `period`."""
    match grain:
        case "year":
            return period.replace(year=period.year + 1)
        case "quarter" | "month":
            months = period.year * 12 + period.month - 1 + (3 if grain == "quarter" else 1)
            return period.replace(year=months // 12, month=months % 12 + 1)
        case "week":
            return period + dt.timedelta(days=7)
        case "millisecond":
            return period + dt.timedelta(milliseconds=1)
        case "nanosecond" | "microsecond":
            return period + dt.timedelta(microseconds=1)
    return period + dt.timedelta(**{f"{grain}s": 1})
