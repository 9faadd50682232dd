"""What a decision was made in: stock, arrivals to come, lead time, money, and what the baseline knew.

All of it as recorded up to the as-of day; only demand and the arrivals of orders already placed are later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

DEMAND_DAYS_KNOWN = 91  # the baseline's mean and spread: thirteen weeks up to the as-of day

_SETTLED = "CREATE TEMP TABLE settled AS SELECT * REPLACE (as_of::DATE AS as_of) FROM settled_rows"
_DC_PAIRS = """
CREATE TEMP TABLE dc_pairs AS SELECT DISTINCT i.location_id, i.product_id FROM fct_inventory_daily i
JOIN dim_location l USING (location_id) WHERE l.location_type = 'dc'
"""
_SITUATION = """
WITH asked AS (SELECT * FROM settled),
sold AS (
    SELECT a.recommendation_id, sum(s.net_sales) / nullif(sum(s.units_sold), 0) AS unit_price,
        sum(s.gross_margin) / nullif(sum(s.units_sold), 0) AS unit_margin
    FROM asked a JOIN fct_sales_lines s ON s.product_id = a.product_id
        AND s.date_day > a.as_of - {known} AND s.date_day <= a.as_of
    GROUP BY 1
),
lead AS (
    SELECT a.recommendation_id, avg(t.received_on - t.shipped_on) + 1 AS lead_days
    FROM asked a JOIN fct_transfers t ON t.location_id = a.location_id
        AND t.received_on <= a.as_of AND t.received_on > a.as_of - {known}
    GROUP BY 1
),
known AS (
    SELECT a.recommendation_id, avg(i.demand_units) AS daily_mean, stddev_samp(i.demand_units) AS daily_sd
    FROM asked a JOIN fct_inventory_daily i ON i.location_id = a.location_id AND i.product_id = a.product_id
        AND i.date_day > a.as_of - {known} AND i.date_day <= a.as_of
    GROUP BY 1
)
SELECT a.recommendation_id, i.on_hand_units - i.reserved_units AS free_units,
    coalesce(p.landed_cost, i.inventory_value / nullif(i.on_hand_units, 0), 0)::DOUBLE
        AS unit_cost,
    coalesce(s.unit_margin, p.list_price - p.landed_cost, 0)::DOUBLE AS unit_margin,
    coalesce(p.case_pack_units, 1)::INTEGER AS pack_units,
    greatest(1, round(coalesce(l.lead_days, u.lead_time_mean_days, 3)))::INTEGER AS lead_days,
    coalesce(k.daily_mean, 0) AS daily_mean, coalesce(k.daily_sd, 0) AS daily_sd
FROM asked a
JOIN fct_inventory_daily i ON i.location_id = a.location_id AND i.product_id = a.product_id
    AND i.date_day = a.as_of
JOIN dim_location d ON d.location_id = a.location_id AND d.location_type = 'store'
JOIN dim_product p ON p.product_id = a.product_id
LEFT JOIN dim_supplier u ON u.supplier_id = p.supplier_id
LEFT JOIN sold s USING (recommendation_id)
LEFT JOIN lead l ON l.recommendation_id = a.recommendation_id
    AND EXISTS (
        SELECT 1 FROM dc_pairs c WHERE c.location_id = d.serving_dc_id AND c.product_id = a.product_id
    )
LEFT JOIN known k ON k.recommendation_id = a.recommendation_id
ORDER BY a.recommendation_id
"""
_DEMAND = """
SELECT a.recommendation_id, (i.date_day - a.as_of)::INTEGER - 1 AS day, i.demand_units::DOUBLE AS units
FROM settled a JOIN fct_inventory_daily i ON i.location_id = a.location_id AND i.product_id = a.product_id
    AND i.date_day > a.as_of AND i.date_day <= a.as_of + {window}
"""
# Orders placed and transfers shipped up to the as-of day, on the day on which they really came.
_ARRIVALS = """
SELECT a.recommendation_id, (o.received_on - a.as_of)::INTEGER - 1 AS day,
    sum(o.received_units)::DOUBLE AS units
FROM settled a
JOIN fct_purchase_order_lines o ON o.location_id = a.location_id AND o.product_id = a.product_id
    AND o.ordered_on <= a.as_of AND o.received_on > a.as_of AND o.received_on <= a.as_of + {window}
GROUP BY ALL
UNION ALL
SELECT a.recommendation_id, (t.received_on - a.as_of)::INTEGER - 1, sum(t.transferred_units)::DOUBLE
FROM settled a JOIN fct_transfers t ON t.location_id = a.location_id AND t.product_id = a.product_id
    AND t.shipped_on <= a.as_of AND t.received_on > a.as_of AND t.received_on <= a.as_of + {window}
GROUP BY ALL
"""


@dataclass(frozen=True)
class Situation:
    """`rows` holds one line a decision, in the order of its id; `demand` and `arrivals` are (rows, days)."""

    rows: pd.DataFrame
    demand: np.ndarray
    arrivals: np.ndarray


def read_situation(warehouse: Path, settled: pd.DataFrame, window: int) -> Situation:
    """Decisions of `settled` at stores whose stock was counted on the as-of day; others are left out."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        con.register("settled_rows", settled)
        con.execute(_SETTLED)
        con.execute(_DC_PAIRS)
        rows = con.execute(_SITUATION.format(known=DEMAND_DAYS_KNOWN)).df()
        position = {key: at for at, key in enumerate(rows["recommendation_id"])}
        demand = _by_day(con.execute(_DEMAND.format(window=window)).fetchall(), position, window)
        arrivals = _by_day(con.execute(_ARRIVALS.format(window=window)).fetchall(), position, window)
    columns = ["recommendation_id", "proposed_units", "decided_units", "as_of"]
    return Situation(rows.merge(settled[columns], on="recommendation_id"), demand, arrivals)


def _by_day(rows: list[tuple[str, int, float | None]], position: dict[str, int], window: int) -> np.ndarray:
    out = np.zeros((len(position), window))
    for key, day, units in rows:
        if key in position and units is not None:
            out[position[key], day] += units
    return out
