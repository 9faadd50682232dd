"""Invoices, payments and budgets from receipts."""

from __future__ import annotations

# One invoice per order and day of receipt. Jitter of payments comes from a hash of the invoice number (md5),
# stable across machines and versions.
INVOICE_ROWS = """
    SELECT 'INV' || substr(purchase_order_id, 3) || '-' || strftime(day_of(arrival_day), '%m%d')
               AS invoice_id,
           supplier_id, purchase_order_id, arrival_day, payment_terms_days,
           CAST(sum(received * landed) AS DECIMAL(18, 4)) AS amount
    FROM demo_receipts GROUP BY supplier_id, purchase_order_id, arrival_day, payment_terms_days"""

MONEY = {
    "invoices": f"""
        SELECT invoice_id, supplier_id, purchase_order_id, day_of(arrival_day) AS invoiced_on,
               day_of(arrival_day + payment_terms_days) AS due_on, amount, true AS is_simulated
        FROM ({INVOICE_ROWS}) ORDER BY arrival_day, invoice_id""",
    "payments": f"""
        SELECT 'PAY' || substr(invoice_id, 4) AS payment_id, invoice_id, day_of(paid) AS paid_on, amount,
               true AS is_simulated
        FROM (SELECT *, arrival_day + payment_terms_days - 2
                     + CAST(md5_number(invoice_id) % 7 AS INTEGER) AS paid FROM ({INVOICE_ROWS}))
        WHERE paid < 365 ORDER BY paid, invoice_id""",
    "budgets": """
        WITH monthly AS (
            SELECT CAST(date_trunc('month', day_of(arrival_day)) AS DATE) AS month, department, region,
                   sum(received * landed) AS value
            FROM demo_receipts GROUP BY ALL)
        SELECT month, department, region,
               CAST(round(value * (0.95 + (md5_number(month || department || region) % 1000) * 0.00017), 0)
                    AS DECIMAL(18, 4)) AS open_to_buy_budget, true AS is_simulated
        FROM monthly ORDER BY month, department, region""",
}
