"""Levels that add up: a store's category is its top products, its other tracked products and the rest.

The category's own forecast C and the sum S of its parts are two forecasts of one number, about equally good:
both move to their mean, and each part moves in proportion (least squares with equal trust in both levels).
On the protocol's origins that helps the products and leaves the category as good as it was. What the top
products do not take is shared by the tail. Means are whole multiples of 1/1024 unit, so that sums are exact
in any order; quantiles of levels do not add up, by nature.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from models_ml.demand.panel import Panel
from models_ml.evaluate.forecast import Forecast

SHARE_WEEKS = 26
GRAIN = 1024  # parts of a unit that a mean is counted in
LEAST_UNITS = 1e-9


class Pairs(Protocol):
    """Anything with a store and a category per row."""

    @property
    def locations(self) -> np.ndarray: ...
    @property
    def categories(self) -> np.ndarray: ...


class Levels(NamedTuple):
    """Category and product forecasts that agree, and the mean (categories, 8) left to all other products."""

    category: Forecast
    product: Forecast
    rest: np.ndarray


def reconcile(
    categories: Panel, by_category: Forecast, products: Panel, by_product: Forecast, origin: int
) -> Levels:
    """Forecasts after column `origin` whose means add up: category = its products + rest.

    A product whose category has no row at its store keeps its forecast. Without products of its own a
    category keeps its forecast, all of it rest. The chain's total does not move.
    """
    at = category_of(products, categories)
    inside = at >= 0
    top = _sum(by_product.mean[inside], at[inside], by_category.mean.shape)
    has = np.zeros(len(by_category.mean), bool)
    has[at[inside]] = True
    other = rest_share(categories, products, origin)[:, None] * by_category.mean
    # Best sellers are chosen by what they sold, so what is left tends to grow: it fills the chain's total.
    room = by_category.mean[has].sum() - top[has].sum()
    other[has] *= max(room, 0.0) / max(other[has].sum(), LEAST_UNITS)
    parts = top + other
    both = np.where(has[:, None] & (parts > LEAST_UNITS), (parts + by_category.mean) / 2, by_category.mean)
    factor = np.where(parts > LEAST_UNITS, both / np.maximum(parts, LEAST_UNITS), 1.0)
    moved = np.where(inside[:, None], factor[at], 1.0)
    product = Forecast(by_product.quantiles * moved[..., None], on_grain(by_product.mean * moved))
    top = _sum(product.mean[inside], at[inside], both.shape)
    rest = np.where(has[:, None], on_grain(other * factor), on_grain(both))
    return Levels(Forecast(by_category.quantiles, top + rest), product, rest)


def rest_share(categories: Panel, products: Panel, origin: int) -> np.ndarray:
    """Share of each category's units of 26 weeks that `products` did not sell; 1 where nothing was sold."""
    weeks = slice(max(0, origin + 1 - SHARE_WEEKS), origin + 1)
    at = category_of(products, categories)
    sold = np.zeros(len(categories.items))
    np.add.at(sold, at[at >= 0], products.units[at >= 0, weeks].sum(1))
    whole = categories.units[:, weeks].sum(1)
    return np.where(whole > 0, np.clip(1 - sold / np.maximum(whole, LEAST_UNITS), 0, 1), 1.0)


def category_of(products: Pairs, categories: Panel) -> np.ndarray:
    """Row of each pair's store and category in `categories`, -1 where there is none."""
    keys = {key: i for i, key in enumerate(zip(categories.locations, categories.items, strict=True))}
    pairs = zip(products.locations, products.categories, strict=True)
    return np.array([keys.get(key, -1) for key in pairs], int)


def on_grain(mean: np.ndarray) -> np.ndarray:
    """Rounded to whole multiples of 1/1024 unit."""
    return np.asarray(np.round(np.maximum(mean, 0) * GRAIN) / GRAIN)


def _sum(mean: np.ndarray, at: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape)
    np.add.at(out, at, mean)
    return out
