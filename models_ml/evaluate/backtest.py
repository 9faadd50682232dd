"""Rolling origins: fit at each origin on its past alone, calibrated by the forecasts of the origins before
it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models_ml.demand.calibration import Calibration, calibrate
from models_ml.demand.model import DemandModel, Forecast, fit, horizon_units
from models_ml.demand.settings import DemandSettings
from models_ml.panel import HORIZON, Panel

Progress = Callable[[str], None]


@dataclass
class Backtest:
    """Forecasts by origin week, for the series of `panel`; the model of the last cut is kept."""

    panel: Panel
    forecasts: dict[int, Forecast] = field(default_factory=dict)
    model: DemandModel | None = None


def silent(_: str) -> None:
    """Progress that goes nowhere."""


def roll(panel: Panel, weeks: list[int], settings: DemandSettings, progress: Progress = silent) -> Backtest:
    """Fit and forecast at each origin week, in order, eight weeks or more apart.

    The first origin has no earlier forecasts, so its forecast is uncalibrated: put a warm-up origin before
    those that are reported. Calibration pools all earlier forecasts whose target weeks lie at or before
    the origin.
    """
    result = Backtest(panel)
    raw: list[tuple[int, Forecast]] = []
    for week in weeks:
        cut = panel.column(week)
        progress(f"demand, {panel.tier}: fit at week {week}")
        model = fit(panel, cut, settings)
        plain = model.forecast(panel, cut)
        model.calibration = from_earlier(panel, cut, raw)
        final = plain
        if model.calibration is not None:
            final = Forecast(model.calibration.apply(plain.quantiles, plain.mean), plain.mean)
        raw.append((cut, plain))
        result.forecasts[week] = final
        result.model = model
    return result


def from_earlier(panel: Panel, cut: int, raw: list[tuple[int, Forecast]]) -> Calibration | None:
    """Calibration from the forecasts of earlier cuts, on the target weeks known at `cut`; None without
    any."""
    parts = []
    for origin, forecast in raw:
        ahead = min(HORIZON, cut - origin)
        if ahead > 0:
            units = horizon_units(panel, origin)[:, :ahead]
            parts.append(
                (
                    units.ravel(),
                    forecast.quantiles[:, :ahead].reshape(-1, 7),
                    forecast.mean[:, :ahead].ravel(),
                )
            )
    if not parts:
        return None
    return calibrate(*(np.concatenate(column) for column in zip(*parts, strict=True)))
