# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Sales, promotion, return and customer KPIs equal hand-written SQL, each by at least three groupings."""

import pytest

from tests.dbt_project.oracle import CUSTOMER, LOCATION, PRODUCT, PROMOTION, combine, flow

pytestmark = pytest.mark.demo

JOINS = " ".join((PRODUCT, LOCATION, CUSTOMER, PROMOTION))
BY = [
    (),
    ("metric_time__month", "location__region"),
    ("product__department", "promotion__promo_type"),
    ("customer__segment", "customer__loyalty_tier"),
    ("channel", "product__brand"),
]
NOT_GOODS = "(p.department in ('FUEL', 'MISCELLANEOUS', 'COUPON') or p.category = 'COUPON/MISC ITEMS')"

# Written from the formula in the catalogue, on recorded columns where there are any.
SUMS = {
    "gross_sales": "sum(f.net_sales_usd) + sum(f.discounts_usd)",
    "discounts": "sum(f.gross_sales_usd - f.net_sales_usd)",
    "net_sales": "sum(f.net_sales_usd)",
    "manufacturer_coupons": "sum(f.manufacturer_coupons_usd)",
    "units_sold": f"sum(case when {NOT_GOODS} then 0 else f.quantity end)",
    "baskets": "count(distinct f.basket_id)",
    "active_customers": "count(distinct f.customer_id)",
    "cogs": "sum(f.cogs_usd)",
    "gross_margin": "sum(f.net_sales_usd) - sum(f.cogs_usd)",
}
RATIOS = {
    "average_basket_value": ("sum(f.net_sales_usd)", "count(distinct f.basket_id)"),
    "units_per_basket": (SUMS["units_sold"], "count(distinct f.basket_id)"),
    "gross_margin_rate": (SUMS["gross_margin"], "sum(f.net_sales_usd)"),
    "markdown_rate": ("sum(f.discounts_usd)", "sum(f.gross_sales_usd)"),
    "promo_sales_share": (
        "sum(case when pr.promo_type <> 'none' then f.net_sales_usd else 0 end)",
        "sum(f.net_sales_usd)",
    ),
}


@pytest.mark.parametrize("groups", BY)
@pytest.mark.parametrize("metric", SUMS)
def test_sum(metric, groups, marts, agree):
    agree(metric, groups, flow(marts, "fct_sales_lines", JOINS, SUMS[metric], groups))


@pytest.mark.parametrize("groups", BY)
@pytest.mark.parametrize("metric", RATIOS)
def test_ratio(metric, groups, marts, agree):
    above, below = (flow(marts, "fct_sales_lines", JOINS, part, groups) for part in RATIOS[metric])
    agree(metric, groups, combine(lambda a, b: a / b, above, below))


@pytest.mark.parametrize("groups", [(), ("metric_time__month",), ("product__department", "location__region")])
def test_return_rate(groups, marts, agree):
    joins = f"{PRODUCT} {LOCATION}"
    back = flow(marts, "fct_returns", joins, "sum(f.returned_units)", groups)
    sold = flow(marts, "fct_sales_lines", joins, "sum(f.units_sold)", groups)
    agree("return_rate", groups, combine(lambda a, b: a / b, back, sold))


@pytest.mark.parametrize(
    "groups", [(), ("promotion__promo_type",), ("metric_time__quarter", "product__department")]
)
def test_promo_uplift(groups, marts, agree):
    joins = f"{PRODUCT} {LOCATION} {PROMOTION}"
    day = "f.week_starts_on"
    units = flow(marts, "fct_promotion_weeks", joins, "sum(f.promoted_units)", groups, day)
    base = flow(marts, "fct_promotion_weeks", joins, "sum(f.baseline_units)", groups, day)
    agree("promo_uplift", groups, combine(lambda a, b: a / b, units, base))


@pytest.mark.parametrize(
    "groups", [("metric_time__month",), ("metric_time__week",), ("metric_time__month", "customer__segment")]
)
def test_repeat_customer_rate(groups, marts, agree):
    """Straight from the baskets: the 28 days that end with the last day of the period."""
    grain = groups[0].removeprefix("metric_time__")
    segment = ", c.segment" if len(groups) > 1 else ""
    rows = marts.execute(f"""
        with ends as (
            select cast(date_trunc('{grain}', date_day) as date) as period, max(date_day) as last_day
            from dim_date group by 1),
        baskets as (
            select e.period, s.customer_id, count(distinct s.basket_id) as n
            from ends e join fct_sales_lines s on s.date_day between e.last_day - 27 and e.last_day group by all)
        select b.period{segment}, avg(case when n >= 2 then 1.0 else 0.0 end)
        from baskets b left join dim_customer c using (customer_id) group by all""").fetchall()
    agree("repeat_customer_rate", groups, {tuple(r[:-1]): float(r[-1]) for r in rows})


@pytest.mark.parametrize(
    "groups", [(), ("customer__segment",), ("customer__loyalty_tier", "customer__segment")]
)
def test_customer_lifetime_value(groups, marts, ask):
    """Margin per year of tenure (at least four weeks) × probability of being active, from the sales themselves."""
    keys = ", ".join(f"c.{g.removeprefix('customer__')}" for g in groups)
    rows = marts.execute(f"""
        with seen as (
            select customer_id, sum(gross_margin_usd)::double as margin, date '2017-12-31' - max(date_day) as silence,
                date '2017-12-31' - min(date_day) + 1 as tenure, count(distinct date_day) as n,
                max(date_day) - min(date_day) as span
            from fct_sales_lines group by 1),
        valued as (
            select customer_id, margin / greatest(tenure, 28) * 365
                * case when silence <= case when n > 1 then span / (n - 1.0) else tenure end then 1
                    else case when n > 1 then span / (n - 1.0) else tenure end / silence end as value
            from seen)
        select {keys + "," if keys else ""} avg(coalesce(value, 0))
        from dim_customer c left join valued using (customer_id) group by all""").fetchall()
    expected = {tuple(r[:-1]): float(r[-1]) for r in rows}
    got = ask("customer_lifetime_value", groups)
    assert got.keys() == expected.keys()
    # The mart keeps four decimals per customer.
    assert all(got[k] == pytest.approx(v, abs=0.001) for k, v in expected.items())


def test_growth_on_the_week_before(marts, agree):
    rows = marts.execute("""
        with weekly as (
            select cast(date_trunc('week', date_day) as date) as w, sum(net_sales_usd)::double as v
            from fct_sales_lines group by 1)
        select a.w, (a.v - b.v) / b.v from weekly a join weekly b on b.w = a.w - 7""").fetchall()
    agree("net_sales_wow_growth", ("metric_time__week",), {(w,): v for w, v in rows})


@pytest.mark.parametrize("by", [(), ("product__department",), ("location__region",)])
def test_year_to_date_and_trailing(by, ask, marts):
    """At the last day of June: summed by hand from the first of January, and over 28 days."""
    keys = {"product__department": "p.department", "location__region": "l.region"}
    select = "".join(f"{keys[g]}, " for g in by)
    for metric, column, first in (
        ("net_sales_ytd", "net_sales_usd", "2017-01-01"),
        ("units_sold_trailing_28d", "units_sold", "2017-06-03"),
    ):
        rows = marts.execute(f"""
            select {select} sum(f.{column}) from fct_sales_lines f {PRODUCT} {LOCATION}
            where f.date_day between date '{first}' and date '2017-06-30' group by all""").fetchall()
        got = ask(metric, ("metric_time__day", *by))
        got = {k[1:]: v for k, v in got.items() if str(k[0]) == "2017-06-30"}
        expected = {tuple(r[:-1]): float(r[-1]) for r in rows}
        assert {k: v for k, v in got.items() if k in expected} == pytest.approx(expected)


def test_active_customers_of_a_region_do_not_add_up(ask):
    """A household that shops in two regions counts once in the total: the distinct count is not a sum of parts."""
    assert sum(ask("active_customers", ("location__region",)).values()) > ask("active_customers", ())[()]
