"""Naive baselines, in the same run as every model: last week and the moving average over thirteen weeks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast, poisson_quantiles

RESIDUAL_WEEKS = 8
WINDOW = 13


def moving_average(units: np.ndarray, origin: int) -> Forecast:
    """Mean of 13 weeks, or of all there are; quantiles from the pooled residuals of 8 weeks, scaled by the
    square root of the level. With a single week they are those of a Poisson count."""
    level = units[:, max(0, origin + 1 - WINDOW) : origin + 1].mean(1)
    return _spread(units, origin, level, lambda week: units[:, max(0, week - WINDOW) : week].mean(1))


def last_week(units: np.ndarray, origin: int) -> Forecast:
    """The last week repeated; quantiles as for the moving average."""
    return _spread(units, origin, units[:, origin], lambda week: units[:, week - 1])


def _spread(
    units: np.ndarray, origin: int, level: np.ndarray, fitted_at: Callable[[int], np.ndarray]
) -> Forecast:
    """`fitted_at(week)` is what would have been forecast for a column from those before it."""
    mean = np.repeat(level[:, None], HORIZON, 1)
    columns = [k for k in range(origin + 1 - RESIDUAL_WEEKS, origin + 1) if k >= 1]
    if not columns or not len(units):
        return Forecast(poisson_quantiles(mean), mean)
    fitted = np.stack([fitted_at(k) for k in columns], 1)
    residual = (units[:, columns] - fitted) / np.sqrt(np.maximum(fitted, 0.5))
    quantiles = mean[..., None] + np.sqrt(np.maximum(mean, 0.5))[..., None] * np.quantile(residual, LEVELS)
    return Forecast(np.sort(np.maximum(quantiles, 0), -1), mean)


BASELINES = {"moving average 13": moving_average, "last week": last_week}
