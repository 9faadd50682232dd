"""Scores against figures worked by hand, and the protocol's own rolling origins."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models_ml.demand.backtest import rolling_origin_backtest
from models_ml.demand.evaluation import evaluation_table, write_backtest
from models_ml.demand.leakage import require_no_leak
from models_ml.demand.model import horizon_units
from models_ml.demand.panel import read_panel
from models_ml.demand.settings import DemandSettings
from models_ml.errors import LeakageError
from models_ml.evaluate.baselines import last_week, moving_average
from models_ml.evaluate.forecast import LEVELS
from models_ml.evaluate.metrics import demand_scores
from tests.bench.noise_floor import build as oracle_build
from tests.bench.noise_floor import neighbours
from tests.seeds import generator


def test_scores_by_hand() -> None:
    units = np.array([[2.0, 4.0]])
    quantiles = np.broadcast_to(np.array([0, 1, 2, 3, 4, 5, 6.0]), (1, 2, 7))
    scored = demand_scores(units, quantiles, np.array([[3.0, 5.0]]), np.array([[1.0, 3.0, 1.0]]))
    assert scored["wape"] == 2 / 6
    assert scored["bias_median"] == 0
    assert scored["bias_mean"] == 2 / 6
    assert scored["coverage_80"] == 1
    assert np.isclose(scored["rmsse"], np.sqrt(1 / 4))
    by_hand = np.mean([
        a * max(y - q, 0) + (1 - a) * max(q - y, 0)
        for y in (2, 4) for a, q in zip(LEVELS, range(7), strict=True)
    ])  # fmt: skip
    assert np.isclose(scored["pinball"], by_hand)


def test_baselines_know_only_the_past() -> None:
    rng = generator()
    units = rng.poisson(3, (20, 40)).astype(float)
    leaked = units.copy()
    leaked[:, 31:] = 1e6
    for rule in (moving_average, last_week):
        np.testing.assert_array_equal(rule(units, 30).quantiles, rule(leaked, 30).quantiles)
    np.testing.assert_allclose(moving_average(units, 30).mean[:, 0], units[:, 18:31].mean(1))
    np.testing.assert_allclose(last_week(units, 30).mean[:, 3], units[:, 30])


def test_table_holds_every_model_and_the_file_every_cell(
    small: Path, quick: DemandSettings, tmp_path: Path
) -> None:
    import pandas as pd

    panel = read_panel(small, "category")
    result = rolling_origin_backtest(panel, np.ones(len(panel.items), bool), [21, 29, 37], quick)
    table = evaluation_table(result, [29, 37])
    overall = table[table["slice"] == "all"]
    assert set(overall["model"]) == {"demand", "moving average 13", "last week"}
    assert overall["wape"].notna().all()
    assert {"department", "volume"} <= set(table["slice"])
    frame = pd.read_parquet(write_backtest([result], [29, 37], tmp_path / "b.parquet"))
    assert len(frame) == len(panel.items) * 2 * 8
    assert not frame.duplicated(["tier", "store_id", "item", "origin", "week"]).any()
    assert (frame["week"] - frame["origin"]).between(1, 8).all()


def test_oracle_sees_the_weeks_around_a_target_and_never_the_target_itself(small: Path) -> None:
    panel = read_panel(small, "category")
    origin = panel.column(37)
    around = neighbours(panel.units, origin, 2)
    for h in (0, 5):
        beside = [origin + 1 + h + step for step in (-2, -1, 1, 2)]
        np.testing.assert_allclose(around[:, h], panel.units[:, beside].mean(1))
    features, _, names = oracle_build(panel, origin)
    leaked = replace(panel, measures={**panel.measures, "units": panel.units.copy()}, pools=panel.pools)
    leaked.units[:, origin + 3] += 1e3
    changed, _, _ = oracle_build(leaked, origin)
    own = [j for j, name in enumerate(names) if not name.endswith("_others")]
    np.testing.assert_array_equal(features[:, 2, own], changed[:, 2, own])
    assert not np.array_equal(features[:, 1], changed[:, 1])
    with pytest.raises(LeakageError):
        require_no_leak(panel, origin, oracle_build)


def test_promoted_weeks_are_scored_by_themselves_and_value_is_counted_from_the_rule(
    small: Path, quick: DemandSettings
) -> None:
    panel = read_panel(small, "product")
    result = rolling_origin_backtest(panel, np.ones(len(panel.items), bool), [29, 37], quick)
    table = evaluation_table(result, [37]).set_index(["slice", "member", "model"])
    origin = panel.column(37)
    units, forecast = horizon_units(panel, origin), result.forecasts[37]
    promoted = panel.plan["is_mailer"][:, origin + 1 : origin + 9] > 0
    error = np.abs(units - np.sort(np.maximum(forecast.quantiles, 0), -1)[..., 3])
    by_hand = error[promoted].sum() / units[promoted].sum()
    assert 0 < promoted.mean() < 1
    assert np.isclose(table.loc[("promotion", "promoted", "demand"), "wape"], by_hand)
    rule = table.loc[("region", "East", "moving average 13")]
    ours = table.loc[("region", "East", "demand")]
    assert rule["value_added"] == 0
    assert np.isclose(ours["value_added"], rule["wape"] - ours["wape"])
