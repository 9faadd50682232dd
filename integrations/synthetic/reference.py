"""Who and what the synthetic retailer has: suppliers, products, places, customers, campaigns."""

from __future__ import annotations

# draw(k, salt): a number in [0, 1) that depends on row, purpose and seed only.
MACROS = (
    "CREATE MACRO draw(k, salt) AS (hash(k, salt, getvariable('seed')) >> 11) / 9007199254740992.0",
    "CREATE MACRO pick(k, salt, n) AS CAST(floor(draw(k, salt) * n) AS BIGINT)",
    "CREATE MACRO day_of(n) AS CAST(getvariable('first_day') + CAST(n AS INTEGER) AS DATE)",
    "CREATE MACRO days() AS getvariable('weeks') * 7",
    "CREATE MACRO price_of(p) AS CAST(1 + pick(p, 'price', 1900) / 100.0 AS DECIMAL(18, 4))",
    "CREATE MACRO cost_of(p) AS "
    "CAST(round(price_of(p) * (0.55 + 0.2 * draw(p, 'margin')), 2) AS DECIMAL(18, 4))",
    "CREATE MACRO department_of(p) AS "
    "['GROCERY', 'PRODUCE', 'DAIRY', 'BAKERY', 'HOUSEHOLD', 'HEALTH'][1 + p % 6]",
    "CREATE MACRO region_of(s) AS ['East', 'West', 'North', 'South'][1 + s % 4]",
    "CREATE MACRO supplier_of(p) AS 'V' || lpad(CAST(1 + p % 12 AS VARCHAR), 3, '0')",
    "CREATE MACRO product_name(p) AS 'P' || lpad(CAST(p AS VARCHAR), 7, '0')",
    "CREATE MACRO store_name(s) AS 'L' || lpad(CAST(s AS VARCHAR), 5, '0')",
)

REFERENCE = {
    "suppliers": """
        SELECT supplier_of(i) AS supplier_id, NULL AS effective_date, 'Supplier ' || (1 + i) AS supplier_name,
               [14, 30, 60][1 + i % 3] AS payment_terms_days, 3.0 AS lead_time_mean_days,
               0.5 AS lead_time_sd_days, 1 AS minimum_order_units, 7 AS review_period_days
        FROM range(12) r(i)""",
    "products": """
        SELECT product_name(i) AS product_id, department_of(i) AS department,
               department_of(i) || ' ' || (i // 6 % 12) AS category, NULL AS product_type,
               CASE WHEN draw(i, 'brand') < 0.3 THEN 'Private' ELSE 'National' END AS brand,
               CAST(i % 97 AS VARCHAR) AS manufacturer_id, NULL AS package_size, 6 AS case_pack_units,
               CASE WHEN department_of(i) IN ('PRODUCE', 'BAKERY') THEN 10 ELSE 180 END AS shelf_life_days,
               supplier_of(i) AS supplier_id, cost_of(i) AS landed_cost, price_of(i) AS list_price
        FROM range(getvariable('products')) r(i)""",
    "locations": """
        SELECT store_name(i) AS location_id, NULL AS effective_date, 'Store ' || i AS location_name,
               'store' AS location_type,
               region_of(i) AS region, 'Market' AS banner, 'DC-' || upper(region_of(i)) AS serving_dc_id,
               NULL AS opened_on, NULL AS closed_on
        FROM range(getvariable('stores')) r(i)
        UNION ALL
        SELECT 'DC-' || upper(region_of(i)), NULL, region_of(i) || ' distribution centre', 'dc', region_of(i),
               'Distribution', NULL, NULL, NULL FROM range(4) r(i)""",
    "customers": """
        SELECT 'C' || i AS customer_id, ['19-24', '25-34', '35-44', '45-54', '55-64', '65+'][1 + i % 6]
            AS age_band,
               NULL AS income_band, CAST(1 + i % 4 AS VARCHAR) AS household_size, NULL AS home_ownership,
               NULL AS marital_status, NULL AS household_composition, NULL AS kids_count
        FROM range(getvariable('customers')) r(i)""",
    "consents": """
        SELECT 'C' || i AS customer_id, purpose, draw(i, purpose) < 0.8 AS is_granted, day_of(0)
            AS valid_from,
               NULL AS valid_to
        FROM range(getvariable('customers')) r(i), unnest(['analytics', 'personalisation',
            'marketing']) u(purpose)""",
    "campaigns": """
        SELECT 'K' || (i % 3) AS campaign_id, 'Mailer' AS campaign_type, 'C' || i AS customer_id,
               day_of(i % 3 * 7) AS starts_on, day_of(i % 3 * 7 + 13) AS ends_on
        FROM range(getvariable('customers')) r(i) WHERE i % 5 = 0""",
    "coupon_redemptions": """
        SELECT 'C' || i AS customer_id, 'Q' || (i % 7) AS coupon_id, 'K' || (i % 3) AS campaign_id,
               day_of(i % 3 * 7 + 1) AS redeemed_on
        FROM range(getvariable('customers')) r(i) WHERE i % 25 = 0""",
    "promotions": """
        SELECT product_name(p) AS product_id, store_name(s) AS location_id, w AS week,
               CASE WHEN draw((p, s, w), 'display') < 0.5 THEN '1' ELSE '0' END AS display_location,
               'A' AS mailer_location
        FROM range(getvariable('stores')) a(s), range(1, getvariable('weeks') + 1) b(w),
             range(getvariable('products')) c(p) WHERE draw((p, w), 'promotion') < 0.02""",
    "price_changes": """
        SELECT product_name(p) AS product_id, NULL AS location_id, day_of(0) AS effective_date,
               price_of(p) AS list_price, cost_of(p) AS landed_cost
        FROM range(getvariable('products')) r(p)""",
}  # fmt: skip
