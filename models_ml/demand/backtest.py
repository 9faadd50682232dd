"""Rolling origins: fit at each origin on its past alone, calibrated by the forecasts of the origins before
it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from governance.progress import Progress, silent
from models_ml.demand.calibration import Calibration, calibrate
from models_ml.demand.features import Builder, build
from models_ml.demand.leakage import require_no_leak
from models_ml.demand.model import DemandModel, fit, horizon_units
from models_ml.demand.panel import Panel
from models_ml.demand.reconcile import reconcile
from models_ml.demand.rows import RowPool
from models_ml.demand.settings import DemandSettings
from models_ml.evaluate.forecast import HORIZON, Forecast


@dataclass
class Backtest:
    """Forecasts by origin week, for the series of `panel`; the model of the last origin is kept."""

    panel: Panel
    forecasts: dict[int, Forecast] = field(default_factory=dict)
    model: DemandModel | None = None


def rolling_origin_backtest(
    panel: Panel,
    chosen: np.ndarray,
    weeks: list[int],
    settings: DemandSettings,
    progress: Progress = silent,
    *,
    oracle: Builder | None = None,
) -> Backtest:
    """Fit at each origin week on every series, forecast those of the mask `chosen`; origins ascend.

    The first origin has no earlier forecasts, so its forecast is uncalibrated: put a warm-up origin before
    those that are reported. Calibration pools all earlier forecasts of the series that sold often enough
    at their origin. Raises LeakageError when a feature reads past its origin; `oracle` features may, to
    measure what chance leaves to win.
    """
    build_features = build if oracle is None else oracle
    if oracle is None:
        require_no_leak(panel, panel.column(weeks[0]), build_features)
    result = Backtest(panel.select(chosen))
    earlier: list[tuple[Panel, int, Forecast]] = []
    for week, model in zip(weeks, _fits(panel, weeks, settings, progress, build_features), strict=True):
        origin = panel.column(week)
        selling = panel.select(panel.selling(origin))
        plain = model.forecast(selling, origin, build_features)
        model.calibration = from_earlier(origin, earlier)
        earlier.append((selling, origin, plain))
        result.forecasts[week] = model.forecast(result.panel, origin, build_features)
        result.model = model
    return result


def _fits(
    panel: Panel, weeks: list[int], settings: DemandSettings, progress: Progress, build_features: Builder
) -> Iterator[DemandModel]:
    """Models at the weeks' ends, fitted side by side: none needs another's result."""
    pool = RowPool(panel, [panel.column(week) for week in weeks], settings, build_features)

    def one(week: int) -> DemandModel:
        progress(f"demand, {panel.tier}: fit at week {week}")
        return fit(panel, panel.column(week), settings, build_features, pool)

    with ThreadPoolExecutor(settings.threads) as threads:
        yield from threads.map(one, weeks)


def from_earlier(origin: int, earlier: list[tuple[Panel, int, Forecast]]) -> Calibration | None:
    """Calibration from the forecasts of earlier origins, on the target weeks known at `origin`; None without
    any."""
    parts = []
    for panel, past_origin, forecast in earlier:
        ahead = min(HORIZON, origin - past_origin)
        if ahead > 0:
            units = horizon_units(panel, past_origin)[:, :ahead]
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


def reconcile_levels(category: Backtest, product: Backtest, origins: list[int]) -> None:
    """Make the forecasts of both tiers add up at each origin, as scoring does."""
    for week in origins:
        origin = category.panel.column(week)
        levels = reconcile(
            category.panel, category.forecasts[week], product.panel, product.forecasts[week], origin
        )
        category.forecasts[week], product.forecasts[week] = levels.category, levels.product
