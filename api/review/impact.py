"""The finance view: what the open set would do to stock, payables, cash and working capital, by week."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from api.deps import ServicesDep
from api.review.chart import Bar
from api.review.render import page, problem_page
from api.review.session import CurrentPerson
from api.services.impact_service import ImpactWeek, impact_of
from governance.errors import ForbiddenError

router = APIRouter(prefix="/review/impact", include_in_schema=False)
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 220, 56, 14, 26


@dataclass(frozen=True)
class WeekBar(Bar):
    """One week's working capital; `week` is written below its `middle`."""

    week: str
    middle: float


@dataclass(frozen=True)
class Picture:
    """Bars up (bound) and down (released) from the zero line. `ticks` are (y, USD)."""

    bars: tuple[WeekBar, ...]
    ticks: tuple[tuple[float, float], ...]
    zero: float
    width: int = WIDTH
    height: int = HEIGHT


@router.get("")
def impact_page(request: Request, person: CurrentPerson, services: ServicesDep) -> Response:
    """What this person may see of it; readers to whom cost is not shown get a sentence instead."""
    try:
        impact = impact_of(services.store, person)
    except ForbiddenError as error:
        return problem_page(request, 403, "Not for your role", error.message)
    return page("impact.html", impact=impact, picture=draw(impact.weeks), person=person)


def draw(weeks: list[ImpactWeek]) -> Picture | None:
    """None without weeks."""
    if not weeks:
        return None
    values = [week.working_capital for week in weeks]
    low, high = min(*values, 0.0), max(*values, 0.0)
    span = max(high - low, 1.0)
    slot = (WIDTH - LEFT - 12) / len(weeks)

    def y(usd: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - usd) / span, 1)

    bars = []
    for at, (week, value) in enumerate(zip(weeks, values, strict=True)):
        ends = dt.date.fromisoformat(week.week_ending)
        word = "bound" if value >= 0 else "released"
        label = f"week ending {ends:%-d %B}: ${abs(value):,.0f} {word}"
        x, top = LEFT + at * slot + 6, min(y(value), y(0))
        bars.append(
            WeekBar(round(x, 1), top, round(slot - 12, 1), round(abs(y(value) - y(0)), 1), label,
                f"{ends:%-d %b}", round(LEFT + (at + 0.5) * slot, 1))
        )  # fmt: skip
    ticks = [usd for usd in dict.fromkeys((low, 0.0, high)) if usd == 0 or abs(y(usd) - y(0)) > 14]
    return Picture(tuple(bars), tuple((y(usd), usd) for usd in ticks), y(0))
