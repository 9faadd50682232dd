# ruff: noqa: E501, PLR0917 — hand-written SQL stands in one piece
"""Stock, supply and money KPIs equal hand-written SQL, each by at least three groupings."""

import pytest

from tests.dbt_project.oracle import LOCATION, PRODUCT, SUPPLIER, balance, combine, days, flow

pytestmark = pytest.mark.demo

STOCK = "fct_inventory_daily"
JOINS = f"{PRODUCT} {LOCATION}"
BY = [
    (),
    ("metric_time__month", "product__department"),
    ("location__region", "location__location_type"),
    ("metric_time__quarter",),
]
MONEY_BY = [(), ("metric_time__month",), ("metric_time__quarter", "location__region")]

LEVELS = {
    "inventory_on_hand_units": "on_hand_units",
    "inventory_value": "inventory_value_usd",
    "aged_inventory_value": "aged_inventory_value_usd",
    "weeks_of_cover_excess_value": "excess_value_usd",
    "on_order_units": "on_order_units",
    "in_transit_units": "in_transit_units",
    "available_to_promise_units": "available_to_promise_units",
}


@pytest.mark.parametrize("groups", BY)
@pytest.mark.parametrize("metric", LEVELS)
def test_closing_level(metric, groups, marts, agree):
    agree(metric, groups, balance(marts, STOCK, JOINS, LEVELS[metric], groups))


@pytest.mark.parametrize("groups", BY)
@pytest.mark.parametrize(
    ("metric", "above", "below"),
    [
        (
            "stockout_rate",
            "count(*) filter (f.is_ranged and f.on_hand_units = 0)",
            "count(*) filter (f.is_ranged)",
        ),
        (
            "in_stock_rate",
            "count(*) filter (f.is_ranged and f.on_hand_units > 0)",
            "count(*) filter (f.is_ranged)",
        ),
        ("fill_rate", "sum(f.sales_units)", "nullif(sum(f.demand_units), 0)"),
    ],
)
def test_service(metric, above, below, groups, marts, agree):
    parts = (flow(marts, STOCK, JOINS, part, groups) for part in (above, below))
    agree(metric, groups, combine(lambda a, b: a / b, *parts))


@pytest.mark.parametrize("groups", BY)
def test_lost_sales(groups, marts, agree):
    agree(
        "lost_sales_units", groups, flow(marts, STOCK, JOINS, "sum(f.demand_units - f.sales_units)", groups)
    )
    price = f"""{JOINS} left join dim_product_price h on h.product_id = f.product_id and h.location_id is null
        and f.date_day >= h.valid_from and f.date_day < h.valid_to"""
    lost = "round(sum(round((f.demand_units - f.sales_units) * coalesce(h.list_price_usd, p.list_price_usd), 4)), 4)"
    value = flow(marts, f"(select * from {STOCK} where demand_units > sales_units)", price, lost, groups)
    agree("lost_sales_value", groups, value)


def stock_days(marts, groups):
    return flow(marts, STOCK, JOINS, "sum(f.inventory_value_usd)", groups)


def sold(marts, groups, value):
    """Of the products at locations where stock is kept on that day: the scope of everything held against stock."""
    scoped = """(select s.*, k.product_id is not null as kept from fct_sales_lines s
        left join fct_inventory_daily k using (location_id, product_id, date_day))"""
    return flow(marts, scoped, JOINS, f"sum(case when f.kept then {value} else 0 end)", groups)


def period_days(marts, groups):
    """Days of stock in the group's period, for every group."""
    of_period, at = (
        days(marts, groups),
        next((i for i, g in enumerate(groups) if g.startswith("metric_time")), None),
    )
    return {key: of_period[None if at is None else key[at]] for key in stock_days(marts, groups)}


@pytest.mark.parametrize("groups", BY)
def test_turns_and_money_bound_in_stock(groups, marts, agree):
    value, length = stock_days(marts, groups), period_days(marts, groups)
    average = combine(lambda v, n: v / n, value, length)
    cogs = sold(marts, groups, "f.cogs_usd")
    margin = sold(marts, groups, "f.net_sales_usd - f.cogs_usd")
    agree("average_inventory_cost", groups, average)
    agree("inventory_turns", groups, combine(lambda c, n, a: c * 365 / n / a, cogs, length, average))
    agree("gmroi", groups, combine(lambda m, n, a: m * 365 / n / a, margin, length, average))
    agree("inventory_carrying_cost", groups, combine(lambda a, n: a * 0.22 * n / 365, average, length))
    agree("dio", groups, combine(lambda a, c, n: a / c * n, average, cogs, length))


@pytest.mark.parametrize("groups", BY)
def test_sell_through(groups, marts, agree):
    units, closing = (
        sold(marts, groups, "f.units_sold"),
        balance(marts, STOCK, JOINS, "on_hand_units", groups),
    )
    agree("sell_through_rate", groups, combine(lambda u, c: u / (u + c), units, closing))


@pytest.mark.parametrize(
    "groups", [(), ("metric_time__month",), ("product__department",), ("location__region",)]
)
def test_days_of_supply(groups, marts, agree):
    """Demand of the trailing 28 days counted again from the days themselves, at the last day of each pair's period."""
    grain = "month" if groups == ("metric_time__month",) else "century"
    key = {
        "product__department": "p.department",
        "location__region": "l.region",
        "metric_time__month": "e.period",
    }
    select = "".join(f"cast({key[g]} as {'date' if 'time' in g else 'varchar'}), " for g in groups)
    rows = marts.execute(f"""
        with ends as (
            select date_trunc('{grain}', date_day) as period, location_id, product_id, max(date_day) as last_day,
                arg_max(on_hand_units, date_day) as on_hand
            from fct_inventory_daily group by all),
        demand as (
            select e.period, e.location_id, e.product_id, any_value(e.on_hand) as on_hand, avg(d.demand_units) as daily
            from ends e join fct_inventory_daily d on d.location_id = e.location_id and d.product_id = e.product_id
                and d.date_day between e.last_day - 27 and e.last_day
            group by all)
        select {select} sum(e.on_hand) / nullif(sum(e.daily), 0) from demand e
        left join dim_product p using (product_id) left join dim_location l using (location_id) group by all""").fetchall()
    agree("days_of_supply", groups, {tuple(r[:-1]): float(r[-1]) for r in rows if r[-1] is not None})


@pytest.mark.parametrize("groups", [(), ("metric_time__month",), ("product__department",)])
def test_shrink_rate(groups, marts, agree):
    shrunk = "sum(case when f.adjustment_type = 'shrink' then f.lost_value_usd else 0 end)"
    lost = flow(marts, "fct_stock_adjustments", JOINS, shrunk, groups)
    agree("shrink_rate", groups, combine(lambda a, b: a / b, lost, sold(marts, groups, "f.net_sales_usd")))


@pytest.mark.parametrize(
    "groups",
    [(), ("supplier__supplier_name",), ("metric_time__month", "location__region"), ("product__department",)],
)
def test_supplier_otif_rate(groups, marts, agree):
    joins, day = f"{JOINS} {SUPPLIER}", "f.promised_on"
    # What was delivered short has a cancelled remainder in the same order: it was not in full.
    due = """(select *, exists (select 1 from fct_purchase_order_lines r where r.status = 'cancelled'
            and r.purchase_order_id = o.purchase_order_id and r.product_id = o.product_id) as short
        from fct_purchase_order_lines o where status <> 'cancelled' and promised_on <= date '2017-12-31')"""
    kept = "count(*) filter (not f.short and f.received_on <= f.promised_on and f.received_units >= f.ordered_units)"
    parts = (flow(marts, due, joins, part, groups, day) for part in (kept, "count(*)"))
    agree("supplier_otif_rate", groups, combine(lambda a, b: a / b, *parts))


@pytest.mark.parametrize(
    "groups", [(), ("supplier__supplier_name",), ("metric_time__month", "location__region")]
)
def test_lead_time(groups, marts, agree):
    received = "(select *, received_on - ordered_on as took from fct_purchase_order_lines where received_on is not null)"
    joins, day = f"{JOINS} {SUPPLIER}", "f.received_on"
    agree("lead_time_mean_days", groups, flow(marts, received, joins, "avg(f.took)", groups, day))
    agree(
        "lead_time_p90_days", groups, flow(marts, received, joins, "quantile_cont(f.took, 0.9)", groups, day)
    )


@pytest.mark.parametrize("groups", MONEY_BY)
def test_balances_of_money(groups, marts, agree):
    """From documents: invoiced less paid, coupons of 30 days, stock at cost, each at the end of the period."""
    keys = ("location_id",)
    levels = {
        c: balance(marts, "fct_working_capital_daily", LOCATION, f"{c}_usd", groups, keys)
        for c in ("accounts_receivable", "accounts_payable", "inventory_value")
    }
    agree("accounts_receivable", groups, levels["accounts_receivable"])
    agree("accounts_payable", groups, levels["accounts_payable"])
    agree("working_capital", groups, combine(
        lambda stock, due, owed: stock + due - owed,
        levels["inventory_value"], levels["accounts_receivable"], levels["accounts_payable"],
    ))  # fmt: skip


def test_payables_come_from_documents(marts, ask):
    rows = marts.execute("""
        with ends as (select cast(date_trunc('month', date_day) as date) as m, max(date_day) as d from dim_date group by 1)
        select e.m, sum(case when i.invoiced_on <= e.d then i.amount_usd else 0 end)
            - sum(case when i.paid_on <= e.d then i.paid_usd else 0 end)
        from ends e cross join fct_invoices i group by 1""").fetchall()
    assert ask("accounts_payable", ("metric_time__month",)) == pytest.approx(
        {(m,): float(v) for m, v in rows}
    )


def test_receivables_come_from_coupons(marts, ask):
    rows = marts.execute("""
        with ends as (select cast(date_trunc('month', date_day) as date) as m, max(date_day) as d from dim_date group by 1)
        select e.m, sum(s.manufacturer_coupons_usd)
        from ends e join fct_sales_lines s on s.date_day between e.d - 29 and e.d group by 1""").fetchall()
    assert ask("accounts_receivable", ("metric_time__month",)) == pytest.approx(
        {(m,): float(v) for m, v in rows}
    )


@pytest.mark.parametrize("groups", MONEY_BY)
def test_cash_cycle(groups, marts, agree):
    cogs, net = (
        sold(marts, groups, "f.cogs_usd"),
        flow(marts, "fct_sales_lines", LOCATION, "sum(f.net_sales_usd)", groups),
    )
    owed = flow(marts, "fct_payables_daily", LOCATION, "sum(f.accounts_payable_usd)", groups)
    due = flow(marts, "fct_working_capital_daily", LOCATION, "sum(f.accounts_receivable_usd)", groups)
    dio = combine(lambda a, b: a / b, stock_days(marts, groups), cogs)
    dpo, dso = combine(lambda a, b: a / b, owed, cogs), combine(lambda a, b: a / b, due, net)
    agree("dpo", groups, dpo)
    agree("dso", groups, dso)
    agree("cash_conversion_cycle", groups, combine(lambda i, s, p: i + s - p, dio, dso, dpo))


@pytest.mark.parametrize(
    "groups", [(), ("metric_time__week",), ("supplier__supplier_name", "location__region")]
)
def test_cash_out_committed(groups, marts, agree):
    expected = flow(marts, "fct_invoices", f"{LOCATION} {SUPPLIER}", "sum(f.amount_usd)", groups, "f.due_on")
    agree("cash_out_committed", groups, expected)


@pytest.mark.parametrize("groups", [(), ("metric_time__month",), ("product__department", "location__region")])
def test_open_to_buy(groups, marts, agree):
    value = "sum(f.budget_usd) - sum(f.commitments_usd) - sum(f.receipts_usd)"
    expected = flow(marts, "fct_open_to_buy_monthly", JOINS, value, groups, "f.month_starts_on")
    agree("open_to_buy_remaining", groups, expected)


@pytest.mark.parametrize("by", [(), ("product__department",), ("location__region",)])
def test_stock_value_against_four_weeks_ago(by, marts, ask):
    daily = balance(marts, STOCK, JOINS, "inventory_value_usd", ("metric_time__day", *by))
    got = {
        k[1:]: v
        for k, v in ask("inventory_value_vs_4w_ago", ("metric_time__day", *by)).items()
        if str(k[0]) == "2017-06-30"
    }
    at = {
        str(d): {k[1:]: v for k, v in daily.items() if str(k[0]) == d} for d in ("2017-06-30", "2017-06-02")
    }
    assert got == pytest.approx(combine(lambda a, b: a - b, at["2017-06-30"], at["2017-06-02"]))
