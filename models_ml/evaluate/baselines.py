"""Naive baselines, in the same run as every model: last week and the moving average over thirteen weeks."""

from __future__ import annotations

import numpy as np

from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast

RESIDUAL_WEEKS = 8
WINDOW = 13


def moving_average(units: np.ndarray, origin: int) -> Forecast:
    """Mean of 13 weeks; quantiles from the pooled residuals of 8 weeks, scaled by the square root of the
    level."""
    level = units[:, max(0, origin + 1 - WINDOW) : origin + 1].mean(1)
    columns = [k for k in range(origin + 1 - RESIDUAL_WEEKS, origin + 1) if k >= 1]
    fitted = np.stack([units[:, max(0, k - WINDOW) : k].mean(1) for k in columns], 1)
    return _spread(level, units[:, columns], fitted)


def last_week(units: np.ndarray, origin: int) -> Forecast:
    """The last week repeated; quantiles as for the moving average."""
    columns = [k for k in range(origin + 1 - RESIDUAL_WEEKS, origin + 1) if k >= 1]
    fitted = np.stack([units[:, k - 1] for k in columns], 1)
    return _spread(units[:, origin], units[:, columns], fitted)


def _spread(level: np.ndarray, seen: np.ndarray, fitted: np.ndarray) -> Forecast:
    residual = (seen - fitted) / np.sqrt(np.maximum(fitted, 0.5))
    mean = np.repeat(level[:, None], HORIZON, 1)
    quantiles = mean[..., None] + np.sqrt(np.maximum(mean, 0.5))[..., None] * np.quantile(residual, LEVELS)
    return Forecast(np.sort(np.maximum(quantiles, 0), -1), mean)


BASELINES = {"moving average 13": moving_average, "last week": last_week}
