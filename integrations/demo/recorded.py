"""What is recorded: SQL from the packaged Parquet files to the contract tables, nothing added.

Timestamps are UTC of US Eastern stores: the fiscal week turns at 05:00 UTC in winter and at 04:00 UTC from
2017-03-12 to 2017-11-05. `business_date` is the local day; `sold_at` stays as recorded.
Lines whose product is missing from products (4,836) and lines of quantity 0 (8,869) are kept.
"""

from __future__ import annotations

LINE = "file_row_number + 1 AS _line"

LOCAL_DAY = "CAST(timezone('America/New_York', timezone('UTC', transaction_timestamp)) AS DATE)"

SALES_LINES = f"""
    SELECT basket_id || '-' || row_number() OVER (PARTITION BY basket_id ORDER BY product_id)
               AS sales_line_id,
           CAST(basket_id AS VARCHAR) AS basket_id, CAST(household_id AS VARCHAR) AS customer_id,
           CAST(store_id AS VARCHAR) AS location_id, CAST(product_id AS VARCHAR) AS product_id,
           transaction_timestamp AS sold_at,
           {LOCAL_DAY} AS business_date,
           CAST(week AS INTEGER) AS week, quantity, sales_value,
           retail_disc AS retail_discount, coupon_disc AS coupon_discount,
           coupon_match_disc AS coupon_match_discount, 'store' AS channel, false AS is_simulated, {LINE}
    FROM transactions"""

PROMOTIONS = f"""
    SELECT CAST(product_id AS VARCHAR) AS product_id, CAST(store_id AS VARCHAR) AS location_id,
           CAST(week AS INTEGER) AS week, display_location, mailer_location, false AS is_simulated, {LINE}
    FROM promotions"""

CUSTOMERS = """
    SELECT CAST(h.household_id AS VARCHAR) AS customer_id, age AS age_band, income AS income_band,
           household_size, home_ownership, marital_status, household_comp AS household_composition,
           kids_count, false AS is_simulated, row_number() OVER (ORDER BY h.household_id) + 1 AS _line
    FROM (SELECT household_id FROM transactions UNION SELECT household_id FROM demographics
          UNION SELECT household_id FROM campaigns) h
    LEFT JOIN demographics d ON d.household_id = h.household_id"""

CAMPAIGNS = f"""
    SELECT CAST(c.campaign_id AS VARCHAR) AS campaign_id, d.campaign_type,
           CAST(c.household_id AS VARCHAR) AS customer_id, CAST(d.start_date AS DATE) AS starts_on,
           CAST(d.end_date AS DATE) AS ends_on, false AS is_simulated, c.{LINE}
    FROM campaigns c LEFT JOIN campaign_descriptions d ON d.campaign_id = c.campaign_id"""

COUPON_REDEMPTIONS = f"""
    SELECT CAST(household_id AS VARCHAR) AS customer_id, CAST(coupon_upc AS VARCHAR) AS coupon_id,
           CAST(campaign_id AS VARCHAR) AS campaign_id, CAST(redemption_date AS DATE) AS redeemed_on,
           false AS is_simulated, {LINE}
    FROM coupon_redemptions"""

RECORDED = {
    "customers": CUSTOMERS,
    "campaigns": CAMPAIGNS,
    "coupon_redemptions": COUPON_REDEMPTIONS,
    "sales_lines": SALES_LINES,
    "promotions": PROMOTIONS,
}

RAW_TABLES = ("transactions", "promotions", "products", "campaigns", "campaign_descriptions",
              "coupon_redemptions", "demographics")  # fmt: skip
