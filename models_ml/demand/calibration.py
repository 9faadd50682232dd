"""Conformal calibration: the errors of earlier forecasts, made out of sample, correct the quantiles of the
next.

Everything is per segment of predicted level (deciles of the mean), so that slow and fast sellers each hold
their share. Offsets are in units of the square root of the mean; the offset of a quantile level is the
pinball-optimal one for the earlier forecasts of its segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_ml.evaluate.forecast import LEVELS

SEGMENTS = 10
PRIOR_CELLS = (
    400  # a segment with so many earlier cells is trusted half, the pool of all segments the other half
)
MEDIAN = 3


OFF_ZERO = 0.01  # units: just above a week without sales
LOWER = (0, 1, 2)  # quantile levels below the median


@dataclass(frozen=True)
class Calibration:
    """Edges of the segments (segments - 1,), offsets (segments, 7) and, per segment and lower level, the
    mean from which on a week without sales lies below the quantile (segments, 3), infinite: never."""

    edges: np.ndarray
    offsets: np.ndarray
    off_zero_from: np.ndarray

    def apply(self, quantiles: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Quantiles (…, 7) moved by their segment's offsets, not below zero, ascending."""
        moved = self._shift(quantiles, mean)
        least = self.off_zero_from[np.digitize(mean, self.edges)]
        for i in LOWER:
            above = mean >= least[..., i]
            moved[..., i] = np.where(above, np.maximum(moved[..., i], OFF_ZERO), moved[..., i])
        return np.asarray(np.maximum.accumulate(moved, -1))

    def _shift(self, quantiles: np.ndarray, mean: np.ndarray) -> np.ndarray:
        segment = np.digitize(mean, self.edges)
        spread = np.sqrt(np.maximum(mean, 0.25))
        moved = quantiles + self.offsets[segment] * spread[..., None]
        return np.asarray(np.sort(np.maximum(moved, 0), -1))


def calibrate(units: np.ndarray, quantiles: np.ndarray, mean: np.ndarray) -> Calibration:
    """Offsets from earlier forecasts: units (cells,), quantiles (cells, 7), mean (cells,). The median
    stays."""
    edges = np.unique(np.quantile(mean, np.linspace(0, 1, SEGMENTS + 1)[1:-1]))
    segment = np.digitize(mean, edges)
    spread = np.sqrt(np.maximum(mean, 0.25))
    error = (units[:, None] - quantiles) / spread[:, None]
    pooled = _offsets(error, spread)
    offsets = np.zeros((len(edges) + 1, len(LEVELS)))
    for part in range(len(offsets)):
        inside = segment == part
        trust = inside.sum() / (inside.sum() + PRIOR_CELLS)
        own = _offsets(error[inside], spread[inside]) if inside.any() else pooled
        offsets[part] = trust * own + (1 - trust) * pooled
    off_zero_from = np.full((len(offsets), len(LOWER)), np.inf)
    moved = Calibration(edges, offsets, off_zero_from)._shift(quantiles, mean)
    for i in LOWER:
        lacking = 0.0
        for part in range(len(offsets))[::-1]:
            inside = segment == part
            off_zero_from[part, i], lacking = _off_zero(
                units[inside], moved[inside, i], mean[inside], LEVELS[i], lacking
            )
    return Calibration(edges, offsets, off_zero_from)


def _off_zero(
    units: np.ndarray, quantile: np.ndarray, mean: np.ndarray, level: float, more: float
) -> tuple[float, float]:
    """Mean from which on the quantile leaves zero, so that the share of units below it is `level`, and the
    cells that this still lacks.

    Slow sellers have their 10 % quantile at zero units, where nothing can lie below, and an 80 % interval
    would hold 88 % of weeks. Within a segment the series least likely to sell nothing give way first; it
    costs next to no pinball loss. Without segments the fast sellers would give way for the slow ones; what a
    segment lacks (`more`) passes to its slower neighbour.
    """
    lacking = level * len(units) - (units < quantile).sum() + max(more, 0.0)
    candidates = np.sort(mean[(units == 0) & (quantile <= 0)])[::-1]
    wanted = round(lacking)
    if wanted <= 0 or not len(candidates):
        return float("inf"), lacking
    taken = min(wanted, len(candidates))
    return float(candidates[taken - 1]), lacking - taken


def _offsets(error: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted quantile of the errors at each level: the shift that minimises pinball loss."""
    out = np.zeros(len(LEVELS))
    for i, alpha in enumerate(LEVELS):
        if i == MEDIAN:
            continue
        order = np.argsort(error[:, i], kind="stable")
        total = np.cumsum(weight[order])
        out[i] = error[order[np.searchsorted(total, alpha * total[-1])], i]
    return out
