"""Whom an empty shelf would lose: products that the most valuable customers buy weigh more.

Only customers who agreed to analytics are looked at, and only in groups of ten or more.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from models_ml.recommend.parameters import ReorderParameters

SMALLEST_GROUP = 10
SQL = """
WITH as_of AS (SELECT max(date_day) AS day FROM fct_inventory_daily),
agreed AS (
    SELECT customer_id, segment,
        expected_margin_12m >= quantile_cont(expected_margin_12m, 0.8) OVER () AS is_valuable
    FROM dim_customer WHERE has_analytics_consent AND expected_margin_12m IS NOT NULL
),
bought AS (
    SELECT s.product_id, count(DISTINCT s.customer_id) AS customers,
        sum(s.net_sales) FILTER (WHERE a.is_valuable) / nullif(sum(s.net_sales), 0) AS valuable_share
    FROM fct_sales_lines s JOIN agreed a USING (customer_id), as_of
    WHERE s.date_day > as_of.day - {window} AND s.net_sales > 0 GROUP BY s.product_id
)
SELECT product_id, valuable_share::DOUBLE AS valuable_share,
    (SELECT sum(s.net_sales) FILTER (WHERE a.is_valuable) / nullif(sum(s.net_sales), 0)
     FROM fct_sales_lines s JOIN agreed a USING (customer_id), as_of
     WHERE s.date_day > as_of.day - {window})::DOUBLE AS usual_share
FROM bought WHERE customers >= {least} ORDER BY product_id
"""


def customer_weights(warehouse: Path, parameters: ReorderParameters) -> pd.DataFrame:
    """`customer_weight` by product: 1 where valuable customers buy their usual share or less, up to
    `most_customer_weight` where they buy all of it. Products that few bought are left out."""
    sql = SQL.format(window=int(parameters.sale_window_days), least=SMALLEST_GROUP)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        shares = con.execute(sql).df()
    usual = shares["usual_share"].clip(upper=0.99).fillna(0)
    above = ((shares["valuable_share"].fillna(0) - usual) / (1 - usual)).clip(0, 1)
    weight = 1 + (parameters.most_customer_weight - 1) * above
    return pd.DataFrame({"product_id": shares["product_id"], "customer_weight": weight})
