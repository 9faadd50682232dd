"""Training rows of a cut: every earlier origin with every target week that is already known.

At each origin the series are those that sold often enough up to it, as scoring will choose them: chosen
with a view of what came after, they would teach that sales never fade.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models_ml.demand.settings import DemandSettings
from models_ml.features import Builder, build
from models_ml.panel import HORIZON, Panel


class Rows(NamedTuple):
    """One row per series, origin and horizon: features, units of the target week, the series' scale at the
    origin."""

    features: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    names: list[str]


def training_rows(panel: Panel, cut: int, settings: DemandSettings, build_features: Builder = build) -> Rows:
    """A seeded sample of `settings.rows` rows whose origin and target both lie at or before column `cut`."""
    rng = np.random.default_rng([settings.seed, cut])
    origins = range(settings.first_cut, cut)
    chosen = {origin: np.flatnonzero(panel.selling(origin)) for origin in origins}
    cells = sum(min(HORIZON, cut - origin) * len(chosen[origin]) for origin in origins)
    share = min(1.0, settings.rows / max(cells, 1))
    parts: list[tuple[np.ndarray, ...]] = []
    names: list[str] = []
    for origin in origins:
        known = panel.select(chosen[origin])
        features, scale, names = build_features(known, origin)
        ahead = min(HORIZON, cut - origin)
        units = known.units[:, origin + 1 : origin + 1 + ahead]
        kept = rng.random(units.shape) < share
        scales = np.broadcast_to(scale[:, None], units.shape)
        parts.append((features[:, :ahead][kept], units[kept], scales[kept]))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Rows(joined[0], joined[1], joined[2], names)
