"""New stores and new products: by hand, and by hiding what the demo's stores and products sold before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.demand.cold_start import (
    PRIOR_STORE_UNITS,
    PRIOR_UNITS,
    ColdStartSeries,
    extended,
    new_categories,
    new_products,
)
from models_ml.demand.model import horizon_units
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.reconcile import on_grain
from models_ml.evaluate.baselines import moving_average
from models_ml.evaluate.forecast import LEVELS, Forecast
from tests.seeds import fixed_generator

ORIGINS = (29, 37, 45)
WEEKS_OLD = 3


def hidden(panel: Panel, rows: np.ndarray, origin: int, weeks: int) -> ColdStartSeries:
    """These series as if they had come `weeks` before column `origin`."""
    return ColdStartSeries(
        panel.tier, panel.locations[rows], panel.items[rows], panel.departments[rows], panel.categories[rows],
        np.full(len(rows), float(weeks)), panel.units[rows, origin + 1 - weeks : origin + 1].sum(1),
    )  # fmt: skip


def errors(units: np.ndarray, mean: np.ndarray) -> tuple[float, float]:
    """WAPE and root of the mean squared error."""
    return float(np.abs(units - mean).sum() / units.sum()), float(np.sqrt(((units - mean) ** 2).mean()))


def flat(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, None], 8, 1)


def test_a_new_store_sells_what_others_do_times_its_size(small: Path) -> None:
    """By hand: five stores teach; the sixth sold twice what they did in two weeks."""
    panel = read_panel(small, "category")
    origin = panel.column(40)
    rest, gone = np.flatnonzero(panel.locations != "S5"), np.flatnonzero(panel.locations == "S5")
    others = panel.select(rest)
    mean = np.arange(len(rest) * 8, dtype=float).reshape(-1, 8)
    recent = pd.Series(others.units[:, origin - 12 : origin + 1].mean(1)).groupby(others.items).sum() / 4
    units = 2 * 2 * recent[panel.items[gone]].to_numpy()
    new = replace(hidden(panel, gone, origin, 2), units=units)
    forecast = new_categories(others, Forecast(np.zeros((*mean.shape, 7)), mean), new, origin)
    expected = 2 * recent.sum()
    size = (2 * expected + PRIOR_STORE_UNITS) / (expected + PRIOR_STORE_UNITS)
    for i, item in enumerate(new.items):
        chain = mean[others.items == item].sum(0) / 4
        fitted = 2 * recent[item] * size
        by_hand = chain * size * (units[i] + PRIOR_UNITS) / (fitted + PRIOR_UNITS)
        np.testing.assert_allclose(forecast.mean[i], by_hand, atol=1e-3)


def test_new_products_take_the_rest_of_their_category_and_add_what_it_lacks(small: Path) -> None:
    categories, products = read_panel(small, "category"), read_panel(small, "product")
    origin = products.column(40)
    even = np.arange(0, len(products.items), 2)
    tracked, rows = products.select(even), even + 1
    whole = moving_average(categories.units, origin).mean
    rest = on_grain(whole * np.linspace(0, 1, len(whole))[:, None])
    forecast, left, added = new_products(
        tracked, categories, (whole, rest), hidden(products, rows, origin, 3), origin
    )
    assert (np.minimum(left, added) == 0).all()
    assert (left > 0).any()
    assert (added > 0).any()
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast.mean.sum(0), (rest - left + added).sum(0))


def test_newcomers_stand_behind_the_panel_and_have_sold_nothing(small: Path) -> None:
    panel = read_panel(small, "category")
    new = ColdStartSeries(
        "category", *(np.array([x]) for x in ("S9", "C1", "D1", "C1")), np.ones(1), np.ones(1)
    )
    longer = extended(panel, new)
    assert (longer.locations[-1], longer.items[-1]) == ("S9", "C1")
    assert longer.units[-1].sum() == 0
    assert longer.pools["category"].member[-1] == panel.pools["category"].member[panel.items == "C1"][0]
    np.testing.assert_array_equal(longer.units[:-1], panel.units)


def test_stores_three_weeks_old_are_forecast_better_than_by_their_own_weeks_or_the_chain(
    release_dir: Path,
) -> None:
    """Ten stores in turn, all that they sold before the last three weeks hidden. Naive: the mean of the three
    weeks; what the chain's stores sell on average."""
    panel = read_panel(release_dir / "warehouse.duckdb", "category")
    for week in ORIGINS:
        origin = panel.column(week)
        frequent = panel.select(panel.selling(origin))
        stores = np.unique(frequent.locations)
        forecasts, own, chain, units, inside = [], [], [], [], []
        for store in stores[:: len(stores) // 10][:10]:
            gone = frequent.locations == store
            others, new = frequent.select(~gone), hidden(frequent, np.flatnonzero(gone), origin, WEEKS_OLD)
            forecast = new_categories(others, moving_average(others.units, origin), new, origin)
            came = horizon_units(frequent, origin)[gone]
            usual = pd.Series(others.units[:, origin - 12 : origin + 1].mean(1)).groupby(others.items).sum()
            forecasts.append(forecast.mean)
            own.append(flat(new.units / WEEKS_OLD))
            chain.append(flat(usual.reindex(new.items).fillna(0).to_numpy() / (len(stores) - 1)))
            units.append(came)
            inside.append((came >= forecast.quantiles[..., 1]) & (came <= forecast.quantiles[..., 5]))
        ours, weeks, average = (
            errors(np.concatenate(units), np.concatenate(x)) for x in (forecasts, own, chain)
        )
        for metric in (0, 1):
            assert ours[metric] < 0.99 * min(weeks[metric], average[metric]), (week, ours, weeks, average)
        assert 0.7 < np.concatenate(inside).mean() < 0.92


def test_products_three_weeks_old_at_a_store_are_forecast_better_than_by_their_own_weeks(
    release_dir: Path,
) -> None:
    """A fifth of the pairs, all before the last three weeks hidden. Naive: the mean of the three weeks."""
    warehouse = release_dir / "warehouse.duckdb"
    categories, products = read_panel(warehouse, "category"), read_panel(warehouse, "product")
    rng = fixed_generator(20170101)
    for week in ORIGINS:
        origin = products.column(week)
        stores, frequent = (
            categories.select(categories.selling(origin)),
            products.select(products.selling(origin)),
        )
        gone = rng.random(len(frequent.items)) < 0.2
        tracked, rows = frequent.select(~gone), np.flatnonzero(gone)
        whole = moving_average(stores.units, origin).mean
        new = hidden(frequent, rows, origin, WEEKS_OLD)
        forecast = new_products(tracked, stores, (whole, whole), new, origin).forecast
        came = horizon_units(frequent, origin)[rows]
        own = flat(new.units / WEEKS_OLD)
        assert errors(came, forecast.mean)[1] < 0.97 * errors(came, own)[1], week
        naive = moving_average(frequent.units[rows, origin + 1 - WEEKS_OLD : origin + 1], WEEKS_OLD - 1)
        assert pinball(came, forecast.quantiles) < pinball(came, naive.quantiles)


def pinball(units: np.ndarray, quantiles: np.ndarray) -> float:
    error = units[..., None] - quantiles
    return float(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean())
