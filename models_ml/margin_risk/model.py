"""The margin risk model: chance of a miss, money that it costs, and what each driver adds to the chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xgboost as xgb

from models_ml.errors import NotEnoughHistoryError
from models_ml.margin_risk.calibration import Calibration
from models_ml.margin_risk.features import Features, build
from models_ml.margin_risk.panel import MarginPanel
from models_ml.margin_risk.settings import HORIZON_WEEKS, TARGET_WEEKS, MarginRiskSettings
from models_ml.margin_risk.target import shortfall


class Risk(NamedTuple):
    """Per series: chance of missing the target, money that a miss costs in USD, and the order of chances."""

    probability: np.ndarray
    shortfall: np.ndarray
    rank: np.ndarray

    @property
    def money(self) -> np.ndarray:
        return np.asarray(self.probability * self.shortfall)


@dataclass
class MarginRiskModel:
    """Two boosters over the same features: log-odds of a miss, and a miss in shares of expected sales."""

    names: list[str]
    drivers: list[str]
    chance: xgb.Booster
    severity: xgb.Booster
    calibration: Calibration = field(default_factory=Calibration)

    def predict(self, features: Features) -> Risk:
        """Risk of every row of the features."""
        data = self._matrix(features)
        raw = self.chance.predict(data, output_margin=True).astype(float)
        log_odds = self.calibration.slope * raw + self.calibration.intercept
        size = self.severity.predict(data) * expected_sales(features) * self.calibration.size
        return Risk(_chance(log_odds), np.asarray(size, float), log_odds)

    def log_odds(self, features: Features) -> np.ndarray:
        """Log-odds before calibration."""
        return np.asarray(self.chance.predict(self._matrix(features), output_margin=True), float)

    def contributions(self, features: Features) -> tuple[np.ndarray, list[str], float]:
        """TreeSHAP per driver in calibrated log-odds (rows, drivers), the drivers, and the base they start
        from. Rows sum, with the base, to the log-odds of `predict`."""
        shap = self.chance.predict(self._matrix(features), pred_contribs=True).astype(float)
        kinds = list(dict.fromkeys(self.drivers))
        member = np.array([kinds.index(driver) for driver in self.drivers])
        out = np.zeros((len(shap), len(kinds)))
        for column, kind in enumerate(member):
            out[:, kind] += shap[:, column]
        slope, intercept = self.calibration.slope, self.calibration.intercept
        return slope * out, kinds, float(slope * shap[0, -1] + intercept) if len(shap) else 0.0

    def _matrix(self, features: Features) -> xgb.DMatrix:
        if features.names != self.names:
            raise NotEnoughHistoryError("The margin features are not those the model was fitted on.")
        return xgb.DMatrix(features.values, nthread=2)


def expected_sales(features: Features) -> np.ndarray:
    """Net sales of four weeks at the pace of the last quarter, in USD; never nil."""
    quarter = np.expm1(features.values[:, features.names.index("log_sales")].astype(float))
    return np.asarray(quarter * HORIZON_WEEKS / TARGET_WEEKS + 0.5)


def rows_of(features: Features, chosen: np.ndarray) -> Features:
    """The same features with the rows that `keep` (mask or index) names."""
    return features._replace(values=features.values[chosen], target=features.target[chosen])


def fit(panel: MarginPanel, origin: int, settings: MarginRiskSettings) -> MarginRiskModel:
    """Fit on origins whose four weeks ended by column `origin`. Same inputs: same model to the bit."""
    past_origins = range(settings.first_origin, origin - HORIZON_WEEKS + 1)
    if len(past_origins) < 2:
        raise NotEnoughHistoryError(
            f"Margin risk needs {settings.first_origin + HORIZON_WEEKS + 2} weeks before its first origin."
        )
    parts, money = [], []
    for past_origin in past_origins:
        chosen = panel.demand.selling(past_origin)
        parts.append(rows_of(build(panel, past_origin), chosen))
        money.append(shortfall(panel, past_origin)[chosen])
    features = parts[0]._replace(
        values=np.concatenate([p.values for p in parts]), target=np.concatenate([p.target for p in parts])
    )
    outcome = np.concatenate(money)
    missed = outcome > 0
    if not missed.any() or missed.all():
        raise NotEnoughHistoryError(
            "Margin risk needs categories that sell at a store in most weeks, some of which missed "
            "their target."
        )
    shared = {
        "tree_method": "hist", "max_depth": settings.depth, "eta": settings.learning_rate,
        "subsample": settings.row_share, "colsample_bynode": settings.column_share,
        "min_child_weight": settings.least_child_weight, "lambda": settings.ridge,
        "max_bin": settings.bins, "nthread": 1, "seed": settings.seed,
    }  # fmt: skip
    data = xgb.QuantileDMatrix(features.values, missed.astype(float), max_bin=settings.bins, nthread=1)
    chance = xgb.train({**shared, "objective": "binary:logistic"}, data, settings.rounds)
    scale = expected_sales(features)
    miss = xgb.QuantileDMatrix(
        features.values[missed], outcome[missed] / scale[missed] + 1e-4, weight=np.sqrt(scale[missed]),
        max_bin=settings.bins, nthread=1,
    )  # fmt: skip
    severity = xgb.train({**shared, "objective": "reg:gamma"}, miss, settings.rounds)
    return MarginRiskModel(features.names, features.drivers, chance, severity)


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))
