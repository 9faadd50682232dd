"""The demand model: ordered, calibrated, the same to the bit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from models_ml.demand import model as demand_model
from models_ml.demand.bundle import load_bundle, save_bundle
from models_ml.demand.calibration import calibrate
from models_ml.demand.model import fit, ratio_table
from models_ml.demand.panel import read_panel
from models_ml.demand.rows import RowPool
from models_ml.demand.settings import DemandSettings
from models_ml.errors import ArtifactChangedError, NotEnoughHistoryError
from models_ml.evaluate.forecast import LEVELS
from models_ml.lifecycle.artifacts import bundle_digest
from tests.seeds import fixed_generator, generator


def test_same_seed_same_model_to_the_bit(small: Path, quick: DemandSettings, tmp_path: Path) -> None:
    panel = read_panel(small, "category")
    one, two = (fit(panel, panel.column(30), quick) for _ in range(2))
    digests = [save_bundle({"category": m}, tmp_path / n) for m, n in ((one, "a"), (two, "b"))]
    assert digests[0] == digests[1]


def test_fits_that_share_their_rows_are_those_that_do_not(
    small: Path, quick: DemandSettings, tmp_path: Path
) -> None:
    """And no row of an origin has a target after it."""
    panel = read_panel(small, "category")
    few = replace(quick, rows=300)
    pool = RowPool(panel, [20, 30, 40], few)
    for origin in (30, 20):
        shared, own = fit(panel, origin, few, pool=pool), fit(panel, origin, few)
        digests = [
            save_bundle({"category": m}, tmp_path / f"{n}{origin}") for m, n in ((shared, "a"), (own, "b"))
        ]
        assert digests[0] == digests[1]
    units = panel.units.copy()
    units[:, 21:] = np.nan
    blind = replace(panel, measures={**panel.measures, "units": units})
    np.testing.assert_array_equal(RowPool(blind, [20], few).rows(20).units, pool.rows(20).units)
    assert 200 < len(pool.rows(20).units) < 400


def test_quantiles_ascend_and_survive_saving(small: Path, quick: DemandSettings, tmp_path: Path) -> None:
    panel = read_panel(small, "product")
    origin = panel.column(45)
    model = fit(panel, origin, quick)
    forecast = model.forecast(panel, origin)
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    assert (forecast.quantiles >= 0).all()
    save_bundle({"product": model}, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")["product"].forecast(panel, origin)
    np.testing.assert_array_equal(forecast.quantiles, again.quantiles)


def test_a_version_from_before_still_scores(small: Path, quick: DemandSettings, tmp_path: Path) -> None:
    """An approved model outlives an upgrade: thresholds for all segments at once, outputs without a start."""
    panel = read_panel(small, "category")
    model = fit(panel, panel.column(45), quick)
    model.calibration = calibrate(np.ones(500), np.ones((500, 7)), np.linspace(1, 5, 500))
    save_bundle({"category": model}, tmp_path)
    document = tmp_path / "category" / "model.json"
    plain = json.loads(document.read_text())
    del plain["start"]
    plain["calibration"]["off_zero_from"] = plain["calibration"].pop("off_zero_by_segment")[0]
    document.write_text(json.dumps(plain))
    again = load_bundle(tmp_path)["category"]
    np.testing.assert_array_equal(again.start, np.zeros(7))
    assert again.calibration.off_zero_from.shape == (len(model.calibration.offsets), 3)
    assert np.isfinite(again.forecast(panel, panel.column(45)).quantiles).all()


def test_changed_artifact_is_refused(small: Path, quick: DemandSettings, tmp_path: Path) -> None:
    panel = read_panel(small, "category")
    digest = save_bundle({"category": fit(panel, panel.column(30), quick)}, tmp_path)
    assert load_bundle(tmp_path, digest)
    document = tmp_path / "category" / "model.json"
    document.write_text(document.read_text().replace("category", "kategory"))
    assert bundle_digest(tmp_path) != digest
    with pytest.raises(ArtifactChangedError):
        load_bundle(tmp_path, digest)


def test_too_short_a_history_is_refused(small: Path, quick: DemandSettings) -> None:
    panel = read_panel(small, "category")
    with pytest.raises(NotEnoughHistoryError):
        fit(panel, 5, quick)


def test_calibration_restores_coverage() -> None:
    """Bands half as wide as they should be come back to their nominal share on fresh draws."""
    rng = fixed_generator(3)
    mean = rng.uniform(20, 60, 40_000)

    narrow = mean[:, None] + 0.5 * np.sqrt(mean)[:, None] * stats.norm.ppf(LEVELS)
    seen, fresh = (mean + np.sqrt(mean) * rng.standard_normal(len(mean)) for _ in range(2))
    fixed = calibrate(seen, narrow, mean).apply(narrow, mean)
    before = ((fresh >= narrow[:, 1]) & (fresh <= narrow[:, 5])).mean()
    after = ((fresh >= fixed[:, 1]) & (fresh <= fixed[:, 5])).mean()
    assert before < 0.55
    assert 0.79 < after < 0.81


def test_ratio_table_is_the_empirical_quantile() -> None:
    rng = generator(5)
    fitted = np.repeat([1.0, 10.0], 20_000)
    units = rng.poisson(fitted).astype(float)
    level, table = ratio_table(fitted, units, 2)
    np.testing.assert_allclose(level, [1, 10])
    np.testing.assert_allclose(table[1], np.quantile(units[20_000:], LEVELS) / 10)


def test_interval_of_slow_sellers_holds_its_share() -> None:
    """Where most weeks sell nothing, the 80 % interval still holds about 80 % of fresh weeks."""
    rng = fixed_generator(9)
    mean = rng.gamma(2, 0.7, 60_000)
    quantiles = np.stack([stats.poisson.ppf(level, mean) for level in LEVELS], -1)
    seen, fresh = rng.poisson(mean).astype(float), rng.poisson(mean).astype(float)
    fixed = calibrate(seen, quantiles, mean).apply(quantiles, mean)
    plain = ((fresh >= quantiles[:, 1]) & (fresh <= quantiles[:, 5])).mean()
    covered = ((fresh >= fixed[:, 1]) & (fresh <= fixed[:, 5])).mean()
    assert plain > 0.86
    assert abs((fresh < fixed[:, 1]).mean() - 0.10) < 0.005
    assert covered < plain - 0.04
    assert (np.diff(fixed, axis=-1) >= 0).all()


def test_series_forecast_some_at_a_time_are_those_forecast_together(
    small: Path, quick: DemandSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = read_panel(small, "product")
    origin = panel.column(45)
    model = fit(panel, origin, quick)
    together = model.forecast(panel, origin)
    monkeypatch.setattr(demand_model, "AT_ONCE", 7)
    some = model.forecast(panel, origin)
    assert len(panel.items) > 14
    np.testing.assert_array_equal(together.quantiles, some.quantiles)
    np.testing.assert_array_equal(together.mean, some.mean)
    assert model.forecast(panel.select(np.zeros(len(panel.items), bool)), origin).mean.shape == (0, 8)
