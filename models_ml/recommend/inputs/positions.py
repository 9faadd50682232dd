"""Stock positions on the as-of day with everything a reorder needs to know about product, supplier and
money."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from models_ml.recommend.parameters import ReorderParameters

SQL = """
WITH as_of AS (SELECT max(date_day) AS day FROM fct_inventory_daily),
stock AS (
    SELECT i.*, l.region, l.location_type, l.banner, l.serving_dc_id FROM fct_inventory_daily i
    JOIN dim_location l USING (location_id) JOIN as_of ON i.date_day = as_of.day
    WHERE i.is_ranged
),
dc_pairs AS (SELECT DISTINCT location_id, product_id FROM stock WHERE location_type = 'dc'),
lead AS (
    SELECT supplier_id, count(*) AS receipts, avg(lead_time_days) AS mean_days,
        stddev_samp(lead_time_days) AS sd_days
    FROM fct_purchase_order_lines, as_of
    WHERE received_on IS NOT NULL AND received_on BETWEEN as_of.day - {seen} AND as_of.day
    GROUP BY supplier_id
),
inner_lead AS (
    SELECT location_id, avg(received_on - shipped_on) + 1 AS mean_days,
        stddev_samp(received_on - shipped_on) AS sd_days,
        sum(transfer_cost) / nullif(sum(transferred_units), 0) AS transfer_unit_cost
    FROM fct_transfers, as_of
    WHERE received_on BETWEEN as_of.day - {seen} AND as_of.day GROUP BY location_id
),
realised AS (
    SELECT product_id, sum(net_sales) / nullif(sum(units_sold), 0) AS price,
        sum(gross_margin) / nullif(sum(units_sold), 0) AS margin
    FROM fct_sales_lines, as_of WHERE date_day > as_of.day - {window} GROUP BY product_id
)
SELECT as_of.day AS as_of_day, s.location_id, s.location_type, s.region, s.banner, s.product_id,
    p.department, p.category, p.product_type, p.package_size, p.brand, p.supplier_id,
    CASE WHEN d.product_id IS NOT NULL THEN s.serving_dc_id END AS replenished_from,
    s.on_hand_units, s.reserved_units, s.in_transit_units, s.on_order_units, s.is_simulated,
    coalesce(p.case_pack_units, 1) AS case_pack_units,
    CASE WHEN d.product_id IS NOT NULL THEN 1
        ELSE coalesce(u.minimum_order_units, 1) END AS minimum_order_units,
    p.shelf_life_days,
    coalesce(p.landed_cost, r.price - r.margin, p.list_price * 0.7, 1)
        AS unit_cost,
    coalesce(r.price, p.list_price) AS unit_price,
    coalesce(r.margin, p.list_price - p.landed_cost, 0) AS unit_margin,
    CASE WHEN d.product_id IS NOT NULL THEN coalesce(n.mean_days, {transfer})
        WHEN lead.receipts >= {least}
        THEN lead.mean_days ELSE coalesce(u.lead_time_mean_days, 7) END AS lead_time_mean_days,
    CASE WHEN d.product_id IS NOT NULL THEN coalesce(n.sd_days, 0.5) WHEN lead.receipts >= {least}
        THEN coalesce(lead.sd_days, 0) ELSE coalesce(u.lead_time_sd_days, 2) END AS lead_time_sd_days,
    CASE WHEN d.product_id IS NOT NULL THEN 1 ELSE coalesce(u.review_period_days, 1) END
        AS review_period_days,
    s.serving_dc_id, coalesce(u.payment_terms_days, 30) AS payment_terms_days,
    coalesce(n.transfer_unit_cost, {transfer_cost}) AS centre_transfer,
    coalesce(s.inventory_value, 0)::DOUBLE AS inventory_value,
    coalesce(s.aged_inventory_value, 0)::DOUBLE AS aged_inventory_value,
    greatest((SELECT max(date_day) FROM fct_sales_lines) - as_of.day, 0) AS data_age_days
FROM stock s CROSS JOIN as_of
JOIN dim_product p USING (product_id)
LEFT JOIN dc_pairs d ON d.location_id = s.serving_dc_id AND d.product_id = s.product_id
    AND s.location_type = 'store'
LEFT JOIN dim_supplier u ON u.supplier_id = p.supplier_id
LEFT JOIN lead ON lead.supplier_id = p.supplier_id
LEFT JOIN inner_lead n ON n.location_id = s.location_id
LEFT JOIN realised r ON r.product_id = s.product_id
ORDER BY s.location_id, s.product_id
"""


def read_positions(warehouse: Path, parameters: ReorderParameters) -> pd.DataFrame:
    """One row per ranged product and location on the last inventory day. Money in USD a unit, lead times
    in days."""
    sql = SQL.format(
        seen=int(parameters.lead_time_days_seen),
        window=int(parameters.sale_window_days),
        least=int(parameters.least_receipts),
        transfer=float(parameters.transfer_days),
        transfer_cost=float(parameters.centre_transfer),
    )
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return con.execute(sql).df()


def last_day(warehouse: Path) -> date:
    """The last day with a sale: the as-of day of a release without stock."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        ((day,),) = con.execute("SELECT max(date_day) FROM dim_date").fetchall()
    return date.fromisoformat(str(day))
