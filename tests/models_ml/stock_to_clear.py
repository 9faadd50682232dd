"""Random endangered stock, as many items as asked for."""

from __future__ import annotations

import numpy as np

from models_ml.recommend.markdown_programme import Item


def many_items(rng: np.random.Generator, count: int, *, weeks: int = 4) -> Item:
    """Up to 60 units each, demand by week, prices, elasticities between −0.5 and −4, at most half off."""
    mean = rng.gamma(1, 4, (count, weeks))
    return Item(
        rng.integers(1, 61, count).astype(float), mean, mean * 1.5, rng.uniform(1, 6, count), np.zeros(count),
        -rng.uniform(0.5, 4, count), np.full(count, 0.5), np.full(count, weeks),
    )  # fmt: skip
