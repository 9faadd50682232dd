"""Sales lines of the synthetic retailer: line k belongs to basket k // 8; few products sell most."""

from __future__ import annotations

SALES = {
    "sales_lines": """
        WITH lines AS (
            SELECT k, k // 8 AS b, CAST(floor(getvariable('products') * pow(draw(k, 'product'), 3))
                AS BIGINT) AS p,
                   1 + CAST(floor(3 * pow(draw(k, 'quantity'), 4)) AS INTEGER) AS quantity,
                   draw(k, 'offer') < 0.25 AS is_offer
            FROM range(getvariable('sales_lines')) r(k)),
        placed AS (
            SELECT *, pick(b, 'store', getvariable('stores')) AS s, pick(b, 'customer',
                getvariable('customers')) AS c,
                   pick(b, 'day', days()) AS d, 28800 + pick(b, 'second', 43200) AS second,
                   CAST(quantity * price_of(p) AS DECIMAL(18, 4)) AS gross
            FROM lines)
        SELECT 'B' || b || '-' || (1 + k % 8) AS sales_line_id, 'B' || b AS basket_id, 'C' || c
            AS customer_id,
               store_name(s) AS location_id, product_name(p) AS product_id,
               CAST(day_of(d) AS TIMESTAMP) + to_seconds(second) AS sold_at, day_of(d) AS business_date,
               1 + d // 7 AS week, quantity,
               gross - CAST(CASE WHEN is_offer THEN gross * 0.2 ELSE 0 END AS DECIMAL(18, 4))
                   AS sales_value,
               CAST(CASE WHEN is_offer THEN gross * 0.2 ELSE 0 END AS DECIMAL(18, 4)) AS retail_discount,
               0 AS coupon_discount, 0 AS coupon_match_discount, 'store' AS channel
        FROM placed""",
}
