"""Customer returns: each takes customer and price from the latest earlier sale at the same store."""

from __future__ import annotations

RETURNS = """
    WITH returned AS (
        SELECT t, pair, i.location_id, i.product_id, i.list_price, units
        FROM _flows JOIN demo_items i USING (pair) WHERE kind = 'return'),
    sold AS (
        SELECT CAST(store_id AS VARCHAR) AS location_id, CAST(product_id AS VARCHAR) AS product_id,
               date_diff('day', DATE '2017-01-01', CAST(timezone('America/New_York',
                   timezone('UTC', transaction_timestamp)) AS DATE)) AS t,
               arg_min(household_id, basket_id) AS household_id,
               arg_min(sales_value / quantity, basket_id) AS price
        FROM transactions WHERE quantity > 0 GROUP BY ALL),
    matched AS (
        SELECT r.*, s.household_id, s.price
        FROM returned r ASOF LEFT JOIN sold s
            ON s.location_id = r.location_id AND s.product_id = r.product_id AND s.t <= r.t)
    SELECT 'RT' || strftime(day_of(t), '%Y%m%d') || '-' || location_id || '-' || product_id AS return_id,
           CAST(day_of(t) AS TIMESTAMP) + INTERVAL 20 HOUR AS returned_at, location_id, product_id,
           CAST(household_id AS VARCHAR) AS customer_id, units AS quantity,
           CAST(units * coalesce(price, list_price) AS DECIMAL(18, 4)) AS refund,
           ['changed mind', 'damaged', 'wrong product', 'quality'][1 + (t + pair) % 4] AS reason,
           true AS is_simulated
    FROM matched ORDER BY t, pair"""
