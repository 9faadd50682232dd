"""Rolling origins of the margin risk model: each fitted and calibrated on its own past alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from governance.progress import Progress, silent
from models_ml.errors import NotEnoughHistoryError
from models_ml.margin_risk.calibration import Calibration, calibrate
from models_ml.margin_risk.features import build
from models_ml.margin_risk.leakage import require_no_leak
from models_ml.margin_risk.model import MarginRiskModel, Risk, fit, rows_of
from models_ml.margin_risk.panel import MarginPanel
from models_ml.margin_risk.settings import HORIZON_WEEKS, MarginRiskSettings
from models_ml.margin_risk.target import shortfall

LEAST_EARLIER = 2  # earlier origins with a known outcome before anything is calibrated


@dataclass
class MarginBacktest:
    """Risks by origin week for the series that sell by then (`chosen`); the model of the last origin."""

    panel: MarginPanel
    risks: dict[int, Risk] = field(default_factory=dict)
    chosen: dict[int, np.ndarray] = field(default_factory=dict)
    model: MarginRiskModel | None = None


@dataclass(frozen=True)
class _Earlier:
    origin: int
    log_odds: np.ndarray
    size: np.ndarray
    outcome: np.ndarray


def rolling_origin_backtest(
    panel: MarginPanel, last_week: int, settings: MarginRiskSettings, progress: Progress = silent
) -> MarginBacktest:
    """Fit every `step_weeks` up to `last_week`; forecasts with a known outcome calibrate the later ones.

    Raises LeakageError when a feature reads past its origin.
    """
    weeks = fit_weeks(panel, last_week, settings)
    require_no_leak(panel, panel.demand.column(weeks[0]))

    def one(week: int) -> MarginRiskModel:
        progress(f"margin risk: fit at week {week}")
        return fit(panel, panel.demand.column(week), settings)

    result, earlier = MarginBacktest(panel), list[_Earlier]()
    with ThreadPoolExecutor(settings.threads) as pool:
        for week, model in zip(weeks, pool.map(one, weeks), strict=True):
            origin = panel.demand.column(week)
            chosen = panel.demand.selling(origin)
            features = rows_of(build(panel, origin), chosen)
            plain = model.predict(features)
            model.calibration = from_earlier(origin, earlier)
            result.risks[week], result.chosen[week] = model.predict(features), chosen
            result.model = model
            if origin + HORIZON_WEEKS < panel.money.sales.shape[1]:
                outcome = shortfall(panel, origin)[chosen]
                earlier.append(_Earlier(origin, plain.rank, plain.shortfall, outcome))
    return result


def fit_weeks(panel: MarginPanel, last_week: int, settings: MarginRiskSettings) -> list[int]:
    """Every `step_weeks` back from `last_week` as long as two training origins have known outcomes."""
    first, last = settings.first_origin + HORIZON_WEEKS + 1, panel.demand.column(last_week)
    columns = list(range(last, first - 1, -settings.step_weeks))[::-1]
    if len(columns) < LEAST_EARLIER + 1:
        raise NotEnoughHistoryError(
            f"Margin risk needs {first + LEAST_EARLIER * settings.step_weeks + 1} complete weeks of sales; "
            f"there are {len(panel.demand.weeks)}.",
            hint="Until then the last four weeks stand for the next four.",
        )
    return [int(panel.demand.weeks[column]) for column in columns]


def from_earlier(origin: int, earlier: list[_Earlier]) -> Calibration:
    """Calibration from the earlier forecasts whose four weeks ended by `origin`; none with too few."""
    finished = [e for e in earlier if e.origin + HORIZON_WEEKS <= origin]
    if len(finished) < LEAST_EARLIER:
        return Calibration()
    return calibrate(
        *(np.concatenate([getattr(e, n) for e in finished]) for n in ("log_odds", "size", "outcome"))
    )
