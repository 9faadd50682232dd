"""Demand without a history of its own: categories of a new store, products that a store has just taken in.

A new store's category sells what the other stores sell of it, times the store's size. A new product takes the
share of its category that it has where it sells already, or else that of a product like it. Both move as
the pair's own weeks say more: (own units + prior) ÷ (expected units + prior), as a gamma-Poisson mean does.
How far off such forecasts are is measured on known series that are hidden, eight weeks ago.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.model import horizon_units, ratio_table
from models_ml.demand.panel import Panel, Pool, has_table
from models_ml.demand.reconcile import category_of, on_grain
from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast, poisson_quantiles

CHAIN_WEEKS = 13  # over which stores and products are compared
PRIOR_UNITS = 6.0  # units that a new pair's own weeks are weighed against
PRIOR_STORE_UNITS = 40.0  # the same for the size of a new store
LEVEL_BINS = 20
LEAST = 1e-9


@dataclass(frozen=True)
class ColdStartSeries:
    """Pairs of one tier to be forecast cold: `weeks_known` recorded weeks on sale by the origin, `units` sold
    in them."""

    tier: str
    locations: np.ndarray
    items: np.ndarray
    departments: np.ndarray
    categories: np.ndarray
    weeks_known: np.ndarray
    units: np.ndarray

    def __len__(self) -> int:
        return len(self.items)

    def select(self, chosen: np.ndarray) -> ColdStartSeries:
        """Those that `chosen` (mask or index) names."""
        parts = {name: values[chosen] for name, values in vars(self).items() if name != "tier"}
        return ColdStartSeries(self.tier, **parts)


def read_cold_start_series(warehouse: Path, tier: str) -> ColdStartSeries:
    """The release's pairs of the tier without a history, in order of location and item."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        return cold_start_series_from(con, tier)


def cold_start_series_from(con: duckdb.DuckDBPyConnection, tier: str) -> ColdStartSeries:
    """As `read_cold_start_series`, from an open connection; none in a release that was built without them."""
    text = ("location_id", "item", "department", "category")
    if not has_table(con, "feat_cold_start_pair"):
        nothing = np.zeros(0, str)
        return ColdStartSeries(tier, nothing, nothing, nothing, nothing, np.zeros(0), np.zeros(0))
    rows = con.execute(
        f"""SELECT {", ".join(text)}, weeks_known, units FROM feat_cold_start_pair
            WHERE tier = ? ORDER BY location_id, item""",
        [tier],
    ).fetchnumpy()
    location, item, department, category = (np.asarray(rows[name], str) for name in text)
    weeks, units = np.asarray(rows["weeks_known"], float), np.asarray(rows["units"], float)
    return ColdStartSeries(tier, location, item, department, category, weeks, units)


def new_categories(categories: Panel, forecast: Forecast, new: ColdStartSeries, origin: int) -> Forecast:
    """Forecast of the new stores' categories from `forecast`, that of the tracked ones after `origin`."""
    mean = on_grain(_category_mean(categories, forecast.mean, new, origin))
    before = origin - HORIZON
    if not len(new) or before < CHAIN_WEEKS:
        return Forecast(poisson_quantiles(mean), mean)
    hidden = _as_cold_start(categories, before, new)
    expected = _category_mean(categories, _flat(categories, before), hidden, before)
    return Forecast(_spread(expected, horizon_units(categories, before), mean), mean)


class ColdStartForecast(NamedTuple):
    """Forecast of new products, what they leave of the rest of each category, and what they add to it where
    the rest is too small for them, both (categories, 8)."""

    forecast: Forecast
    left: np.ndarray
    added: np.ndarray


def new_products(
    tracked: Panel,
    categories: Panel,
    levels: tuple[np.ndarray, np.ndarray],
    new: ColdStartSeries,
    origin: int,
) -> ColdStartForecast:
    """Forecast of new products out of what is left to untracked ones.

    `levels` are the categories' mean and the part of it that tracked products leave, both (categories, 8). A
    pair whose category is not forecast at its store takes its own rate.
    """
    whole, rest = levels
    at = category_of(new, categories)
    inside = at >= 0
    mean = np.repeat((new.units / np.maximum(new.weeks_known, 1))[:, None], HORIZON, 1)
    mean[inside] = _product_mean(tracked, categories, whole, new.select(inside), origin)
    mean = on_grain(mean)
    left = rest.copy()
    np.subtract.at(left, at[inside], mean[inside])
    left, added = np.maximum(left, 0.0), np.maximum(-left, 0.0)
    before = origin - HORIZON
    if not len(new) or before < CHAIN_WEEKS or not len(tracked.items):
        return ColdStartForecast(Forecast(poisson_quantiles(mean), mean), left, added)
    inside_categories = tracked.select(category_of(tracked, categories) >= 0)
    hidden = _as_cold_start(inside_categories, before, new)
    expected = _product_mean(inside_categories, categories, _flat(categories, before), hidden, before)
    return ColdStartForecast(
        Forecast(_spread(expected, horizon_units(inside_categories, before), mean), mean), left, added
    )


def extended(panel: Panel, new: ColdStartSeries) -> Panel:
    """The panel with the newcomers as series that have sold nothing yet, behind its own."""
    count = len(new)
    if not count:
        return panel

    def longer(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.zeros((count, values.shape[1]))])

    region_of = dict(zip(panel.locations, panel.regions, strict=True))
    keys = {"category": new.categories, "department": new.departments, "location": new.locations,
            "product": new.items}  # fmt: skip
    return replace(
        panel,
        locations=np.concatenate([panel.locations, new.locations]),
        items=np.concatenate([panel.items, new.items]),
        departments=np.concatenate([panel.departments, new.departments]),
        categories=np.concatenate([panel.categories, new.categories]),
        regions=np.concatenate([panel.regions, [region_of.get(x, "unknown") for x in new.locations]]),
        measures={name: longer(values) for name, values in panel.measures.items()},
        plan={name: longer(values) for name, values in panel.plan.items()},
        pools={name: _joined(pool, panel, name, keys[name]) for name, pool in panel.pools.items()},
    )


def _joined(pool: Pool, panel: Panel, name: str, members: np.ndarray) -> Pool:
    """The pool with the members of newcomers; one that no tracked series has stays the first, unread."""
    column = {"category": panel.categories, "department": panel.departments, "location": panel.locations,
              "product": panel.items}[name]  # fmt: skip
    row_of = dict(zip(column, pool.member, strict=True))
    added = np.array([row_of.get(member, 0) for member in members], int)
    return replace(pool, member=np.concatenate([pool.member, added]))


def _category_mean(categories: Panel, mean: np.ndarray, new: ColdStartSeries, origin: int) -> np.ndarray:
    """What the other stores sell of the category on average × size of the store × affinity of the pair,
    (new, 8).

    Size is what the new store sold so far over what an average store sold of the same categories; affinity
    the same for the pair, given the size. Both start at one and move as units come in. A pair's own store
    does not teach what the chain sells. Without any tracked category it is the pair's own weekly rate.
    """
    if not len(categories.items):  # nobody else to learn from: what the pair sold in an average week
        return np.repeat((new.units / np.maximum(new.weeks_known, 1))[:, None], HORIZON, 1)
    others = max(len(np.unique(categories.locations)) - 1, 1)
    row_of = {key: i for i, key in enumerate(zip(categories.locations, categories.items, strict=True))}
    own = np.array([row_of.get(key, -1) for key in zip(new.locations, new.items, strict=True)], int)
    names, member = np.unique(categories.items, return_inverse=True)
    at = np.searchsorted(names, new.items)
    is_sold = (at < len(names)) & (names[np.minimum(at, len(names) - 1)] == new.items)
    at = np.where(is_sold, at, 0)

    def elsewhere(values: np.ndarray) -> np.ndarray:
        """Sum over the category's other stores, divided by the number of all other stores."""
        chain = np.zeros((len(names), values.shape[1]))
        np.add.at(chain, member, values)
        by_others = chain[at] - np.where((own >= 0)[:, None], values[own], 0.0)
        return np.where(is_sold[:, None], np.maximum(by_others, 0.0), 0.0) / others

    expected = elsewhere(_recent(categories, origin)[:, None])[:, 0] * new.weeks_known
    stores, store = np.unique(new.locations, return_inverse=True)
    expected_by_store, sold_by_store = np.zeros((2, len(stores)))
    np.add.at(expected_by_store, store, expected)
    np.add.at(sold_by_store, store, new.units)
    size = ((sold_by_store + PRIOR_STORE_UNITS) / (expected_by_store + PRIOR_STORE_UNITS))[store]
    affinity = (new.units + PRIOR_UNITS) / (expected * size + PRIOR_UNITS)
    return np.asarray(elsewhere(mean) * (size * affinity)[:, None])


def _product_mean(
    tracked: Panel, categories: Panel, whole: np.ndarray, new: ColdStartSeries, origin: int
) -> np.ndarray:
    """Share of its category × the category's mean × affinity of the pair, (new, 8); each pair's category is
    forecast.

    The share is what the product takes of its category in the stores that sell it, weighed against what a
    tracked product of the category takes on average. A pair's own row teaches neither.
    """
    weeks = slice(max(0, origin + 1 - CHAIN_WEEKS), origin + 1)
    at, by_tracked = category_of(new, categories), category_of(tracked, categories)
    here = categories.units[:, weeks].sum(1)
    rows = pd.DataFrame({
        "item": tracked.items, "category": tracked.categories, "location": tracked.locations,
        "units": tracked.units[:, weeks].sum(1), "of": np.where(by_tracked >= 0, here[by_tracked], 0.0),
        "n": 1.0,
    })  # fmt: skip
    pairs = pd.DataFrame({"item": new.items, "category": new.categories, "location": new.locations})
    own = pairs.merge(rows, "left", ["item", "category", "location"])[["units", "of", "n"]].fillna(0.0)

    def share_of(key: str) -> tuple[np.ndarray, np.ndarray]:
        """Share of the category that the others of the same item or category take, and how many they are."""
        sums = rows.groupby(key)[["units", "of", "n"]].sum().reindex(pairs[key]).fillna(0.0)
        units, of, count = np.maximum(sums.to_numpy(float) - own.to_numpy(float), 0).T
        return units / np.maximum(of, LEAST), count

    (taken, stores), (typical, _) = share_of("item"), share_of("category")
    share = (stores * taken + typical) / (stores + 1)
    expected = share * here[at] / (weeks.stop - weeks.start) * new.weeks_known
    affinity = (new.units + PRIOR_UNITS) / (expected + PRIOR_UNITS)
    return np.asarray(whole[at] * (share * affinity)[:, None])


def _as_cold_start(panel: Panel, origin: int, like: ColdStartSeries) -> ColdStartSeries:
    """Every series of the panel as if it had come as many weeks before column `origin` as the newcomers have
    on average."""
    weeks = int(np.clip(round(float(like.weeks_known.mean())), 1, CHAIN_WEEKS))
    units = panel.units[:, max(0, origin + 1 - weeks) : origin + 1].sum(1)
    return ColdStartSeries(
        panel.tier, panel.locations, panel.items, panel.departments, panel.categories,
        np.full(len(units), float(weeks)), units,
    )  # fmt: skip


def _recent(panel: Panel, origin: int) -> np.ndarray:
    """Units a week over the last quarter up to column `origin`."""
    return np.asarray(panel.units[:, max(0, origin + 1 - CHAIN_WEEKS) : origin + 1].mean(1))


def _flat(panel: Panel, origin: int) -> np.ndarray:
    return np.repeat(_recent(panel, origin)[:, None], HORIZON, 1)


def _spread(forecast: np.ndarray, actual: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Quantiles around `mean`: what came over what was told of series that were hidden, by level."""
    flat = forecast.ravel()
    usable = flat > LEAST
    if not usable.any():
        return poisson_quantiles(mean)
    levels, ratios = ratio_table(flat[usable], actual.ravel()[usable], LEVEL_BINS)
    quantiles = np.stack([np.interp(mean, levels, ratios[:, i]) for i in range(len(LEVELS))], -1)
    return np.asarray(np.sort(quantiles * mean[..., None], -1))
