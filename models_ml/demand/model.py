"""The demand model of one tier: the mean of direct quantiles and of a Tweedie mean with empirical ratio
quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xgboost as xgb

from models_ml.demand.calibration import Calibration
from models_ml.demand.features import Builder, build
from models_ml.demand.panel import Panel
from models_ml.demand.quantiles import fit_quantiles
from models_ml.demand.rows import RowPool
from models_ml.demand.settings import DemandSettings
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast

AT_ONCE = 10_000  # series forecast together


class Seen(NamedTuple):
    """What training has seen: lowest and highest value of every feature (names,), the highest level in units
    a week."""

    lowest: np.ndarray
    highest: np.ndarray
    level: float


@dataclass
class DemandModel:
    """Two boosters, the table of ratios that turns the mean into quantiles, and the calibration of the
    whole. `start` is what the quantile booster's outputs are added to (7,)."""

    tier: str
    names: list[str]
    quantile: xgb.Booster
    start: np.ndarray
    mean: xgb.Booster
    table_level: np.ndarray
    table_ratio: np.ndarray
    calibration: Calibration | None = None
    seen: Seen | None = None

    def predict(self, features: np.ndarray, scale: np.ndarray) -> Forecast:
        """Forecast from features (series, 8, names) and scale (series,)."""
        count, ahead = features.shape[:2]
        data = xgb.DMatrix(features.reshape(count * ahead, -1))
        ratio = self.quantile.predict(data).reshape(count, ahead, len(LEVELS)) + self.start
        direct = ratio * scale[:, None, None]
        mean = np.maximum(self.mean.predict(data).reshape(count, ahead) * scale[:, None], 0.0).astype(float)
        ratios = [np.interp(mean, self.table_level, self.table_ratio[:, i]) for i in range(len(LEVELS))]
        scaled = np.stack(ratios, -1) * mean[..., None]
        quantiles = np.sort((np.sort(np.maximum(direct, 0), -1) + scaled) / 2, -1)
        if self.calibration is not None:
            quantiles = self.calibration.apply(quantiles, mean)
        return Forecast(quantiles, mean)

    def forecast(self, panel: Panel, origin: int, build_features: Builder = build) -> Forecast:
        """Forecast of every series of the panel for the eight weeks after column `origin`.

        Series are taken some at a time, so that memory does not grow with the features of all of them.
        """
        count = len(panel.items)
        if not count:
            return Forecast(np.zeros((0, HORIZON, len(LEVELS))), np.zeros((0, HORIZON)))
        parts = [
            self._some(panel.select(np.arange(start, min(start + AT_ONCE, count))), origin, build_features)
            for start in range(0, count, AT_ONCE)
        ]
        return Forecast(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _some(self, panel: Panel, origin: int, build_features: Builder) -> Forecast:
        features, scale, names = build_features(panel, origin)
        if names != self.names:
            raise NotEnoughHistoryError(
                f"The features of tier {self.tier} are not those the model was fitted on."
            )
        return self.predict(features, scale)


def fit(
    panel: Panel,
    origin: int,
    settings: DemandSettings,
    build_features: Builder = build,
    pool: RowPool | None = None,
) -> DemandModel:
    """Fit on what is known at the end of column `origin`. Same panel, origin and settings: same model to the
    bit, with a `pool` of rows that other fits share or without."""
    if origin < settings.first_origin + 2:
        raise NotEnoughHistoryError(
            f"The demand model needs {settings.first_origin + 3} weeks before its first origin."
        )
    rows = (pool or RowPool(panel, [origin], settings, build_features)).rows(origin)
    if not len(rows.units):
        raise NotEnoughHistoryError(f"No {panel.tier} sells at a store in most weeks: nothing to learn from.")
    ratio = rows.units / rows.scale
    shared = {
        "tree_method": "hist",
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "subsample": settings.row_share,
        "colsample_bynode": settings.column_share,
        "min_child_weight": settings.least_child_weight,
        "max_bin": settings.bins,
        "nthread": 1,  # fits run side by side instead: no idle waiting, and the same bits with any number
        "seed": settings.seed,
    }
    data = xgb.QuantileDMatrix(rows.features, ratio, weight=rows.scale, max_bin=settings.bins, nthread=1)
    quantile, start = fit_quantiles(data, rows.scale, shared, settings.quantile_rounds, settings.kernel_width)
    data.set_weight(np.sqrt(rows.scale))
    tweedie = {
        "objective": "reg:tweedie",
        "tweedie_variance_power": settings.tweedie_power,
        "base_score": 1.0,
    }
    mean = xgb.train({**shared, **tweedie}, data, settings.mean_rounds)
    fitted = np.maximum(mean.predict(data) * rows.scale, 1e-6)
    level, table = ratio_table(fitted, rows.units, settings.level_bins)
    seen = Seen(rows.features.min(0), rows.features.max(0), float(rows.scale.max()))
    return DemandModel(panel.tier, rows.names, quantile, start, mean, level, table, seen=seen)


def ratio_table(fitted: np.ndarray, units: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Empirical quantiles of units over fitted mean, by bin of the fitted mean: levels (bins,), ratios
    (bins, 7)."""
    edges = np.unique(np.quantile(fitted, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of = np.digitize(fitted, edges)
    ratio = units / fitted
    inside = [bin_of == b for b in range(len(edges) + 1)]
    inside = [mask for mask in inside if mask.any()]
    return (
        np.array([fitted[mask].mean() for mask in inside]),
        np.array([np.quantile(ratio[mask], LEVELS) for mask in inside]),
    )


def horizon_units(panel: Panel, origin: int) -> np.ndarray:
    """What was recorded in the (at most eight) weeks after column `origin`."""
    return panel.units[:, origin + 1 : origin + 1 + HORIZON]
