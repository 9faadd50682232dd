"""List prices from the recorded discounts, and the products table that carries the first of them."""

from __future__ import annotations

import duckdb

from integrations.demo.ledger.parameters import Parameters


def build_prices(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create `demo_list_prices` (product, day, price as it changes) and `demo_first_price`.

    Shelf price of a month = median of (sales_value + retail_disc + coupon_match_disc) per unit; a month opens
    a new price if it moved by more than the step. Products never sold take the median of their category.
    """
    step = parameters.values["list_price_step"]
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_list_prices AS
        WITH monthly AS (
            SELECT product_id,
                   date_diff('day', DATE '2017-01-01', CAST(date_trunc('month', least(transaction_timestamp,
                       TIMESTAMP '2017-12-31')) AS DATE)) AS t,
                   round(median((sales_value + retail_disc + coupon_match_disc) / quantity), 2) AS price
            FROM transactions WHERE quantity > 0 AND sales_value > 0
            GROUP BY ALL),
        stepped AS (
            SELECT *, lag(price) OVER (PARTITION BY product_id ORDER BY t) AS before
            FROM monthly WHERE price > 0)
        SELECT product_id, CASE WHEN before IS NULL THEN 0 ELSE t END AS t,
               CAST(price AS DECIMAL(18, 4)) AS price
        FROM stepped JOIN demo_products USING (product_id)
        WHERE is_merchandise AND (before IS NULL OR abs(price / before - 1) > {step})""")
    con.execute("""
        CREATE OR REPLACE TABLE demo_first_price AS
        WITH first AS (SELECT product_id, price FROM demo_list_prices WHERE t = 0)
        SELECT p.product_id, CAST(round(coalesce(f.price,
                   median(f.price) OVER (PARTITION BY r.department, r.product_category),
                   median(f.price) OVER (PARTITION BY r.department), 1.0), 2) AS DECIMAL(18, 4))
                   AS list_price
        FROM demo_products p JOIN products r USING (product_id) LEFT JOIN first f USING (product_id)""")


PRICES = {
    "products": """
        SELECT CAST(r.product_id AS VARCHAR) AS product_id, r.department,
               coalesce(r.product_category, 'UNKNOWN') AS category, r.product_type, r.brand,
               CAST(r.manufacturer_id AS VARCHAR) AS manufacturer_id, r.package_size,
               CASE WHEN is_merchandise THEN p.case_pack_units END AS case_pack_units,
               CASE WHEN is_merchandise THEN p.shelf_life_days END AS shelf_life_days,
               CASE WHEN is_merchandise THEN s.supplier_id END AS supplier_id,
               CASE WHEN is_merchandise THEN p.landed0 END AS landed_cost,
               CASE WHEN is_merchandise THEN f.list_price END AS list_price, true AS is_simulated
        FROM products r JOIN demo_products p USING (product_id) JOIN demo_suppliers s USING (supplier_index)
        JOIN demo_first_price f USING (product_id) ORDER BY r.product_id""",
    "price_changes": """
        WITH steps AS (
            SELECT product_id, t FROM demo_list_prices
            UNION SELECT product_id, change_day FROM demo_products JOIN demo_list_prices USING (product_id)
            WHERE change_day < 365)
        SELECT CAST(s.product_id AS VARCHAR) AS product_id, NULL::VARCHAR AS location_id,
               day_of(s.t) AS effective_date, l.price AS list_price,
               cost_on(s.t, p.change_day, p.landed0, p.landed1) AS landed_cost, true AS is_simulated
        FROM steps s ASOF JOIN demo_list_prices l ON l.product_id = s.product_id AND l.t <= s.t
        JOIN demo_products p ON p.product_id = s.product_id ORDER BY s.product_id, s.t""",
}
