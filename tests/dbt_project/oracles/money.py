# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Suppliers and money by hand, from the documents themselves."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from tests.dbt_project.oracles.numbers import (
    LOCATION,
    PRODUCT,
    SUPPLIER,
    ByHand,
    Fact,
    Numbers,
    Oracle,
    flow,
    formula,
    level,
    query,
    rate,
    ratio,
)
from tests.dbt_project.oracles.sales import SOLD, SUMS
from tests.dbt_project.oracles.stock import STOCK, stocked

EVERY = f"{PRODUCT} {LOCATION} {SUPPLIER}"
PROMISED = Fact("ordered", EVERY, day="f.promised_on")
RECEIVED = Fact(
    "(select *, received_on - ordered_on as took from ordered where received_on is not null)",
    EVERY,
    "f.received_on",
)
OWED = Fact("owed", f"{LOCATION} {SUPPLIER}", "f.due_on")
BY = (
    (),
    ("supplier__supplier_name",),
    ("metric_time__month", "location__region"),
    ("product__department", "location__serving_dc_id"),
)
ACCOUNTS_BY = (
    (),
    ("metric_time__month",),
    ("metric_time__quarter", "location__region"),
    ("metric_time__week",),
)


def running(documents: str, joins: str, *, mean: bool) -> ByHand:
    """What documents leave open at the end of a day: `when` counts from its first day up to, not including, its last.

    At the end of each period, or with `mean` summed over its days.
    """

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        time = [g for g in groups if g.startswith("metric_time__")]
        period = (
            f"cast(date_trunc('{time[0].removeprefix('metric_time__')}', day) as date)" if time else "null"
        )
        which = "" if mean else "qualify day = max(day) over (partition by period)"
        keys = Fact("", joins).keys(groups, "e.period")
        other = [sql for group, sql in zip(groups, keys, strict=True) if group not in time]
        names = [f"o{i}" for i in range(len(other))]
        back = [names[other.index(sql)] if sql in other else "e.period" for sql in keys]
        return query(
            con,
            f"""
                with ends as (select day, {period} as period from days {which}),
                moved as (select day, {"".join(f"{sql} as {n}, " for sql, n in zip(other, names, strict=True))}
                    sum(amount) as amount from {documents} f {joins} group by all)
                select {", ".join([*back, "sum(case when m.day <= e.day then amount else 0 end)"])} from ends e cross join moved m
                group by all""",
        )

    return number


# An invoice is open from its day until what was paid; a coupon from its sale until the thirtieth day after it.
PAYABLE = "(select day, supplier_id, location_id, amount from owed union all select day, supplier_id, location_id, -amount from paid)"
COUPONS = """(select day, location_id, coupon_discount as amount from sold
    union all select day + 30, location_id, -coupon_discount from sold)"""
payable, payable_days = (running(PAYABLE, f"{LOCATION} {SUPPLIER}", mean=m) for m in (False, True))
receivable, receivable_days = (running(COUPONS, LOCATION, mean=m) for m in (False, True))
COGS = stocked("cogs_stocked")
DIO = ratio(flow(STOCK, "sum(value)"), COGS)
DPO = ratio(payable_days, COGS)
DSO = ratio(receivable_days, flow(SOLD, SUMS["net_sales"]))


def capital(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
    """Stock + receivable − payable; a part that a place does not have is nothing owed and nothing held."""
    parts = [part(con, groups) for part in (level(STOCK, "value"), receivable, payable)]
    keys = set().union(*parts)
    return {
        key: sum(sign * part.get(key, 0) for sign, part in zip((1, 1, -1), parts, strict=True))
        for key in keys
    }


# Budgets by department and region, shared out to the places and products by what was ordered there.
BUDGETS = """
    with bought as (
        select p.department, l.region, o.product_id, o.location_id, sum(o.ordered_value) as value
        from ordered o join goods p using (product_id) join places l using (location_id) group by all having value > 0)
    select b.month as day, bought.product_id, bought.location_id,
        b.open_to_buy_budget * cast(value as double)
            / sum(cast(value as double)) over (partition by b.month, b.department, b.region) as amount
    from budgets b join bought using (department, region)"""
PLANNED = Fact("planned", made_by=BUDGETS)
BOUND = Fact("""(select date_trunc('month', promised_on) as day, product_id, location_id,
    case when received_on is null and status = 'open' then ordered_value else 0 end as amount from ordered)""")
CAME = Fact("""(select date_trunc('month', received_on) as day, product_id, location_id, received_value as amount
    from ordered where received_on is not null)""")
BUY_BY = ((), ("metric_time__month",), ("product__department", "location__region"))


def zero_where_planned(part: Fact) -> ByHand:
    """Nothing bound or received is 0 wherever anything of open-to-buy is known."""

    def number(con: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> Numbers:
        totals = {name: fact.total(con, "sum(amount)", groups) for name, fact in
                 (("planned", PLANNED), ("bound", BOUND), ("came", CAME))}  # fmt: skip
        own = part.total(con, "sum(amount)", groups)
        live = set(totals["planned"]) | {k for k, v in totals["bound"].items() if v} | set(totals["came"])
        return {key: own.get(key, 0.0) for key in live}

    return number


budget, bound, came = (zero_where_planned(part) for part in (PLANNED, BOUND, CAME))
ORACLES = {
    "purchase_lines_due": Oracle(flow(PROMISED, "count(*) filter (due)"), BY),
    "purchase_lines_otif": Oracle(flow(PROMISED, "count(*) filter (due and kept)"), BY),
    "supplier_otif_rate": Oracle(
        rate(PROMISED, "count(*) filter (due and kept)", "count(*) filter (due)"), BY
    ),
    "lead_time_mean_days": Oracle(flow(RECEIVED, "avg(took)"), BY),
    "lead_time_p90_days": Oracle(flow(RECEIVED, "quantile_cont(took, 0.9)"), BY),
    "cash_out_committed": Oracle(
        flow(OWED, "sum(amount)"),
        ((), ("metric_time__week",), ("supplier__supplier_name", "location__region")),
    ),
    "accounts_payable": Oracle(payable, (*ACCOUNTS_BY, ("supplier__supplier_name",))),
    "payable_value_days": Oracle(payable_days, (*ACCOUNTS_BY, ("supplier__supplier_name",))),
    "accounts_receivable": Oracle(receivable, ACCOUNTS_BY),
    "receivable_value_days": Oracle(receivable_days, ACCOUNTS_BY),
    "working_capital": Oracle(capital, ACCOUNTS_BY),
    "dpo": Oracle(DPO, ACCOUNTS_BY),
    "dso": Oracle(DSO, ACCOUNTS_BY),
    "cash_conversion_cycle": Oracle(formula(lambda i, s, p: i + s - p, DIO, DSO, DPO), ACCOUNTS_BY),
    "open_to_buy_budget": Oracle(budget, BUY_BY),
    "open_to_buy_commitments": Oracle(bound, BUY_BY),
    "open_to_buy_receipts": Oracle(came, BUY_BY),
    "open_to_buy_remaining": Oracle(formula(lambda b, c, r: b - c - r, budget, bound, came), BUY_BY),
}
