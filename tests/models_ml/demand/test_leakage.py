"""A mutation that lets a feature read one week past its origin must fail the run, and be named."""

from pathlib import Path

import numpy as np
import pytest

from models_ml.demand import features as demand_features
from models_ml.demand.backtest import rolling_origin_backtest
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.settings import DemandSettings
from models_ml.errors import LeakageError
from models_ml.margin_risk import backtest as margin_backtest
from models_ml.margin_risk import features as margin_features
from models_ml.margin_risk.panel import read_margin_panel
from models_ml.margin_risk.settings import MarginRiskSettings


def test_demand_run_fails_on_a_feature_of_next_week(
    small: Path, quick: DemandSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = read_panel(small, "category")
    everything = np.ones(len(panel.items), bool)
    assert rolling_origin_backtest(panel, everything, [29], quick).forecasts
    honest = demand_features._own

    def mutated(panel: Panel, origin: int, scale: np.ndarray) -> dict[str, np.ndarray]:
        return {**honest(panel, origin, scale), "lag_1": panel.units[:, origin + 1] / scale}

    monkeypatch.setattr(demand_features, "_own", mutated)
    with pytest.raises(LeakageError, match="lag_1 read what was recorded after"):
        rolling_origin_backtest(panel, everything, [29], quick)


def test_demand_run_fails_on_a_pool_or_a_scale_of_next_week(
    small: Path, quick: DemandSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = read_panel(small, "product")
    honest = demand_features.level
    monkeypatch.setattr(demand_features, "level", lambda units, origin: honest(units, origin + 1))
    with pytest.raises(LeakageError, match="scale"):
        rolling_origin_backtest(panel, np.ones(len(panel.items), bool), [29], quick)


def test_margin_run_fails_on_realised_discounts(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leak that would look best: the discounts of the weeks to come."""
    panel = read_margin_panel(small)
    honest = margin_features._discounts

    def mutated(panel, origin):
        return {**honest(panel, origin), "depth_4": panel.money.discounts[:, origin + 1 : origin + 5].sum(1)}

    monkeypatch.setattr(margin_features, "_discounts", mutated)
    with pytest.raises(LeakageError, match="depth_4"):
        margin_backtest.rolling_origin_backtest(panel, 37, MarginRiskSettings(rounds=2, depth=2, threads=1))
