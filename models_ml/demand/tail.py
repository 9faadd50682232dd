"""Demand of the tail: a pair's share of what its store's category leaves to it, with empirical quantiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models_ml.demand.model import horizon_units, ratio_table
from models_ml.demand.panel import Panel
from models_ml.demand.reconcile import GRAIN, SHARE_WEEKS, category_of
from models_ml.evaluate.forecast import HORIZON, LEVELS, Forecast, poisson_quantiles

PRIOR_UNITS = 4.0  # units of its category's history that a pair's own share is weighed against
LEVEL_BINS = 30


class Tail(NamedTuple):
    """Forecast of the pairs, and the mean (categories, 8) that no tracked pair takes."""

    forecast: Forecast
    other: np.ndarray


def tail_forecast(tail: Panel, top: Panel, categories: Panel, rest: np.ndarray, origin: int) -> Tail:
    """Forecast of every pair of `tail` from what `top` leaves of its category, `rest` (categories, 8).

    The share shrinks towards what the product sells in its category across the chain; shares of a category
    add up to one at most, and what they leave is sold by products that are not tracked at the store. A pair
    whose category is not forecast at its store takes its own level.
    """
    at = category_of(tail, categories)
    inside = at >= 0
    weeks = slice(max(0, origin + 1 - SHARE_WEEKS), origin + 1)
    own = tail.units[:, weeks].sum(1)
    left = categories.units[:, weeks].sum(1)
    by_top = category_of(top, categories)
    np.subtract.at(left, by_top[by_top >= 0], top.units[by_top >= 0, weeks].sum(1))
    left = np.maximum(left, 0.0)
    chain, pool = tail.pools["product"], tail.pools["category"]
    everywhere = chain.units[chain.member, weeks].sum(1) / np.maximum(
        pool.units[pool.member, weeks].sum(1), 1e-9
    )
    share = np.where(inside, (own + PRIOR_UNITS * everywhere) / (left[at] + PRIOR_UNITS), 0.0)
    whole = np.zeros(len(left))
    np.add.at(whole, at[inside], share[inside])
    share /= np.maximum(whole, 1.0)[at]
    width = origin + 1 - weeks.start
    mean = np.where(inside[:, None], share[:, None] * rest[at], np.repeat(own[:, None] / width, HORIZON, 1))
    mean = np.floor(mean * GRAIN) / GRAIN
    other = rest.copy()
    np.subtract.at(other, at[inside], mean[inside])
    return Tail(Forecast(_quantiles(tail, mean, origin), mean), other)


def _quantiles(tail: Panel, mean: np.ndarray, origin: int) -> np.ndarray:
    """Quantiles around the mean as the ratios to a pair's own level were eight weeks ago, by level; those of
    a Poisson count if there are no eight weeks."""
    before = origin - HORIZON
    if before < 0:
        return poisson_quantiles(mean)
    earlier = tail.units[:, max(0, before + 1 - SHARE_WEEKS) : before + 1].mean(1)
    active = earlier > 0
    if not active.any():
        return np.repeat(mean[..., None], len(LEVELS), -1)
    seen = horizon_units(tail, before)
    fitted = np.maximum(np.repeat(earlier[:, None], seen.shape[1], 1), 1e-3)
    levels, ratios = ratio_table(fitted[active].ravel(), seen[active].ravel(), LEVEL_BINS)
    quantiles = np.stack([np.interp(mean, levels, ratios[:, i]) for i in range(len(LEVELS))], -1)
    return np.asarray(np.sort(quantiles * mean[..., None], -1))
