"""What a forecast of weekly units is: seven quantiles and a mean, eight weeks ahead."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

HORIZON = 8
LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
QUANTILE_COLUMNS = ("q025", "q10", "q25", "q50", "q75", "q90", "q975")


class Forecast(NamedTuple):
    """Units of the eight weeks after the origin: quantiles (series, 8, 7), ascending, mean (series, 8)."""

    quantiles: np.ndarray
    mean: np.ndarray


def poisson_quantiles(mean: np.ndarray) -> np.ndarray:
    """Quantiles of a Poisson count, one more axis than `mean`: with too little history to measure a spread,
    the least there can be."""
    return np.asarray(stats.poisson.ppf(LEVELS, np.maximum(mean, 1e-9)[..., None]))
