"""What more stock brings: over one protection interval, against ordering at the next review instead; and by
week, against doing nothing for all the planned weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models_ml.recommend.count_distributions import expected_served, share_within
from models_ml.recommend.parameters import ReorderParameters


@dataclass(frozen=True)
class Demand:
    """Units wanted over the protection interval of each pair, and what one of them is worth, in USD."""

    mean: np.ndarray
    variance: np.ndarray
    interval_days: np.ndarray
    margin: np.ndarray
    cost: np.ndarray
    carrying_rate: float


@dataclass(frozen=True)
class Effect:
    """Expected units served more, chance of no stockout, margin gained less carrying of the spare, and cash
    (negative: paid out)."""

    units: np.ndarray
    service: np.ndarray
    margin: np.ndarray
    cash: np.ndarray


def demand_of(rows: pd.DataFrame, parameters: ReorderParameters) -> Demand:
    """Demand and money of the rows, as effects take them."""
    return Demand(
        rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float),
        rows["interval_days"].to_numpy(float), rows["unit_margin"].to_numpy(float, na_value=0.0),
        rows["unit_cost"].to_numpy(float, na_value=0.0), parameters.carrying_rate,
    )  # fmt: skip


def of_stock(position: np.ndarray, quantity: np.ndarray, demand: Demand) -> Effect:
    """Effect of `quantity` units on top of `position`, bought at cost, before another order could come."""
    after = position + quantity
    gained = expected_served(after, demand.mean, demand.variance) - expected_served(
        position, demand.mean, demand.variance
    )
    carrying = (quantity - gained) * demand.cost * demand.carrying_rate * demand.interval_days / 365
    return Effect(
        units=gained,
        service=share_within(np.floor(np.maximum(after, 0)), demand.mean, demand.variance),
        margin=gained * demand.margin - carrying,
        cash=-quantity * demand.cost,
    )


@dataclass(frozen=True)
class Weekly:
    """Change against doing nothing at the end of each of the coming weeks, (pairs, weeks), in USD.

    `cash` is cumulative: takings of what sells more, less what is paid. Working capital is inventory less
    payables: shoppers pay at the till.
    """

    inventory: np.ndarray
    payables: np.ndarray
    cash: np.ndarray

    @property
    def working_capital(self) -> np.ndarray:
        """Bound (positive) or released (negative)."""
        return np.asarray(self.inventory - self.payables)

    def __sub__(self, other: Weekly) -> Weekly:
        return Weekly(
            self.inventory - other.inventory, self.payables - other.payables, self.cash - other.cash
        )


@dataclass(frozen=True)
class Arrival:
    """Units on top of a position: how many, after how many days they are there and are paid, what they cost
    and sell for (USD), the demand that they meet by week ahead, (pairs, weeks), and the units `missed` until
    they are there, which they cannot serve any more."""

    position: np.ndarray
    quantity: np.ndarray
    arrives_days: np.ndarray
    terms_days: np.ndarray
    weekly_mean: np.ndarray
    weekly_variance: np.ndarray
    cost: np.ndarray
    price: np.ndarray
    missed: np.ndarray | float = 0.0

    @property
    def ends(self) -> np.ndarray:
        """Days until the end of each week."""
        return np.asarray(7.0 * np.arange(1, self.weekly_mean.shape[1] + 1))

    @property
    def sold(self) -> np.ndarray:
        """Units sold more by the end of each week, (pairs, weeks)."""
        mean, variance = self.weekly_mean.cumsum(1), self.weekly_variance.cumsum(1)
        before = (self.position + self.missed)[:, None]
        more = expected_served(before + self.quantity[:, None], mean, variance) - expected_served(
            before, mean, variance
        )
        return np.where(self.arrives_days[:, None] <= self.ends, more, 0)


def missed_before(
    position: np.ndarray, arrives_days: np.ndarray, weekly_mean: np.ndarray, weekly_variance: np.ndarray
) -> np.ndarray:
    """Units wanted and not served from the position until something arrives."""
    share = np.clip(arrives_days[:, None] / 7 - np.arange(weekly_mean.shape[1]), 0, 1)
    mean, variance = (weekly_mean * share).sum(1), (weekly_variance * share).sum(1)
    return np.asarray(np.maximum(mean - expected_served(position, mean, variance), 0))


def by_week(arrival: Arrival) -> Weekly:
    """What they do week by week."""
    ends, sold = arrival.ends, arrival.sold
    here = arrival.arrives_days[:, None] <= ends
    paid = (arrival.arrives_days + arrival.terms_days)[:, None] <= ends
    units, cost = arrival.quantity[:, None], arrival.cost[:, None]
    return Weekly(
        inventory=np.where(here, (units - sold) * cost, 0),
        payables=np.where(here & ~paid, units * cost, 0),
        cash=sold * arrival.price[:, None] - np.where(paid, units * cost, 0),
    )


def until_sold(arrival: Arrival, margin: np.ndarray, carrying_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Units that they sell more in all the weeks, and their margin less carrying what is not sold yet."""
    units = arrival.sold[:, -1]
    carrying = by_week(arrival).inventory.sum(1) * carrying_rate * 7 / 365
    return units, units * margin - carrying
