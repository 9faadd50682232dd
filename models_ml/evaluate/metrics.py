"""Scores of a forecast: those of the demand protocol."""

from __future__ import annotations

import numpy as np

from models_ml.evaluate.forecast import LEVELS

NAMES = ("wape", "rmsse", "pinball", "coverage_80", "bias_median", "bias_mean")


def demand_scores(
    units: np.ndarray,
    quantiles: np.ndarray,
    mean: np.ndarray,
    past: np.ndarray,
    cells: np.ndarray | None = None,
) -> dict[str, float]:
    """WAPE and bias of the median, RMSSE and bias of the mean, mean pinball of seven quantiles, share in
    10–90 %.

    Shapes: units and mean (series, weeks), quantiles (series, weeks, 7), past (series, earlier weeks).
    `cells` (series, weeks) names the weeks that count, all by default. RMSSE leaves out series that never
    changed. NaN where nothing was sold at all.
    """
    counts = np.ones(units.shape, bool) if cells is None else cells
    quantiles = np.sort(np.maximum(quantiles, 0), -1)
    median = quantiles[..., 3]
    step = (np.diff(past, axis=1) ** 2).mean(1)
    weeks = counts.sum(1)
    moving = (step > 0) & (weeks > 0)
    squared = (counts * (units - mean) ** 2).sum(1)[moving] / weeks[moving]
    total = units[counts].sum() or np.nan
    error = units[..., None] - quantiles
    inside = (units >= quantiles[..., 1]) & (units <= quantiles[..., 5])
    return {
        "wape": float(np.abs(units - median)[counts].sum() / total),
        "rmsse": float(np.sqrt(squared / step[moving]).mean()) if moving.any() else float("nan"),
        "pinball": float(np.maximum(LEVELS * error, (LEVELS - 1) * error)[counts].mean()),
        "coverage_80": float(inside[counts].mean()),
        "bias_median": float((median - units)[counts].sum() / total),
        "bias_mean": float((mean - units)[counts].sum() / total),
    }
