"""Calibration of chance and size by the forecasts of earlier origins, made out of sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

PRIOR_MONEY = 2000.0  # shortfall money that the correction of its size is weighed against


@dataclass(frozen=True)
class Calibration:
    """Log-odds become `slope` × log-odds + `intercept`, which keeps contributions additive; sizes are
    multiplied by `size`."""

    slope: float = 1.0
    intercept: float = 0.0
    size: float = 1.0


def calibrate(log_odds: np.ndarray, shortfall_given_miss: np.ndarray, outcome: np.ndarray) -> Calibration:
    """From earlier forecasts, one entry per series and origin: predicted log-odds and size, what became of
    it.

    A slope that is not positive would turn the order of risks around; the log-odds then stay as they are.
    """
    missed = outcome > 0
    fitted = LogisticRegression(C=1e6).fit(log_odds[:, None], missed)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        slope, intercept = 1.0, 0.0
    expected, actual = shortfall_given_miss[missed].sum(), outcome[missed].sum()
    return Calibration(slope, intercept, float((actual + PRIOR_MONEY) / (expected + PRIOR_MONEY)))
