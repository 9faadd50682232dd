"""The search of settings sees nothing of the weeks that are reported."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models_ml.demand.model import fit
from models_ml.demand.panel import read_panel
from models_ml.demand.search import search_settings
from models_ml.demand.settings import DemandSettings
from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle import registry
from models_ml.lifecycle.search_log import log_search

BEFORE = 33


@pytest.fixture(scope="module")
def panel(small: Path):
    return read_panel(small, "category")


@pytest.fixture(scope="module")
def search(panel, quick: DemandSettings):
    return search_settings([panel], BEFORE, quick, trials=3, seconds=600)


def test_the_weeks_after_the_window_change_nothing(panel, quick: DemandSettings, search) -> None:
    """Every recorded week after it is made absurd: the same trials with the same scores."""
    after = panel.column(BEFORE) + 1
    spoiled = {name: values.copy() for name, values in panel.measures.items()}
    for values in spoiled.values():
        values[:, after:] = 1e6
    again = search_settings([replace(panel, measures=spoiled)], BEFORE, quick, trials=3, seconds=600)
    assert [(t.settings, t.scores) for t in again.trials] == [(t.settings, t.scores) for t in search.trials]


def test_the_settings_in_force_come_first_and_the_best_is_the_least(search) -> None:
    first, *others = search.trials
    assert (first.settings, first.relative_pinball, len(others)) == ({}, 1.0, 3)
    assert search.best.relative_pinball == min(t.relative_pinball for t in search.trials)
    for trial in others:
        relative = trial.scores["category_pinball"] / first.scores["category_pinball"]
        assert trial.relative_pinball == pytest.approx(relative)
    assert max(search.origins) + 8 <= BEFORE


def test_a_score_is_that_of_a_fit_at_its_origins(panel, quick: DemandSettings, search) -> None:
    """WAPE of the settings in force, worked out from a fit on the whole panel at each origin."""
    wapes = []
    for week in search.origins:
        origin = panel.column(week)
        selling = panel.select(panel.selling(origin))
        median = fit(panel, origin, quick).forecast(selling, origin).quantiles[..., 3]
        units = selling.units[:, origin + 1 : origin + 9]
        wapes.append(np.abs(units - median).sum() / units.sum())
    assert search.trials[0].scores["category_wape"] == pytest.approx(np.mean(wapes))


def test_no_time_left_means_no_trial(panel, quick: DemandSettings) -> None:
    assert len(search_settings([panel], BEFORE, quick, trials=50, seconds=0).trials) == 1


def test_too_little_history_is_said(panel, quick: DemandSettings) -> None:
    with pytest.raises(NotEnoughHistoryError):
        search_settings([panel], 20, quick, trials=1, seconds=60)


def test_a_search_is_kept_beside_the_trainings_and_registers_nothing(search, tmp_path: Path) -> None:
    uri, artifacts = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts"
    tags = {"release_id": "r", "kind": "search"}
    run_id = log_search(uri, artifacts, "demand", tags=tags, trials=search.trials)
    run = registry.client(uri).get_run(run_id)
    assert run.data.metrics["relative_pinball"] == pytest.approx(search.trials[-1].relative_pinball)
    assert registry.versions(uri, "demand") == []
