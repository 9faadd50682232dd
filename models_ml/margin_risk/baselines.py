"""Rules that a model must beat, and the one that stands in where no model may score."""

from __future__ import annotations

import numpy as np
from sklearn.isotonic import IsotonicRegression

from models_ml.errors import NotEnoughHistoryError
from models_ml.margin_risk.model import Risk
from models_ml.margin_risk.panel import MarginPanel
from models_ml.margin_risk.settings import HORIZON_WEEKS, TARGET_WEEKS
from models_ml.margin_risk.target import rate, shortfall, target_rate, total


def last_four_weeks_repeat(panel: MarginPanel, origin: int) -> Risk:
    """Whoever missed in the last four weeks misses again, by the same money."""
    gap = _gap(panel, origin)
    money = gap * total(panel.money.sales, origin, HORIZON_WEEKS)
    return Risk((gap > 0).astype(float), np.maximum(money, 0.0), gap)


def back_to_category(panel: MarginPanel, origin: int) -> Risk:
    """Every rate falls back to that of its category in the chain over half a year."""
    category, member = panel.pools["category"]
    chain = np.nan_to_num(rate(category, origin, 2 * TARGET_WEEKS))[member]
    gap = target_rate(panel, origin) - chain
    return Risk((gap > 0).astype(float), np.maximum(gap, 0.0) * _pace(panel, origin), gap)


def calibrated_repeat(panel: MarginPanel, origin: int) -> Risk:
    """The first baseline with the chances and sizes that it had over the last four complete weeks.

    The share that missed rises with the gap (isotonic), the size is the mean miss in shares of the pace.
    Raises NotEnoughHistoryError if there is nothing to learn them from.
    """
    before = origin - HORIZON_WEEKS
    if before + 1 < HORIZON_WEEKS:
        raise NotEnoughHistoryError(
            f"Margin risk needs {2 * HORIZON_WEEKS} complete weeks of sales; there are {origin + 1}."
        )
    selling = panel.demand.selling(before)
    if not selling.any():
        raise NotEnoughHistoryError("Margin risk needs a category that sells at a store in most weeks.")
    outcome = shortfall(panel, before)[selling]
    chance = IsotonicRegression(y_min=0.01, y_max=0.99, out_of_bounds="clip")
    chance.fit(_gap(panel, before)[selling], outcome > 0)
    missed = outcome > 0
    size = outcome[missed].sum() / max(_pace(panel, before)[selling][missed].sum(), 1e-9)
    gap = _gap(panel, origin)
    return Risk(np.asarray(chance.predict(gap)), size * _pace(panel, origin), gap)


BASELINES = {
    "last four weeks repeat": last_four_weeks_repeat,
    "last four weeks repeat, calibrated": calibrated_repeat,
    "back to the category's rate": back_to_category,
}


def _gap(panel: MarginPanel, origin: int) -> np.ndarray:
    """Target less the rate of the last four weeks; nil where nothing was sold in them."""
    last, target = rate(panel.money, origin, HORIZON_WEEKS), target_rate(panel, origin)
    return np.asarray(np.where(np.isnan(last), 0.0, target - last))


def _pace(panel: MarginPanel, origin: int) -> np.ndarray:
    """Net sales of four weeks at the pace of the last quarter."""
    weeks = min(TARGET_WEEKS, origin + 1)
    return total(panel.money.sales, origin, TARGET_WEEKS) * HORIZON_WEEKS / weeks
