"""Demand counts over an interval: negative binomial where the variance exceeds the mean, else Poisson.
Vectorised."""

from __future__ import annotations

import numpy as np
from scipy import stats

LEAST_MEAN = 1e-6
LEAST_OVERDISPERSION = 1.02


def quantile(share: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Smallest count that demand does not exceed with probability `share`."""
    share, mean, variance = np.broadcast_arrays(share, np.maximum(mean, LEAST_MEAN), variance)
    size, success, over = _shape(mean, variance)
    out = np.empty(np.shape(mean))
    out[over] = stats.nbinom.ppf(share[over], size[over], success[over])
    out[~over] = stats.poisson.ppf(share[~over], mean[~over])
    return np.asarray(np.maximum(out, 0))


def share_within(units: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Probability that demand does not exceed `units`."""
    size, success, over = _shape(mean, variance)
    poisson = stats.poisson.cdf(units, np.maximum(mean, LEAST_MEAN))
    return np.asarray(np.where(over, stats.nbinom.cdf(units, size, success), poisson))


def expected_served(units: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Expected demand met from `units` in stock: E[min(D, units)]; 0 for no stock.

    E[D; D ≤ x] is mean × P(D' ≤ x − 1), D' being Poisson again, or negative binomial with its size one
    larger.
    """
    units = np.maximum(units, 0)
    size, success, over = _shape(mean, variance)
    safe = np.maximum(mean, LEAST_MEAN)
    below = np.where(over, stats.nbinom.cdf(units - 1, size + 1, success), stats.poisson.cdf(units - 1, safe))
    return np.asarray(safe * below + units * (1 - share_within(units, mean, variance)))


def _shape(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = np.maximum(mean, LEAST_MEAN)
    over = variance > LEAST_OVERDISPERSION * mean
    spread = np.where(over, variance, 2 * mean)  # a valid shape also where Poisson is taken
    return mean**2 / (spread - mean), mean / spread, over
