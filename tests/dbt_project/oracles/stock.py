# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Stock, service and what is lost, by hand from the counted stock and the movements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb

from tests.dbt_project.oracles.numbers import (
    ByHand,
    Fact,
    Numbers,
    Oracle,
    flow,
    formula,
    or_zero,
    query,
    rate,
    ratio,
)
from tests.dbt_project.oracles.sales import SOLD, SUMS

STOCK = Fact("stock")
LOST = Fact("lost")
SHRUNK = Fact("shrunk")
BY = (
    (),
    ("metric_time__month", "product__department"),
    ("location__region", "location__location_type"),
    ("metric_time__quarter", "location__serving_dc_id"),  # NULL for the distribution centres
)


def stocked(metric: str) -> ByHand:
    """Sales of what stock is kept of. Stock that nothing was sold of turned over not at all: 0, not unknown."""
    return or_zero(flow(SOLD, SUMS[metric]), flow(STOCK, "count(*)"))


def days_counted(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
    """Days of the period on which stock was counted anywhere, for every group that has stock in it."""
    time = next((i for i, g in enumerate(groups) if g.startswith("metric_time__")), None)
    per = Fact("stock", "").total(con, "count(distinct day)", () if time is None else (groups[time],))
    return {key: per[() if time is None else (key[time],)] for key in STOCK.total(con, "count(*)", groups)}


NET = flow(SOLD, SUMS["net_sales_stocked"])
VALUE_DAYS, DAYS = flow(STOCK, "sum(value)"), days_counted
AVERAGE = formula(lambda value, days: value / days, VALUE_DAYS, DAYS)


def at_the_close(value: str) -> ByHand:
    """Over the last row of every product and location in the period, with the mean demand of the 28 days up to it."""

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        time = [g for g in groups if g.startswith("metric_time__")]
        period = STOCK.keys(time, "day")[0] if time else "null"
        keys = STOCK.keys(groups, "f.period")
        return query(
            con,
            f"""with f as (select *, {period} as period from closings
                    qualify day = max(day) over (partition by location_id, product_id, period))
                select {", ".join([*keys, value])} from f {STOCK.joins} group by all""",
        )

    return number


def against_four_weeks_ago(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
    """A period's closing value less the closing value of the period of the same length 28 days before."""
    if groups[0] == "metric_time__day":  # on a day, what is there is what is counted
        now = STOCK.total(con, "sum(value)", groups)
    else:
        now = STOCK.last(con, "value", groups, ("location_id", "product_id"))
    before = {key: now.get((key[0] - timedelta(days=28), *key[1:])) for key in now}
    return {key: now[key] - was for key, was in before.items() if was is not None}


FLOWS = {
    "inventory_value_days": "sum(value)",
    "stockout_days": "count(*) filter (is_ranged and on_hand_units <= 0)",
    "ranged_days": "count(*) filter (is_ranged)",
    "demand_units": "sum(wanted)",
    "served_units": "sum(served)",
    "lost_sales_units": "sum(wanted) - sum(served)",
}
LEVELS = {
    "inventory_on_hand_units": "on_hand_units",
    "inventory_value": "value",
    "on_order_units": "on_order_units",
    "in_transit_units": "in_transit_units",
    "available_to_promise_units": "on_hand_units - reserved_units + in_transit_units",
    "aged_inventory_value": "aged_value",
}
FOUR_WEEKS_BY = (
    ("metric_time__day",),
    ("metric_time__week", "location__region"),
    ("metric_time__week", "product__department"),
)
ORACLES = {
    **{name: Oracle(flow(STOCK, sql), BY) for name, sql in FLOWS.items()},
    **{name: Oracle(at_the_close(f"sum({column})"), BY) for name, column in LEVELS.items()},
    "inventory_days": Oracle(days_counted, ((), ("metric_time__month",), ("metric_time__week",), ("metric_time__year",))),
    "stockout_rate": Oracle(rate(STOCK, FLOWS["stockout_days"], FLOWS["ranged_days"]), BY),
    "in_stock_rate": Oracle(rate(STOCK, "count(*) filter (is_ranged and on_hand_units > 0)", FLOWS["ranged_days"]), BY),
    "fill_rate": Oracle(rate(STOCK, "sum(served)", "sum(wanted)"), BY),
    "lost_sales_value": Oracle(flow(LOST, "sum(value)"), BY),
    "shrink_cost": Oracle(flow(SHRUNK, "sum(value)"), BY, alone=True),
    "shrink_rate": Oracle(ratio(or_zero(flow(SHRUNK, "sum(value)"), NET), NET), BY),
    "average_inventory_cost": Oracle(AVERAGE, BY),
    "inventory_turns": Oracle(formula(lambda c, n, a: c * 365 / n / a, stocked("cogs_stocked"), DAYS, AVERAGE), BY),
    "gmroi": Oracle(formula(lambda m, n, a: m * 365 / n / a, stocked("gross_margin_stocked"), DAYS, AVERAGE), BY),
    "inventory_carrying_cost": Oracle(formula(lambda a, n: a * 0.22 * n / 365, AVERAGE, DAYS), BY),
    "dio": Oracle(formula(lambda a, c, n: a / c * n, AVERAGE, stocked("cogs_stocked"), DAYS), BY),
    "sell_through_rate": Oracle(
        formula(lambda u, c: u / (u + c), stocked("units_sold_stocked"), at_the_close("sum(on_hand_units)")), BY),
    "mean_daily_demand": Oracle(at_the_close("sum(daily)"), BY),
    "days_of_supply": Oracle(at_the_close("sum(on_hand_units) / nullif(sum(daily), 0)"), BY),
    "weeks_of_cover_excess_value": Oracle(
        at_the_close("sum(round(greatest(on_hand_units - 28 * daily, 0) * cost, 4))"), BY, rel=1e-7, abs=0.01),
    "inventory_value_vs_4w_ago": Oracle(against_four_weeks_ago, FOUR_WEEKS_BY),
}  # fmt: skip
