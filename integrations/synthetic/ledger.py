"""Stock of the best sellers, conserved: what a week sold is ordered on Friday and received on Monday.

The opening stock is the greatest shortfall of that plan plus a pack, so that no stock is ever negative.
"""

from __future__ import annotations

BUILD = (
    """CREATE TABLE pairs AS
       SELECT s, p, store_name(s) AS location_id, product_name(p) AS product_id, cost_of(p) AS cost
       FROM range(getvariable('stores')) a(s),
            range(least(getvariable('ledger_products'), getvariable('products'))) b(p)""",
    """CREATE TABLE sold AS
       SELECT location_id, product_id, date_diff('day', day_of(0), business_date) AS d, sum(quantity) AS units
       FROM sales SEMI JOIN pairs USING (location_id, product_id) GROUP BY ALL""",
    """CREATE TABLE received AS
       SELECT location_id, product_id, (d // 7 + 1) * 7 AS d, sum(units) AS units
       FROM sold WHERE d // 7 + 1 < getvariable('weeks') GROUP BY ALL""",
    """CREATE TABLE cells AS
       WITH moved AS (
           SELECT p.*, t.d, coalesce(s.units, 0) AS sold, coalesce(r.units, 0) AS received
           FROM pairs p CROSS JOIN range(days()) t(d)
           LEFT JOIN sold s ON s.location_id = p.location_id AND s.product_id = p.product_id AND s.d = t.d
           LEFT JOIN received r ON r.location_id = p.location_id AND r.product_id = p.product_id
               AND r.d = t.d),
       running AS (
           SELECT *, sum(received - sold) OVER (PARTITION BY s, p ORDER BY d) AS balance FROM moved)
       SELECT *, 6 - least(0, min(balance) OVER (PARTITION BY s, p)) AS opening FROM running""",
    """CREATE TABLE lines AS
       SELECT 'PO' || r.d || '-' || supplier_of(p) || '-' || location_id AS purchase_order_id,
           supplier_of(p) AS supplier_id,
              CAST(row_number() OVER (PARTITION BY r.d, supplier_of(p), location_id ORDER BY p)
                  AS INTEGER) AS line_number,
              location_id, product_id, department_of(p) AS department, region_of(s) AS region, r.d, units,
                  cost
       FROM received r JOIN pairs USING (location_id, product_id)""",
    """CREATE TABLE returned AS
       SELECT * FROM sold JOIN pairs USING (location_id, product_id)
       WHERE draw((s, p, d), 'return') < 0.01 AND d + 1 < days()""",
)

LEDGER = {
    "inventory_snapshots": """
        SELECT day_of(d) AS snapshot_date, location_id, product_id, opening + balance AS on_hand_units,
               0 AS reserved_units, 0 AS in_transit_units, 0 AS on_order_units, true AS is_ranged,
               cost AS unit_cost, sold AS demand_units, sold AS sales_units, NULL AS aged_units
        FROM cells""",
    "inventory_lots": """
        WITH flows AS (SELECT *, received + CASE WHEN d = 0 THEN opening ELSE 0 END AS inflow FROM cells),
        queue AS (
            SELECT *, sum(inflow) OVER before AS came, sum(sold) OVER before AS went FROM flows
            WINDOW before AS (PARTITION BY s, p ORDER BY d)),
        changed AS (
            SELECT s, p, d AS lot_day, d, inflow AS units FROM queue WHERE inflow > 0
            UNION ALL
            SELECT s, p, l.d, o.d, greatest(l.came - o.went, 0)
            FROM (FROM queue WHERE inflow > 0) l JOIN (FROM queue WHERE sold > 0) o USING (s, p)
            WHERE o.went > l.came - l.inflow AND o.went - o.sold < l.came)
        SELECT 'LOT-' || lot_day || '-' || store_name(s) || '-' || product_name(p) AS lot_id,
               store_name(s) AS location_id, product_name(p) AS product_id, day_of(d) AS counted_on,
               day_of(lot_day) AS received_on, NULL AS expires_on, min(units) AS on_hand_units
        FROM changed GROUP BY ALL""",
    "inventory_movements": """
        WITH moves AS (
            SELECT location_id, product_id, 0 AS d, 'opening' AS kind, opening AS units, cost
                FROM cells WHERE d = 0
            UNION ALL SELECT location_id, product_id, d, 'sale', -sold, cost FROM cells WHERE sold > 0
            UNION ALL SELECT location_id, product_id, d, 'receipt', received, cost FROM cells
                WHERE received > 0
            UNION ALL SELECT location_id, product_id, d + 1, 'return', 1, cost FROM returned
            UNION ALL SELECT location_id, product_id, d + 1, 'waste', -1, cost FROM returned)
        SELECT kind || '-' || d || '-' || location_id || '-' || product_id AS movement_id,
               day_of(d) AS movement_date, location_id, product_id, kind AS movement_type,
               units AS quantity_units, cost AS unit_cost, NULL AS document_id FROM moves""",
    "returns": """
        SELECT 'RT' || d || '-' || location_id || '-' || product_id AS return_id,
               CAST(day_of(d + 1) AS TIMESTAMP) + INTERVAL 12 HOUR AS returned_at, location_id, product_id,
               NULL AS customer_id, 1 AS quantity, price_of(p) AS refund, 'quality' AS reason
                   FROM returned""",
    "purchase_orders": """
        SELECT DISTINCT purchase_order_id, supplier_id, location_id, day_of(d - 3) AS ordered_on,
               day_of(d) AS promised_on, 'USD' AS currency FROM lines""",
    "purchase_order_lines": """
        SELECT purchase_order_id, line_number, product_id, units AS ordered_units, cost AS unit_cost,
               0 AS freight, 0 AS duty, 'received' AS status FROM lines""",
    "receipts": """
        SELECT 'R' || purchase_order_id || '-' || line_number AS receipt_id, purchase_order_id, line_number,
               product_id, location_id, day_of(d) AS received_on, units AS received_units, cost
                   AS unit_cost
        FROM lines""",
    "transfers": """
        SELECT 'T' || s AS transfer_id, 'DC-' || upper(region_of(s)) AS from_location_id,
               store_name(s) AS to_location_id, product_name(getvariable('products') - 1) AS product_id,
               day_of(1) AS shipped_on, day_of(2) AS received_on, 6 AS quantity_units, 1.5
                   AS transfer_cost
        FROM range(getvariable('stores')) r(s)""",
    "invoices": """
        SELECT 'I' || purchase_order_id AS invoice_id, supplier_id, purchase_order_id, day_of(d)
            AS invoiced_on,
               day_of(d + payment_terms_days) AS due_on, sum(units * cost) AS amount
        FROM lines JOIN (SELECT * FROM (VALUES (0, 14), (1, 30), (2, 60)) v(m, payment_terms_days))
            ON m = (CAST(substr(supplier_id, 2) AS INTEGER) - 1) % 3
        GROUP BY ALL""",
    "payments": """
        SELECT 'Y' || purchase_order_id AS payment_id, 'I' || purchase_order_id AS invoice_id,
               day_of(d + payment_terms_days) AS paid_on, sum(units * cost) AS amount
        FROM lines JOIN (SELECT * FROM (VALUES (0, 14), (1, 30), (2, 60)) v(m, payment_terms_days))
            ON m = (CAST(substr(supplier_id, 2) AS INTEGER) - 1) % 3
        WHERE d + payment_terms_days < days() GROUP BY ALL""",
    "budgets": """
        SELECT date_trunc('month', day_of(d)) AS month, department, region,
               round(sum(units * cost) * 1.05, 0) AS open_to_buy_budget FROM lines GROUP BY ALL""",
}
