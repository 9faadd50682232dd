"""The distribution behind an order: classes by hand, costs by a loop, and the choice that follows."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models_ml.recommend.count_distributions import quantile
from models_ml.recommend.inputs.distribution import (
    REPLAY_TARGET,
    SHARES,
    Choice,
    choose,
    classify,
    level,
    levels,
    newsvendor_cost,
)
from tests.seeds import generator


def replayed(rng: np.random.Generator, draw, size: int = 6000) -> pd.DataFrame:
    mean = rng.uniform(2, 20, size)
    units, variance = draw(mean)
    return pd.DataFrame({
        "demand_class": "smooth", "week": rng.integers(16, 38, size), "units": units, "mean": mean,
        "variance": variance,
    })  # fmt: skip


def test_classes_are_syntetos_and_boylans() -> None:
    interval, varied = np.array([1.0, 1.0, 2.0, 2.0, 1.32]), np.array([0.1, 0.9, 0.1, 0.9, np.nan])
    assert classify(interval, varied).tolist() == [
        "smooth",
        "erratic",
        "intermittent",
        "lumpy",
        "intermittent",
    ]


def test_counts_stay_where_demand_is_counts() -> None:
    rng = generator()
    choice = choose(replayed(rng, lambda mean: (rng.poisson(mean), mean)))
    assert choice.kind["smooth"] == "counts"
    assert choice.kind["lumpy"] == "counts"  # nothing was seen of it


def test_another_kind_wins_where_it_is_clearly_cheaper() -> None:
    """Demand that is nothing or three times its mean, with a variance that does not say so."""
    rng = generator(1)
    choice = choose(replayed(rng, lambda mean: (np.where(rng.random(len(mean)) < 1 / 3, 3 * mean, 0), mean)))
    assert choice.kind["smooth"] == "empirical"
    costs = choice.costs.set_index("kind")["cost"]
    assert costs["empirical"] < 0.98 * costs["counts"]


def test_the_replayed_cost_is_the_sum_by_hand() -> None:
    rng = generator(2)
    units, stock = rng.poisson(4, 300).astype(float), rng.integers(0, 12, 300).astype(float)
    under = REPLAY_TARGET / (1 - REPLAY_TARGET)
    by_hand = sum(s - d if s >= d else under * (d - s) for d, s in zip(units, stock, strict=True)) / 300
    assert newsvendor_cost(units, stock) == pytest.approx(by_hand)


def test_levels_follow_the_choice_class_by_class() -> None:
    rows = pd.DataFrame({
        "demand_class": ["smooth", "lumpy", "erratic", None], "demand_mean": 10.0, "demand_variance": 16.0,
        "interval_days": [7.0, 7.0, 28.0, 7.0],
    })  # fmt: skip
    ratios = np.linspace(1.2, 3.0, len(SHARES))
    choice = Choice(
        {"smooth": "k_sigma", "lumpy": "counts", "erratic": "empirical"}, {"erratic": ratios}, pd.DataFrame()
    )
    units = levels(rows, choice, np.full(4, 0.95))
    ratio = np.interp(0.95, SHARES, ratios)
    counts = quantile(*(np.array([x]) for x in (0.95, 10.0, 16.0)))[0]
    assert units[0] == np.ceil(10 + stats.norm.ppf(0.95) * 4)
    assert units[1] == units[3] == counts
    assert units[2] == np.ceil(10 * (1 + (ratio - 1) / 2))  # four weeks: half the relative spread
    assert level("empirical", np.array([0.95]), np.array([10.0]), np.array([16.0]), ratios)[0] == np.ceil(
        10 * ratio
    )
