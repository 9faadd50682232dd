"""Public forecasters beside the demand model, on the same series and origins: development tools only.

AutoETS (statsforecast) gives quantiles from its prediction intervals; mlforecast with LightGBM gives a point
forecast that stands for its every quantile: read its WAPE, RMSSE and bias, not its pinball loss.
"""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd

from models_ml.demand.panel import Panel
from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast


def peers(panel: Panel, origins: list[int]) -> dict[str, dict[int, Forecast]]:
    """Forecasts of every series of the panel by peer and origin week."""
    makers = {"AutoETS": auto_ets, "mlforecast + LightGBM": ml_forecast}
    return {name: {o: make(panel.units, panel.column(o)) for o in origins} for name, make in makers.items()}


def auto_ets(units: np.ndarray, origin: int) -> Forecast:
    """Non-seasonal exponential smoothing, the form chosen per series by AICc; a year holds no season."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    levels = {50: (2, 4), 80: (1, 5), 95: (0, 6)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = StatsForecast(models=[AutoETS(season_length=1)], freq=1, n_jobs=1)
        forecasts = engine.forecast(df=_long(units, origin), h=HORIZON, level=list(levels))
    forecasts = forecasts.sort_values(["unique_id", "ds"])
    shape = (len(units), HORIZON)
    mean = np.nan_to_num(forecasts["AutoETS"].to_numpy(float)).reshape(shape)
    quantiles = np.repeat(mean[..., None], len(LEVELS), -1)
    for level, (low, high) in levels.items():
        for side, at in (("lo", low), ("hi", high)):
            quantiles[..., at] = np.nan_to_num(forecasts[f"AutoETS-{side}-{level}"].to_numpy(float)).reshape(
                shape
            )
    return Forecast(np.sort(np.maximum(quantiles, 0), -1), np.maximum(mean, 0))


def ml_forecast(units: np.ndarray, origin: int) -> Forecast:
    """LightGBM over lags and rolling means of all series, recursive over the horizon."""
    import lightgbm
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExponentiallyWeightedMean, RollingMean

    logging.getLogger("lightgbm").setLevel(logging.ERROR)
    engine = MLForecast(
        models={"lgb": lightgbm.LGBMRegressor(
            n_estimators=150, learning_rate=0.05, num_leaves=31, min_child_samples=100, subsample=0.7,
            subsample_freq=1, colsample_bytree=0.7, objective="tweedie", n_jobs=2, verbose=-1, seed=1,
        )},
        freq=1,
        lags=[1, 2, 3, 4, 6, 8],
        lag_transforms={1: [RollingMean(4), RollingMean(8), RollingMean(13), ExponentiallyWeightedMean(0.2)]},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.fit(_long(units, origin), static_features=[])
        forecasts = engine.predict(HORIZON).sort_values(["unique_id", "ds"])
    mean = np.maximum(forecasts["lgb"].to_numpy(float).reshape(len(units), HORIZON), 0)
    return Forecast(np.repeat(mean[..., None], len(LEVELS), -1), mean)


def _long(units: np.ndarray, origin: int) -> pd.DataFrame:
    count, width = len(units), origin + 1
    return pd.DataFrame({
        "unique_id": np.repeat(np.arange(count), width),
        "ds": np.tile(np.arange(width), count),
        "y": units[:, :width].ravel(),
    })  # fmt: skip
