"""The small chart of a recommendation: demand by week, stock by day, what is on order, what is proposed.

The numbers are the governed metrics, read as the person who looks; the picture is plain SVG without styles.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from api.services.metric_service import MetricService
from governance.approvals import Recommendation
from governance.identity import Principal
from semantic import MetricQuery
from semantic.sql.quoting import literal

WEEKS = 10
WIDTH, HEIGHT = 640, 196
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 12, 24
METRICS = ("inventory_on_hand_units", "on_order_units", "demand_units")


@dataclass(frozen=True)
class Day:
    """Units of one day; None if none is recorded: demand at a distribution centre, uncounted stock."""

    day: dt.date
    on_hand: float | None
    on_order: float | None
    demand: float | None


@dataclass(frozen=True)
class Bar:
    """In pixels; `label` says in words what it shows."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws, in pixels. `ticks` are (y, units), `weeks` are (x, label)."""

    bars: tuple[Bar, ...]
    stock: str
    on_order: str
    ticks: tuple[tuple[float, int], ...]
    weeks: tuple[tuple[float, str], ...]
    proposed: Bar | None
    width: int
    height: int
    baseline: float
    caption: str


def read_days(metrics: MetricService, person: Principal, record: Recommendation, last: dt.date) -> list[Day]:
    """Day, on hand, on order, demand of the ten weeks up to `last`, as this person may see them."""
    first = last - dt.timedelta(days=7 * WEEKS - 1)
    query = MetricQuery(
        metrics=list(METRICS),
        group_by=["metric_time__day"],
        where=[_is("product", record.product_id), _is("location", record.location_id)],
        order_by=["metric_time__day"],
        time_constraint=(first.isoformat(), last.isoformat()),
    )
    answer = metrics.answer(query, person).as_dict()
    names = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in answer["rows"]]
    on_hand, on_order, demand = METRICS
    return [
        Day(
            _day(row["metric_time__day"]),
            _units(row[on_hand]),
            _units(row[on_order]),
            _units(row[demand]),
        )
        for row in rows
    ]


def draw(days: list[Day], last: dt.date, proposed_units: float | None) -> Chart | None:
    """None if nothing is known of these weeks."""
    days = [one for one in days if (one.on_hand, one.on_order, one.demand) != (None, None, None)]
    if not days:
        return None
    first = last - dt.timedelta(days=7 * WEEKS - 1)
    weekly = [0.0] * WEEKS
    for one in days:
        weekly[(one.day - first).days // 7] += one.demand or 0.0
    has_demand = any(one.demand is not None for one in days)
    top = max(*weekly, *(max(one.on_hand or 0, one.on_order or 0) for one in days), proposed_units or 0, 4)
    step = _step(top)
    top = step * -(-top // step)
    across = WIDTH - LEFT - RIGHT - 40  # the last 40 pixels are for what is proposed
    base = HEIGHT - BOTTOM

    def x(day: dt.date) -> float:
        return round(LEFT + across * ((day - first).days + 0.5) / (7 * WEEKS), 1)

    def y(units: float) -> float:
        return round(base - (base - TOP) * units / top, 1)

    slot = across / WEEKS
    starts = [first + dt.timedelta(days=7 * k) for k in range(WEEKS)]
    bars = tuple(
        Bar(round(LEFT + k * slot + 4, 1), y(units), round(slot - 8, 1), round(base - y(units), 1),
            f"week from {starts[k]:%-d %B}: {units:.0f} units wanted")
        for k, units in enumerate(weekly if has_demand else ())
    )  # fmt: skip
    proposed = None
    if proposed_units:
        height = round(base - y(proposed_units), 1)
        proposed = Bar(
            WIDTH - RIGHT - 28, y(proposed_units), 22, height, f"proposed: {proposed_units:.0f} units"
        )
    return Chart(
        bars=bars,
        stock=" ".join(f"{x(one.day)},{y(one.on_hand)}" for one in days if one.on_hand is not None),
        on_order=" ".join(f"{x(one.day)},{y(one.on_order)}" for one in days if one.on_order is not None),
        ticks=tuple((y(k * step), int(k * step)) for k in range(int(top // step) + 1)),
        weeks=tuple((round(LEFT + (k + 0.5) * slot, 1), f"{starts[k]:%-d %b}") for k in range(0, WEEKS, 3)),
        proposed=proposed,
        width=WIDTH,
        height=HEIGHT,
        baseline=base,
        caption=f"{_wanted(weekly) if has_demand else 'No demand of its own: it serves stores'}; "
        f"{_stock(days[-1])} on {last:%-d %B %Y}.",
    )


def _stock(day: Day) -> str:
    if day.on_hand is None:
        return "no stock is recorded"
    order = "" if day.on_order is None else f" and {day.on_order:.0f} on order"
    return f"{day.on_hand:.0f} on hand{order}"


def _units(value: object) -> float | None:
    return None if value is None else float(str(value))


def _wanted(weekly: list[float]) -> str:
    return f"{sum(weekly):.0f} units wanted in {WEEKS} weeks, {weekly[-1]:.0f} in the last"


def _is(entity: str, key: str) -> str:
    return f"{{{{ Entity('{entity}') }}}} = {literal(key)}"


def _day(value: object) -> dt.date:
    return value if type(value) is dt.date else dt.date.fromisoformat(str(value)[:10])


def _step(top: float) -> int:
    """About four round steps up to `top`."""
    for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000):
        if top / step <= 4.5:
            return step
    return 10_000
