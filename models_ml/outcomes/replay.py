"""Stock day by day: what came first, then demand; what is not there is lost. Afterwards one common policy.

A decision is judged on its own: its quantity is ordered on the first day, and from the first review after it
every scenario follows the same min-max rule, so that too much is worked off and too little is made good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REVIEW_DAYS = 7
CARRYING_RATE_A_YEAR = 0.22


@dataclass(frozen=True)
class Replayed:
    """Per decision over the window: units served, mean stock by day in units."""

    served_units: np.ndarray
    mean_stock_units: np.ndarray


@dataclass(frozen=True)
class MinMax:
    """Order up to `most` whole packs whenever the position lies at or below `least`. Units, by decision."""

    least: np.ndarray
    most: np.ndarray
    pack: np.ndarray

    @classmethod
    def from_history(
        cls, daily_mean: np.ndarray, daily_sd: np.ndarray, lead_days: np.ndarray, pack: np.ndarray
    ) -> MinMax:
        """From thirteen weeks: 95 % of a normal over the protection interval, a week's demand on top."""
        interval = lead_days + REVIEW_DAYS
        least = np.ceil(daily_mean * interval + 1.645 * daily_sd * np.sqrt(interval))
        return cls(least, least + np.ceil(daily_mean * REVIEW_DAYS), np.maximum(pack, 1))

    def order(self, position: np.ndarray) -> np.ndarray:
        """Units to order at this position (on hand and on the way)."""
        packs = np.ceil((self.most - position) / self.pack)
        return np.where(position <= self.least, np.maximum(packs, 0) * self.pack, 0.0)


def replay(
    *,
    free: np.ndarray,
    first_order: np.ndarray,
    demand: np.ndarray,
    arrivals: np.ndarray,
    lead_days: np.ndarray,
    policy: MinMax,
    first_lead_days: np.ndarray | None = None,
) -> Replayed:
    """Replay (rows, days) of recorded demand. What is ordered on day d is there on d + lead_days; the first
    order, where it is told, after days of its own."""
    rows, days = demand.shape
    first = lead_days if first_lead_days is None else first_lead_days
    coming = np.zeros((rows, days + int(max(lead_days.max(initial=1), first.max(initial=1))) + 1))
    coming[:, :days] = arrivals
    at = np.arange(rows)
    coming[at, first] += first_order
    stock = np.maximum(free.astype(float), 0.0)
    served, stock_days = np.zeros(rows), np.zeros(rows)
    for day in range(days):
        if day and day % REVIEW_DAYS == 0:
            position = stock + coming[:, day:].sum(1)
            coming[at, day + lead_days] += policy.order(position)
        stock += coming[:, day]
        sold = np.minimum(stock, demand[:, day])
        stock -= sold
        served += sold
        stock_days += stock
    return Replayed(served, stock_days / days)
