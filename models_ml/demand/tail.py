"""Demand of the tail: a pair's share of its store's category forecast, with empirical ratio quantiles."""

from __future__ import annotations

import numpy as np

from models_ml.demand.model import Forecast, horizon_units, ratio_table
from models_ml.demand.settings import LEVELS
from models_ml.panel import HORIZON, Panel

SHARE_WEEKS = 26
PRIOR_UNITS = 4.0  # units of its category's history that a pair's own share is weighed against
LEVEL_BINS = 30


def tail_forecast(products: Panel, categories: Panel, by_category: Forecast, cut: int) -> Forecast:
    """Forecast of every pair of `products` from the forecast of its store's category.

    The share shrinks towards what the product sells in its category across the chain. A pair whose
    category is not forecast at its store takes its own level.
    """
    position = _category_of(products, categories)
    start = max(0, cut + 1 - SHARE_WEEKS)
    own = products.units[:, start : cut + 1].sum(1)
    within = np.where(position >= 0, categories.units[position, start : cut + 1].sum(1), 0.0)
    chain = products.pools["product"]
    pool = products.pools["category"]
    everywhere = chain.units[chain.member, start : cut + 1].sum(1) / np.maximum(
        pool.units[pool.member, start : cut + 1].sum(1), 1e-9
    )
    share = np.minimum((own + PRIOR_UNITS * everywhere) / (within + PRIOR_UNITS), 1.0)
    level = np.repeat(own[:, None] / (cut + 1 - start), HORIZON, 1)
    mean = np.where((position >= 0)[:, None], share[:, None] * by_category.mean[position], level)
    before = cut - HORIZON
    earlier = products.units[:, max(0, before + 1 - SHARE_WEEKS) : before + 1].mean(1)
    seen = horizon_units(products, before)
    fitted = np.maximum(np.repeat(earlier[:, None], seen.shape[1], 1), 1e-3)
    active = earlier > 0
    levels, ratios = ratio_table(fitted[active].ravel(), seen[active].ravel(), LEVEL_BINS)
    quantiles = np.stack([np.interp(mean, levels, ratios[:, i]) for i in range(len(LEVELS))], -1)
    return Forecast(np.sort(quantiles * mean[..., None], -1), mean)


def _category_of(products: Panel, categories: Panel) -> np.ndarray:
    """Row of each pair's store and category in `categories`, -1 where there is none."""
    names = np.asarray(products.categories)
    keys = {key: i for i, key in enumerate(zip(categories.locations, categories.items, strict=True))}
    return np.array([keys.get(key, -1) for key in zip(products.locations, names, strict=True)])
