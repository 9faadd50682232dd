"""What more stock brings, against doing nothing: units, service, margin and cash; over the interval and by
week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_ml.recommend.counting import expected_served, share_within


@dataclass(frozen=True)
class Demand:
    """Units wanted over the protection interval of each pair, and what one of them is worth, in USD."""

    mean: np.ndarray
    variance: np.ndarray
    interval_days: np.ndarray
    margin_usd: np.ndarray
    cost_usd: np.ndarray
    carrying_rate: float


@dataclass(frozen=True)
class Effect:
    """Expected units served more, chance of no stockout, margin gained less carrying of the spare, and cash
    (negative: paid out)."""

    units: np.ndarray
    service: np.ndarray
    margin_usd: np.ndarray
    cash_usd: np.ndarray


def of_stock(position: np.ndarray, quantity: np.ndarray, demand: Demand) -> Effect:
    """Effect of `quantity` units on top of `position`, bought at cost."""
    after = position + quantity
    gained = expected_served(after, demand.mean, demand.variance) - expected_served(
        position, demand.mean, demand.variance
    )
    carrying = (quantity - gained) * demand.cost_usd * demand.carrying_rate * demand.interval_days / 365
    return Effect(
        units=gained,
        service=share_within(np.floor(np.maximum(after, 0)), demand.mean, demand.variance),
        margin_usd=gained * demand.margin_usd - carrying,
        cash_usd=-quantity * demand.cost_usd,
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


def by_week(
    position: np.ndarray, quantity: np.ndarray, *, arrives_days: np.ndarray, terms_days: np.ndarray,
    weekly_mean: np.ndarray, weekly_variance: np.ndarray, cost_usd: np.ndarray, price_usd: np.ndarray,
) -> Weekly:  # fmt: skip
    """What `quantity` units that arrive after so many days, paid after so many more, do week by week."""
    ends = 7.0 * np.arange(1, weekly_mean.shape[1] + 1)
    mean, variance = weekly_mean.cumsum(1), weekly_variance.cumsum(1)
    here = arrives_days[:, None] <= ends
    paid = (arrives_days + terms_days)[:, None] <= ends
    before, after = position[:, None], (position + quantity)[:, None]
    sold = expected_served(after, mean, variance) - expected_served(before, mean, variance)
    sold = np.where(here, sold, 0)
    bought, units = (quantity * cost_usd)[:, None], quantity[:, None]
    return Weekly(
        inventory=np.where(here, (units - sold) * cost_usd[:, None], 0),
        payables=np.where(here & ~paid, bought, 0),
        cash=sold * price_usd[:, None] - np.where(paid, bought, 0),
    )
