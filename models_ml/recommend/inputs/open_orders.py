"""Open purchase order lines, and what is expected to run out before each arrives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.recommend import effects
from models_ml.recommend.count_distributions import expected_served, share_within
from models_ml.recommend.inputs.demand_over import PLANNED_WEEKS
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.parameters import ReorderParameters

SQL = """
WITH as_of AS (SELECT max(date_day) AS day FROM fct_inventory_daily)
SELECT purchase_order_line_id, purchase_order_id, line_number, l.supplier_id, supplier_name, location_id,
    product_id, ordered_on, promised_on, (ordered_units - coalesce(received_units, 0))::DOUBLE AS open_units,
    (l.ordered_value / nullif(ordered_units, 0))::DOUBLE AS line_unit_cost,
    (promised_on - as_of.day)::DOUBLE AS days_to_promise
FROM fct_purchase_order_lines l CROSS JOIN as_of LEFT JOIN dim_supplier USING (supplier_id)
WHERE status = 'open' AND received_on IS NULL AND ordered_units > coalesce(received_units, 0)
    AND ordered_on <= as_of.day
ORDER BY location_id, product_id, promised_on, purchase_order_line_id
"""


@dataclass(frozen=True)
class OpenOrders:
    """One row per open line whose pair is forecast, with the weeks of its pair.

    Beside the line's and the pair's columns: `arrives_days` (a late line is expected within one standard
    deviation of its supplier's lead time), `is_late`, `before_units` (free stock and all that arrives
    earlier) and `others_units` (free stock and every other line).
    """

    rows: pd.DataFrame
    weekly_mean: np.ndarray
    weekly_variance: np.ndarray

    def demand(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of demand of each line's pair over so many days from now."""
        share = np.clip(days[:, None] / 7 - np.arange(PLANNED_WEEKS), 0, 1)
        return (self.weekly_mean * share).sum(1), (self.weekly_variance * share).sum(1)

    def lost(self, stock: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Expected units wanted and not served from `stock` within `days`."""
        mean, variance = self.demand(days)
        return np.asarray(np.maximum(mean - expected_served(stock, mean, variance), 0))

    def in_stock(self, stock: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Probability that `stock` lasts for `days`."""
        return share_within(np.floor(np.maximum(stock, 0)), *self.demand(days))

    def by_week(self, before: str, days: np.ndarray) -> effects.Weekly:
        """What the open units of each line do by week on top of the column `before`, there after `days`."""
        named = {
            name: self.rows[column].to_numpy(float, na_value=0.0) for name, column in (
                ("position", before), ("quantity", "open_units"), ("terms_days", "payment_terms_days"),
                ("cost", "unit_cost"), ("price", "unit_price"),
            )
        }  # fmt: skip
        return effects.by_week(
            effects.Arrival(
                arrives_days=days,
                weekly_mean=self.weekly_mean,
                weekly_variance=self.weekly_variance,
                **named,
            )
        )


def read_open_lines(warehouse: Path) -> pd.DataFrame:
    """One row per open purchase order line on the last inventory day; money in USD a unit, days from it."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return con.execute(SQL).df()


def open_orders(needs: Needs, lines: pd.DataFrame, parameters: ReorderParameters) -> OpenOrders:
    """Lines with the stock, the demand and the money of their pair."""
    pairs = needs.rows.drop(columns="supplier_id").assign(pair=np.arange(len(needs.rows)))
    rows = lines.merge(pairs, on=["location_id", "product_id"], how="inner")
    late = rows["days_to_promise"].to_numpy(float) < 1
    overdue = np.maximum(np.ceil(rows["lead_time_sd_days"].to_numpy(float)), 1)
    rows["arrives_days"] = np.where(late, overdue, rows["days_to_promise"].to_numpy(float))
    rows["is_late"] = late
    order = ["location_id", "product_id", "arrives_days", "purchase_order_line_id"]
    rows = rows.sort_values(order, kind="stable").reset_index(drop=True)
    pair = rows.groupby(["location_id", "product_id"])["open_units"]
    earlier = pair.cumsum() - rows["open_units"]
    start = np.maximum(rows["free"] + rows["in_transit_units"], 0)
    rows["before_units"] = start + earlier
    rows["others_units"] = start + pair.transform("sum") - rows["open_units"]
    rows["unit_cost"] = rows["line_unit_cost"].fillna(rows["unit_cost"])
    at = rows["pair"].to_numpy(int)
    return OpenOrders(rows, needs.weekly_mean[at], needs.weekly_variance[at])
