"""What every stocked pair needs over its protection interval: the common ground of all actions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.recommend.inputs.demand_over import PLANNED_WEEKS, over_interval, weekly_by_pair
from models_ml.recommend.inputs.distribution import Choice, levels
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.quantity import base_stock, service_target

TRUST = {"model": 1.0, "sum_of_stores": 0.9, "category_share": 0.8, "moving_average": 0.5}


@dataclass(frozen=True)
class Needs:
    """One row per forecast pair, and its demand by week ahead, mean and variance, each (pairs, 8).

    Columns beside those of the positions: `interval_days` protected, `demand_mean` and `demand_variance`
    over it, `daily_mean`, `worth` of a unit served, `service_target`, base-stock `level`, `free` on hand,
    `position` with all that is on its way, `sellable` while it keeps, `confidence`.
    """

    rows: pd.DataFrame
    weekly_mean: np.ndarray
    weekly_variance: np.ndarray

    def where(self, mask: np.ndarray) -> Needs:
        """The pairs of the mask."""
        return Needs(
            self.rows[mask].reset_index(drop=True), self.weekly_mean[mask], self.weekly_variance[mask]
        )


def compute_needs(
    positions: pd.DataFrame, forecasts: Path, parameters: ReorderParameters, choice: Choice | None = None
) -> Needs:
    """Every position with a forecast. Columns of the positions that may be left out: `pledged_units` count as
    on their way here, `outgoing_units` as gone, `customer_weight` multiplies what a lost customer costs.

    With a `choice` the base stock of a `demand_class` follows its distribution; without, all are counts.
    """
    weekly_mean, weekly_variance, how = weekly_by_pair(forecasts, positions)
    is_forecast = ~np.isnan(weekly_mean[:, 0])
    rows = positions[is_forecast].reset_index(drop=True).join(how[is_forecast].reset_index(drop=True))
    weekly_mean, weekly_variance = weekly_mean[is_forecast], weekly_variance[is_forecast]
    price, margin, cost = (
        rows[f"unit_{name}"].to_numpy(float, na_value=0.0) for name in ("price", "margin", "cost")
    )
    lead, sd = rows["lead_time_mean_days"].to_numpy(float), rows["lead_time_sd_days"].to_numpy(float)
    interval = lead + rows["review_period_days"].to_numpy(float)
    mean, variance = over_interval(weekly_mean, weekly_variance, lead, sd, interval - lead)
    shelf = rows["shelf_life_days"].to_numpy(float, na_value=np.inf)
    weight = rows["customer_weight"].to_numpy(float) if "customer_weight" in rows else np.ones(len(rows))
    loyal = np.asarray(parameters.lost_customer_share * weight)
    target = service_target(
        price=price, margin=margin, cost=cost, interval_days=interval, shelf_days=shelf, mean=mean,
        parameters=parameters, lost_customer_share=loyal,
    )  # fmt: skip
    outgoing = rows["outgoing_units"].to_numpy(float) if "outgoing_units" in rows else np.zeros(len(rows))
    free = (rows["on_hand_units"] - rows["reserved_units"]).to_numpy(float) - outgoing
    pledged = rows["pledged_units"].to_numpy(float) if "pledged_units" in rows else np.zeros(len(rows))
    daily = weekly_mean.mean(1) / 7
    # What sells from receipt to the end of the usable shelf life, and until receipt.
    sellable = daily * (np.minimum(parameters.shelf_life_use * shelf, 7 * PLANNED_WEEKS * 4) + lead)
    spread = np.sqrt(variance) / np.maximum(mean, 1e-6)
    trust = rows["method"].map(TRUST).fillna(0.5).to_numpy(float)
    rows = rows.assign(demand_mean=mean, demand_variance=variance, interval_days=interval)
    needed = base_stock(target, mean, variance) if choice is None else levels(rows, choice, target)
    weighed: pd.DataFrame = rows.assign(
        pledged_units=pledged, outgoing_units=outgoing, customer_weight=weight,
        daily_mean=daily, service_target=target,
        worth=np.maximum(margin, 0) + loyal * np.maximum(price, 0),
        level=needed, free=free,
        position=free + (rows["in_transit_units"] + rows["on_order_units"]).to_numpy(float) + pledged,
        sellable=sellable, confidence=np.round(trust / (1 + 0.25 * spread), 4),
        days_of_cover=np.maximum(free, 0) / np.maximum(daily, 1e-6),
    )  # fmt: skip
    return Needs(weighed, weekly_mean, weekly_variance)
