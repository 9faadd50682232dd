"""The margin target, and what became of it.

Target: a store × category holds the gross margin rate that it earned over the last quarter (13 weeks); one
that sold nothing then takes the rate of its category in the chain. It misses the target when the rate of
the next four weeks is lower, and the shortfall is the money that this costs: (target − rate) × net sales.
Without sales there is nothing to miss. No retailer's own budget of margins is part of the contract, so the
quarter that was achieved stands in for it.
"""

from __future__ import annotations

import numpy as np

from models_ml.margin_risk.panel import MarginPanel, Money
from models_ml.margin_risk.settings import HORIZON_WEEKS, TARGET_WEEKS

LEAST_MONEY = 0.01


def total(values: np.ndarray, origin: int, weeks: int) -> np.ndarray:
    """Sum over the last `weeks` columns up to `origin`, or over all there are."""
    return np.asarray(values[:, max(0, origin + 1 - weeks) : origin + 1].sum(1))


def rate(money: Money, origin: int, weeks: int) -> np.ndarray:
    """Gross margin rate over the last `weeks` columns up to `origin`; NaN where nothing was sold."""
    sales, margin = total(money.sales, origin, weeks), total(money.margin, origin, weeks)
    return np.where(sales > LEAST_MONEY, margin / np.maximum(sales, LEAST_MONEY), np.nan)


def target_rate(panel: MarginPanel, origin: int) -> np.ndarray:
    """The rate to hold in the four weeks after column `origin`, known at its end; (series,)."""
    own = rate(panel.money, origin, TARGET_WEEKS)
    category, member = panel.pools["category"]
    chain = np.nan_to_num(rate(category, origin, 2 * TARGET_WEEKS))[member]
    return np.where(np.isnan(own), chain, own)


def shortfall(panel: MarginPanel, origin: int) -> np.ndarray:
    """Target less achieved margin over the four weeks after `origin`, at what was sold in them; (series,).

    Positive: missed. Raises IndexError where the four weeks are not all recorded.
    """
    ahead = slice(origin + 1, origin + 1 + HORIZON_WEEKS)
    if origin + HORIZON_WEEKS >= panel.money.sales.shape[1]:
        raise IndexError(f"The four weeks after column {origin} are not all recorded.")
    sales, margin = panel.money.sales[:, ahead].sum(1), panel.money.margin[:, ahead].sum(1)
    return np.asarray(target_rate(panel, origin) * sales - margin)
