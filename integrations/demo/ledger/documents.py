"""Purchase orders, receipts, transfers and returns as documents, from the loop's order rows.

A line delivered short is split: what came is `received`, the remainder a line of its own, `cancelled`. So the
received lines of an order equal its receipts and its invoices to the cent.
"""

from __future__ import annotations

import duckdb

from integrations.demo.ledger.days import Flows
from integrations.demo.ledger.parameters import Parameters
from integrations.demo.ledger.returned import RETURNS


def build_orders(con: duckdb.DuckDBPyConnection, flows: Flows, parameters: Parameters) -> None:
    """Create `demo_lines` (one row per order line), `demo_receipts` and `demo_transfers`."""
    policy = parameters.section("policy")
    from_dc, from_store = policy["transfer_cost_per_unit"], policy["rebalancing"]["cost_per_unit"]
    con.execute("""
        CREATE OR REPLACE TABLE demo_lines AS
        WITH ordered AS (
            SELECT o.* EXCLUDE (source), i.location_id, i.supplier_id, i.product_id, i.payment_terms_days,
                   i.later_terms_days, i.terms_change_day, i.region, i.department,
                   'PO-' || strftime(day_of(ordered_day), '%Y%m%d') || '-' || i.supplier_id || '-'
                       || i.location_id
                       || CASE WHEN kind = 2 THEN '-R' ELSE '' END AS purchase_order_id,
                   cost_on(ordered_day, change_day, goods0, goods1) AS goods,
                   cost_on(ordered_day, change_day, freight0, freight1) AS freight,
                   cost_on(ordered_day, change_day, duty0, duty1) AS duty
            FROM demo_shipments o JOIN demo_items i USING (pair) WHERE kind IN (0, 2)),
        split AS (
            SELECT * EXCLUDE (ordered, received), received AS units, 0 AS remainder,
                   CASE WHEN arrival_day < 365 THEN 'received' ELSE 'open' END AS status
            FROM ordered WHERE received > 0
            UNION ALL
            SELECT * EXCLUDE (ordered, received), ordered - received, 1, 'cancelled'
            FROM ordered WHERE ordered > received)
        SELECT *, CAST(row_number() OVER (PARTITION BY purchase_order_id ORDER BY product_id, remainder)
                       AS INTEGER) AS line_number
        FROM split ORDER BY ordered_day, purchase_order_id, line_number""")
    con.execute("""
        CREATE OR REPLACE TABLE demo_receipts AS
        SELECT 'R' || substr(purchase_order_id, 3) || '-' || line_number AS receipt_id, purchase_order_id,
               line_number, pair, product_id, location_id, supplier_id, department, region, arrival_day,
               CASE WHEN arrival_day >= terms_change_day THEN later_terms_days ELSE payment_terms_days END
                   AS payment_terms_days, units AS received, goods + freight + duty AS landed
        FROM demo_lines WHERE status = 'received' ORDER BY arrival_day, purchase_order_id, line_number""")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_transfers AS
        SELECT 'T' || strftime(day_of(o.ordered_day), '%Y%m%d') || '-' || i.location_id || '-' || i.product_id
                   AS transfer_id,
               d.location_id AS from_location_id, i.location_id AS to_location_id, i.product_id, o.pair,
               d.pair AS source_pair, o.shipped_day, o.arrival_day AS received_day, o.received AS units,
               CAST(o.received * CASE WHEN d.is_dc THEN {from_dc} ELSE {from_store} END AS DECIMAL(18, 4))
                   AS transfer_cost
        FROM demo_shipments o JOIN demo_items i USING (pair) JOIN demo_items d ON d.pair = o.source
        WHERE o.kind IN (1, 3) ORDER BY o.shipped_day, o.pair""")


DOCUMENTS = {
    "returns": RETURNS,
    "suppliers": """
        WITH versions AS (
            SELECT *, NULL::DATE AS effective_date FROM demo_suppliers
            UNION ALL
            SELECT * REPLACE (later_terms_days AS payment_terms_days), day_of(terms_change_day)
            FROM demo_suppliers WHERE terms_change_day < 365)
        SELECT supplier_id, effective_date, supplier_name, payment_terms_days, lead_time_mean_days,
               lead_time_sd_days, 1 AS minimum_order_units, review_period_days, true AS is_simulated
        FROM versions ORDER BY supplier_index, effective_date NULLS FIRST""",
    "locations": """
        WITH versions AS (
            SELECT *, NULL::DATE AS effective_date FROM demo_locations
            UNION ALL
            SELECT * REPLACE (later_banner AS banner), day_of(refit_day) FROM demo_locations
            WHERE refit_day < 365)
        SELECT location_id, effective_date, location_name, location_type, region, banner, serving_dc_id,
               NULL::DATE AS opened_on, NULL::DATE AS closed_on, true AS is_simulated
        FROM versions ORDER BY location_index, effective_date NULLS FIRST""",
    "purchase_orders": """
        SELECT purchase_order_id, supplier_id, location_id, day_of(min(ordered_day)) AS ordered_on,
               day_of(min(promised_day)) AS promised_on, 'USD' AS currency, true AS is_simulated
        FROM demo_lines GROUP BY purchase_order_id, supplier_id, location_id
        ORDER BY ordered_on, purchase_order_id""",
    "purchase_order_lines": """
        SELECT purchase_order_id, line_number, product_id, units AS ordered_units, goods AS unit_cost,
               CAST(units * freight AS DECIMAL(18, 4)) AS freight,
               CAST(units * duty AS DECIMAL(18, 4)) AS duty, status, true AS is_simulated
        FROM demo_lines ORDER BY ordered_day, purchase_order_id, line_number""",
    "receipts": """
        SELECT receipt_id, purchase_order_id, line_number, product_id, location_id,
               day_of(arrival_day) AS received_on, received AS received_units, landed AS unit_cost,
               true AS is_simulated
        FROM demo_receipts ORDER BY arrival_day, purchase_order_id, line_number""",
    "transfers": """
        SELECT transfer_id, from_location_id, to_location_id, product_id, day_of(shipped_day) AS shipped_on,
               CASE WHEN received_day < 365 THEN day_of(received_day) END AS received_on,
               units AS quantity_units, transfer_cost, true AS is_simulated
        FROM demo_transfers WHERE shipped_day < 365 ORDER BY shipped_day, pair""",
}
