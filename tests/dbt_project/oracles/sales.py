# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Sales, promotions, returns and customers by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb

from tests.dbt_project.oracles.numbers import (
    CUSTOMER,
    LOCATION,
    PRODUCT,
    Fact,
    Numbers,
    Oracle,
    flow,
    or_zero,
    query,
    rate,
    ratio,
)

SOLD = Fact("sold", f"{PRODUCT} {LOCATION} {CUSTOMER}", groups={"promotion__promo_type": "f.promo_type"})
BACK = Fact("back", f"{PRODUCT} {LOCATION} {CUSTOMER}")

BY = (
    (),
    ("metric_time__month", "location__region"),
    ("product__department", "promotion__promo_type"),
    ("customer__segment", "customer__loyalty_tier"),
    ("channel", "product__brand"),
    (
        "customer__age_band",
        "product__package_size",
    ),  # NULL for two households of three, and for a third of products
)
BOTH = (
    (),
    ("metric_time__month",),
    ("product__department", "location__region"),
    ("metric_time__quarter", "customer__age_band"),
)

SUMS = {
    "gross_sales": "sum(sales_value + retail_discount + coupon_match_discount)",
    "discounts": "sum(retail_discount + coupon_match_discount)",
    "net_sales": "sum(sales_value)",
    "manufacturer_coupons": "sum(coupon_discount)",
    "units_sold": "sum(units)",
    "baskets": "count(distinct basket_id)",
    "active_customers": "count(distinct f.customer_id)",
    "cogs": "sum(cogs)",
    "gross_margin": "sum(sales_value) - sum(cogs)",
    "promoted_net_sales": "sum(case when promo_type = 'none' then 0 else sales_value end)",
    "cogs_stocked": "sum(case when kept then cogs else 0 end)",
    "gross_margin_stocked": "sum(case when kept then sales_value - cogs else 0 end)",
    "net_sales_stocked": "sum(case when kept then sales_value else 0 end)",
    "units_sold_stocked": "sum(case when kept then units else 0 end)",
}
RATIOS = {
    "average_basket_value": ("net_sales", "baskets"),
    "units_per_basket": ("units_sold", "baskets"),
    "gross_margin_rate": ("gross_margin", "net_sales"),
    "markdown_rate": ("discounts", "gross_sales"),
    "promo_sales_share": ("promoted_net_sales", "net_sales"),
}


def sold(metric: str):
    return flow(SOLD, SUMS[metric])


def week_on_week(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
    """Against the same day or week seven days before; without sales then there is no growth."""
    now = SOLD.total(con, SUMS["net_sales"], groups)
    before = {key: now.get((key[0] - timedelta(days=7), *key[1:])) for key in now}
    return {key: (now[key] - was) / was for key, was in before.items() if was}


def up_to(value: str, since: str):
    """At the last day of every period: everything from a first day on, both days included."""

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        (grain,) = (g.removeprefix("metric_time__") for g in groups[:1])
        others = SOLD.keys(groups[1:])
        names = "".join(f", g{i}" for i in range(len(others)))
        return query(
            con,
            f"""
                with ends as (
                    select cast(date_trunc('{grain}', day) as date) as period, max(day) as last_day
                    from days group by 1),
                daily as (
                    select f.day{"".join(f", {sql} as g{i}" for i, sql in enumerate(others))}, {value} as v
                    from sold f {SOLD.joins} group by all)
                select period{names}, sum(v) from ends join daily on day between {since} and last_day group by all""",
        )

    return number


UPLIFT = Fact("uplift", groups={"promotion__promo_type": "f.promo_type"})
UPLIFT_BY = ((), ("promotion__promo_type",), ("metric_time__quarter", "product__department"))


def households_of_28_days(value: str):
    """Straight from the baskets: the 28 days that end with the last day of the period."""

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        time = [g.removeprefix("metric_time__") for g in groups if g.startswith("metric_time__")]
        period = f"cast(date_trunc('{time[0]}', day) as date)" if time else "null"
        keys = ", ".join([*SOLD.keys(groups, "f.period"), value])
        return query(
            con,
            f"""
                with ends as (select {period} as period, max(day) as last_day from days group by 1),
                f as (
                    select e.period, s.customer_id, count(distinct s.basket_id) as n
                    from ends e join lines s on s.day between e.last_day - 27 and e.last_day group by all)
                select {keys} from f {CUSTOMER} group by all""",
        )

    return number


HOUSEHOLDS_BY = (
    (),
    ("metric_time__month",),
    ("metric_time__week", "customer__segment"),
    ("customer__age_band",),
)
ORACLES = {
    **{name: Oracle(flow(SOLD, sql), BY) for name, sql in SUMS.items()},
    **{name: Oracle(ratio(sold(above), sold(below)), BY) for name, (above, below) in RATIOS.items()},
    "net_sales_wow_growth": Oracle(
        week_on_week,
        (
            ("metric_time__week",),
            ("metric_time__day", "location__region"),
            ("metric_time__week", "product__department"),
            ("metric_time__week", "customer__age_band"),
        ),
    ),
    "net_sales_ytd": Oracle(
        up_to(SUMS["net_sales"], "date_trunc('year', last_day)"),
        (
            ("metric_time__month",),
            ("metric_time__day",),
            ("metric_time__quarter", "location__region"),
            ("metric_time__month", "customer__age_band"),
        ),
    ),
    "units_sold_trailing_28d": Oracle(
        up_to(SUMS["units_sold"], "last_day - 27"),
        (
            ("metric_time__month",),
            ("metric_time__day",),
            ("metric_time__quarter", "location__region"),
            ("metric_time__week", "customer__age_band"),
        ),
    ),
    "returned_units": Oracle(flow(BACK, "sum(f.quantity)"), BOTH, alone=True),
    "return_rate": Oracle(
        ratio(or_zero(flow(BACK, "sum(f.quantity)"), sold("units_sold")), sold("units_sold")), BOTH
    ),
    "promo_units": Oracle(flow(UPLIFT, "sum(promoted_units)"), UPLIFT_BY),
    "promo_baseline_units": Oracle(flow(UPLIFT, "sum(baseline_units)"), UPLIFT_BY),
    "promo_uplift": Oracle(rate(UPLIFT, "sum(promoted_units)", "sum(baseline_units)"), UPLIFT_BY),
    "customers_28d": Oracle(households_of_28_days("count(*)"), HOUSEHOLDS_BY),
    "repeat_customers_28d": Oracle(households_of_28_days("count(*) filter (n >= 2)"), HOUSEHOLDS_BY),
    "repeat_customer_rate": Oracle(households_of_28_days("avg(case when n >= 2 then 1.0 else 0.0 end)"), HOUSEHOLDS_BY),
    # The mart keeps four decimals per customer and six of the chance to be active.
    "customer_lifetime_value": Oracle(
        flow(Fact("households", groups={n: n.replace("customer__", "f.") for n in (
            "customer__segment", "customer__loyalty_tier", "customer__age_band")}, joins=""), "avg(value)"),
        ((), ("customer__segment",), ("customer__loyalty_tier", "customer__segment"), ("customer__age_band",)),
        rel=1e-6, abs=1e-3,
    ),
}  # fmt: skip
