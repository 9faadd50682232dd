# ruff: noqa: E501 — hand-written SQL stands in one piece
"""The landed files as tables to count on: who, what and where beside the rows as recorded.

Written from the contracts and the catalogue of KPIs, in other words than the dbt project: costs by ASOF joins in place of
ranges, customers scored in pandas in place of window functions, receivables summed from the coupons of thirty days.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from semantic.sql.quoting import literal

LOCAL = "cast({} at time zone 'UTC' at time zone 'America/New_York' as date)"
LAST_DAY = "date '2017-12-31'"
NOT_GOODS = "(department in ('FUEL', 'MISCELLANEOUS', 'COUPON') or category = 'COUPON/MISC ITEMS')"


def prepare(landing: Path) -> duckdb.DuckDBPyConnection:
    """A connection with a view for each landed table and the tables that the formulas count on."""
    con = duckdb.connect()
    con.execute("set threads = 2")
    con.execute("set memory_limit = '3GB'")
    for folder in sorted(landing.iterdir()):
        if folder.is_dir() and not folder.name.startswith("_"):
            files = f"read_parquet({literal(f'{folder}/*/*.parquet')}, union_by_name = true)"
            ((batches,),) = con.execute(f"select count(distinct batch_sequence) from {files}").fetchall()
            if batches > 1:
                raise AssertionError(
                    f"{folder.name} was landed in {batches} batches: what counts is not plain any more"
                )
            con.execute(f"create view {folder.name} as from {files}")
    for statement in (PLACES, VENDORS, SOLD_PLAIN, DAYS, GOODS, FULL_WEEKS, REGULAR, PROMOTED, *SOLD, UPLIFT):
        con.execute(statement)
    for statement in (STOCK, CLOSINGS, BACK, LOST, SHRUNK):
        con.execute(statement)
    con.register("scored", _scored(con))
    con.execute("create table households as from scored")
    for statement in (ORDERED, DOCUMENTS):
        con.execute(statement)
    return con


# The version in force on the last day; of what has only versions to come, the first.
PLACES = f"""
    create table places as
    select distinct on (location_id) * from locations
    order by location_id, (coalesce(effective_date, date '1900-01-01') <= {LAST_DAY}) desc,
        case when coalesce(effective_date, date '1900-01-01') <= {LAST_DAY} then effective_date end desc nulls last,
        effective_date"""
VENDORS = f"""
    create table vendors as
    select distinct on (supplier_id) * from suppliers
    order by supplier_id, (coalesce(effective_date, date '1900-01-01') <= {LAST_DAY}) desc,
        case when coalesce(effective_date, date '1900-01-01') <= {LAST_DAY} then effective_date end desc nulls last,
        effective_date"""
# Every day from the first sale to the last: on Christmas Day nothing was sold, and yet money was owed.
DAYS = """
    create table days as
    select cast(unnest(generate_series(min(day), max(day), interval 1 day)) as date) as day from lines"""
SOLD_PLAIN = f"create temp table lines as select *, {LOCAL.format('sold_at')} as day from sales_lines"
GOODS = """
    create table goods as
    select product_id, coalesce(department, 'UNKNOWN') as department, coalesce(category, 'UNKNOWN') as category,
        coalesce(brand, 'UNKNOWN') as brand, package_size, list_price, landed_cost
    from products
    union all
    select distinct product_id, 'UNKNOWN', 'UNKNOWN', 'UNKNOWN', null, null, null
    from lines where product_id not in (select product_id from products)"""
# A key that was promoted in two ways had both: the greater display and the greater mailer count. Asked for are the keys
# that sold, and every week of products and locations that sold in eight full weeks or more.
FULL_WEEKS = """
    create table full_weeks as
    select week, cast(date_trunc('week', min(day)) as date) as day from lines group by week having count(distinct day) = 7"""
REGULAR = f"""
    create table regular as
    select product_id, location_id, sum(units) as units from (
        select product_id, location_id, week, sum(quantity) as units from lines join goods using (product_id)
        where not {NOT_GOODS} and quantity > 0 and week in (select week from full_weeks) group by all)
    group by all having count(*) >= 8"""
PROMOTED = """
    create table promoted as
    select product_id, location_id, week, max(display_location) as display, max(mailer_location) as mailer,
        case when display <> '0' and mailer <> '0' then 'display_and_mailer' when display <> '0' then 'display'
            when mailer <> '0' then 'mailer' end as promo_type
    from promotions
    where (product_id, location_id, week) in (select product_id, location_id, week from lines)
        or (product_id, location_id) in (select product_id, location_id from regular)
    group by all having display <> '0' or mailer <> '0'"""
SOLD = (
    f"""create table sold as
    select s.* exclude (batch_sequence, is_simulated),
        case when {NOT_GOODS} then 0 else quantity end as units,
        coalesce(pr.promo_type, 'none') as promo_type,
        coalesce(here.landed_cost, anywhere.landed_cost, g.landed_cost) as unit_cost,
        case when {NOT_GOODS} or unit_cost is null then round(sales_value * 0.95, 4)
            else round(quantity * unit_cost, 4) end as cogs
    from lines s join goods g using (product_id)
    asof left join (select * from price_changes where location_id is not null) here
        on here.product_id = s.product_id and here.location_id = s.location_id and here.effective_date <= s.day
    asof left join (select * from price_changes where location_id is null) anywhere
        on anywhere.product_id = s.product_id and anywhere.effective_date <= s.day
    left join promoted pr on pr.product_id = s.product_id and pr.location_id = s.location_id and pr.week = s.week""",
    """alter table sold add column kept boolean default false""",
    """update sold set kept = true from inventory_snapshots k
    where k.location_id = sold.location_id and k.product_id = sold.product_id and k.snapshot_date = sold.day""",
)
# A promoted week beside the mean of the other full weeks of the same product and location, four of them or more.
UPLIFT = """
    create table uplift as
    with shown as (
        select p.*, w.day, r.units as all_units from promoted p join full_weeks w using (week)
        join regular r using (product_id, location_id)),
    weekly as (select product_id, location_id, week, sum(units) as units from sold where units > 0 group by all),
    held as (select s.*, coalesce(w.units, 0) as units from shown s left join weekly w using (product_id, location_id, week)),
    ordinary as (
        select product_id, location_id, any_value(all_units) - sum(units) as units,
            (select count(*) from full_weeks) - count(*) as weeks
        from held group by all)
    select h.day, h.product_id, h.location_id, h.promo_type, h.units as promoted_units,
        cast(o.units as double) / o.weeks as baseline_units
    from held h join ordinary o using (product_id, location_id) where o.weeks >= 4"""
STOCK = """
    create table stock as
    select snapshot_date as day, location_id, product_id, on_hand_units, reserved_units, in_transit_units, on_order_units,
        is_ranged, unit_cost as cost, coalesce(sales_units, 0) as served,
        greatest(coalesce(demand_units, 0), coalesce(sales_units, 0)) as wanted,
        round(on_hand_units * unit_cost, 4) as value, round(aged_units * unit_cost, 4) as aged_value
    from inventory_snapshots"""
BACK = f"create table back as select *, {LOCAL.format('returned_at')} as day from returns"
# The last row of every product and location in each month, with the mean demand of the 28 days up to it.
CLOSINGS = """
    create table closings as
    with ends as (select date_trunc('month', day) as month, location_id, product_id, max(day) as day from stock group by all),
    demand as (
        select e.location_id, e.product_id, e.day, avg(d.wanted) as daily
        from ends e join stock d on d.location_id = e.location_id and d.product_id = e.product_id
            and d.day between e.day - 27 and e.day
        group by all)
    select stock.*, demand.daily from stock join demand using (location_id, product_id, day)"""
LOST = """
    create table lost as
    select s.day, s.location_id, s.product_id, wanted - served as units,
        round((wanted - served) * coalesce(here.list_price, anywhere.list_price, g.list_price, 0), 4) as value
    from stock s join goods g using (product_id)
    asof left join (select * from price_changes where location_id is not null) here
        on here.product_id = s.product_id and here.location_id = s.location_id and here.effective_date <= s.day
    asof left join (select * from price_changes where location_id is null) anywhere
        on anywhere.product_id = s.product_id and anywhere.effective_date <= s.day
    where wanted > served"""
# Waste is lost too, but it is no shrink.
SHRUNK = """
    create table shrunk as
    select movement_date as day, location_id, product_id,
        case when movement_type = 'shrink' then round(-quantity_units * unit_cost, 4) else 0 end as value
    from inventory_movements where movement_type in ('shrink', 'waste')"""
# One row per order line, with what came of it. A line that was cut short has a cancelled twin in the same order.
ORDERED = f"""
    create table ordered as
    with came as (
        select purchase_order_id, line_number, max(received_on) as received_on, sum(received_units) as units,
            sum(received_units * unit_cost) as value
        from receipts group by all),
    short as (select distinct purchase_order_id, product_id from purchase_order_lines where status = 'cancelled')
    select o.supplier_id, o.location_id, n.product_id, o.ordered_on, o.promised_on, came.received_on, n.status,
        round(n.ordered_units * n.unit_cost + n.freight + n.duty, 4) as ordered_value,
        round(coalesce(came.value, 0), 4) as received_value,
        n.status <> 'cancelled' and o.promised_on <= {LAST_DAY} as due,
        short.product_id is null and came.received_on <= o.promised_on and came.units >= n.ordered_units as kept
    from purchase_order_lines n join purchase_orders o using (purchase_order_id)
    left join came using (purchase_order_id, line_number)
    left join short on short.purchase_order_id = n.purchase_order_id and short.product_id = n.product_id"""
DOCUMENTS = """
    create table owed as
    select i.supplier_id, o.location_id, i.invoiced_on as day, i.due_on, i.amount as amount
    from invoices i left join purchase_orders o using (purchase_order_id);
    create table paid as
    select i.supplier_id, o.location_id, y.paid_on as day, y.amount as amount
    from payments y join invoices i using (invoice_id) left join purchase_orders o using (purchase_order_id)"""


def _scored(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Customers with segment, tier and expected margin, scored in pandas.

    Fifths by recency, frequency and money (ties by the others, then tenure), tiers by the rank of what was spent, as the catalogue says.
    """
    seen = con.execute(f"""
        select customer_id, {LAST_DAY} - max(day) as silence, {LAST_DAY} - min(day) + 1 as tenure,
            count(distinct basket_id) as baskets, count(distinct day) as days, max(day) - min(day) as span,
            sum(sales_value) as spent, cast(sum(sales_value - cogs) as double) as margin
        from sold group by 1 order by 1""").df()
    ties = seen.assign(silent=-seen.silence)
    recency = _fifths(ties.sort_values(["silent", "baskets", "spent", "tenure", "customer_id"]))
    frequency = _fifths(ties.sort_values(["baskets", "spent", "silent", "tenure", "customer_id"]))
    money = _fifths(ties.sort_values(["spent", "baskets", "silent", "tenure", "customer_id"]))
    rank = (seen.spent.rank(method="min") - 1) / (len(seen) - 1)
    seen["loyalty_tier"] = np.select([rank >= 0.8, rank >= 0.5], ["gold", "silver"], "bronze")
    seen["segment"] = np.select(
        [
            (recency >= 4) & (frequency >= 4) & (money >= 4),
            seen.tenure <= 90,
            (recency >= 3) & (frequency >= 4),
            (recency <= 2) & (frequency >= 3),
            recency == 1,
        ],
        ["champion", "new", "loyal", "at_risk", "lapsed"],
        "occasional",
    )
    gap = np.where(seen.days > 1, seen.span / np.maximum(seen.days - 1, 1), seen.tenure)
    active = np.where(seen.silence <= gap, 1.0, gap / np.maximum(seen.silence, 1))
    seen["value"] = seen.margin / np.maximum(seen.tenure, 28) * 365 * active
    listed = con.execute("select customer_id, age_band from customers").df()
    everyone = listed.merge(
        seen[["customer_id", "segment", "loyalty_tier", "value"]], how="outer", on="customer_id"
    )
    everyone["segment"] = everyone.segment.fillna("inactive")
    everyone["loyalty_tier"] = everyone.loyalty_tier.fillna("none")
    everyone["value"] = everyone.value.fillna(0.0)
    return everyone


def _fifths(ordered: pd.DataFrame) -> pd.Series:
    """1 to 5 along the order, the first fifths one larger where the number does not divide."""
    parts = np.array_split(np.arange(len(ordered)), 5)
    score = np.concatenate([np.full(len(part), i + 1) for i, part in enumerate(parts)])
    return pd.Series(score, index=ordered.index).sort_index()
