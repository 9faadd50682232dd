"""Scores against figures worked by hand, and the protocol's own rolling origins."""

from pathlib import Path

import numpy as np

from models_ml.demand.settings import LEVELS, DemandSettings
from models_ml.evaluate.backtest import roll
from models_ml.evaluate.baselines import last_week, moving_average
from models_ml.evaluate.metrics import demand_scores
from models_ml.evaluate.tables import evaluation_table, write_backtest
from models_ml.panel import read_panel


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
    rng = np.random.default_rng(2)
    units = rng.poisson(3, (20, 40)).astype(float)
    spoilt = units.copy()
    spoilt[:, 31:] = 1e6
    for rule in (moving_average, last_week):
        np.testing.assert_array_equal(rule(units, 30).quantiles, rule(spoilt, 30).quantiles)
    np.testing.assert_allclose(moving_average(units, 30).mean[:, 0], units[:, 18:31].mean(1))
    np.testing.assert_allclose(last_week(units, 30).mean[:, 3], units[:, 30])


def test_table_holds_every_model_and_the_file_every_cell(
    small: Path, quick: DemandSettings, tmp_path: Path
) -> None:
    import pandas as pd

    panel = read_panel(small, "category")
    result = roll(panel, np.ones(len(panel.items), bool), [21, 29, 37], quick)
    table = evaluation_table(result, [29, 37])
    overall = table[table["slice"] == "all"]
    assert set(overall["model"]) == {"demand", "moving average 13", "last week"}
    assert overall["wape"].notna().all()
    assert {"department", "volume"} <= set(table["slice"])
    frame = pd.read_parquet(write_backtest([result], [29, 37], tmp_path / "b.parquet"))
    assert len(frame) == len(panel.items) * 2 * 8
    assert not frame.duplicated(["tier", "store_id", "item", "origin", "week"]).any()
    assert (frame["week"] - frame["origin"]).between(1, 8).all()
