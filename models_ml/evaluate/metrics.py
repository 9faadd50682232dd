"""Scores of a forecast: those of the demand protocol."""

from __future__ import annotations

import numpy as np

from models_ml.demand.settings import LEVELS

NAMES = ("wape", "rmsse", "pinball", "coverage_80", "bias_median", "bias_mean")


def demand_scores(
    units: np.ndarray, quantiles: np.ndarray, mean: np.ndarray, past: np.ndarray
) -> dict[str, float]:
    """WAPE and bias of the median, RMSSE and bias of the mean, mean pinball of seven quantiles, share in
    10–90 %.

    Shapes: units and mean (series, weeks), quantiles (series, weeks, 7), past (series, earlier weeks).
    RMSSE leaves out series that never changed. NaN where nothing was sold at all.
    """
    quantiles = np.sort(np.maximum(quantiles, 0), -1)
    median = quantiles[..., 3]
    step = (np.diff(past, axis=1) ** 2).mean(1)
    moving = step > 0
    total = units.sum() or np.nan
    error = units[..., None] - quantiles
    return {
        "wape": float(np.abs(units - median).sum() / total),
        "rmsse": float(np.sqrt(((units - mean) ** 2).mean(1)[moving] / step[moving]).mean()),
        "pinball": float(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean()),
        "coverage_80": float(((units >= quantiles[..., 1]) & (units <= quantiles[..., 5])).mean()),
        "bias_median": float((median - units).sum() / total),
        "bias_mean": float((mean - units).sum() / total),
    }
