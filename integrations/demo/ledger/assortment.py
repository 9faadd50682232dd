"""The assortment: which product-locations have a ledger, and what was sold of them by day."""

from __future__ import annotations

import duckdb

from integrations.demo.ledger.attributes import FIRST_DAY
from integrations.demo.ledger.parameters import Parameters


def build_pairs(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create `demo_daily` (recorded units) and `demo_pairs` (the assortment, DCs last)."""
    cut = parameters.section("assortment")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_daily AS
        SELECT store_id, product_id,
               date_diff('day', {FIRST_DAY}, CAST(timezone('America/New_York',
                         timezone('UTC', transaction_timestamp)) AS DATE)) AS t,
               sum(quantity) AS units
        FROM transactions JOIN demo_products p USING (product_id)
        JOIN (SELECT CAST(location_id AS BIGINT) AS store_id FROM demo_locations
              WHERE location_type = 'store' AND sales_rank <= {cut["top_stores"]}) USING (store_id)
        WHERE p.is_merchandise AND quantity > 0 GROUP BY ALL""")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_pairs AS
        WITH store_pairs AS (
            SELECT store_id, product_id, min(t) AS first_sale, max(t) AS last_sale
            FROM demo_daily JOIN demo_products USING (product_id) GROUP BY ALL
            HAVING count(DISTINCT (t + 6) // 7) >= {cut["min_selling_weeks"]}
               AND (any_value(shelf_life_days) >= {cut["short_life_below_days"]}
                    OR sum(units) * any_value(shelf_life_days) / (max(t) - min(t) + 1)
                       >= {cut["short_life_units"]})),
        located AS (
            SELECT s.*, l.location_index, l.region, l.serving_dc_id, p.supplier_index, u.kind
            FROM store_pairs s JOIN demo_locations l ON l.location_id = CAST(s.store_id AS VARCHAR)
            JOIN demo_products p USING (product_id) JOIN demo_suppliers u USING (supplier_index)),
        dc_pairs AS (
            SELECT product_id, serving_dc_id, any_value(supplier_index) AS supplier_index,
                   min(first_sale) AS first_sale, max(last_sale) AS last_sale
            FROM located WHERE kind = 'dc' GROUP BY ALL HAVING count(*) >= {cut["dc_min_stores"]}),
        united AS (
            SELECT product_id, location_index, supplier_index, first_sale, last_sale, store_id,
                   false AS is_dc, serving_dc_id FROM located
            UNION ALL
            SELECT d.product_id, l.location_index, supplier_index, first_sale, last_sale, NULL, true, NULL
            FROM dc_pairs d JOIN demo_locations l ON l.location_id = d.serving_dc_id)
        SELECT CAST(row_number() OVER (ORDER BY e.is_dc, e.location_index, e.product_id) - 1 AS INTEGER)
                   AS pair, e.*, dc.location_index AS dc_location_index
        FROM united e
        LEFT JOIN dc_pairs d ON d.product_id = e.product_id AND d.serving_dc_id = e.serving_dc_id
        LEFT JOIN demo_locations dc ON dc.location_id = d.serving_dc_id
        ORDER BY pair""")
