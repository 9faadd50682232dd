"""Training rows of a cut: every earlier origin with every target week that is already known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models_ml.demand.settings import DemandSettings
from models_ml.features import build
from models_ml.panel import HORIZON, Panel


class Rows(NamedTuple):
    """One row per series, origin and horizon: features, units of the target week, the series' scale at the
    origin."""

    features: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    names: list[str]


def training_rows(panel: Panel, cut: int, settings: DemandSettings) -> Rows:
    """A seeded sample of `settings.rows` rows whose origin and target both lie at or before column `cut`."""
    rng = np.random.default_rng([settings.seed, cut])
    cells = sum(min(HORIZON, cut - origin) for origin in range(settings.first_cut, cut)) * len(panel.items)
    share = min(1.0, settings.rows / max(cells, 1))
    parts: list[tuple[np.ndarray, ...]] = []
    names: list[str] = []
    for origin in range(settings.first_cut, cut):
        features, scale, names = build(panel, origin)
        ahead = min(HORIZON, cut - origin)
        units = panel.units[:, origin + 1 : origin + 1 + ahead]
        kept = rng.random(units.shape) < share
        scales = np.broadcast_to(scale[:, None], units.shape)
        parts.append((features[:, :ahead][kept], units[kept], scales[kept]))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Rows(joined[0], joined[1], joined[2], names)
