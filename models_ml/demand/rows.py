"""Training rows of a fit: every origin before its own with every target week that is already known.

At each origin the series are those that sold often enough up to it, as scoring will choose them: chosen
with a view of what came after, they would teach that sales never fade.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np

from models_ml.demand.features import Builder, build
from models_ml.demand.panel import Panel
from models_ml.demand.settings import DemandSettings
from models_ml.evaluate.forecast import HORIZON


class Rows(NamedTuple):
    """One row per series, origin and horizon: features, units of the target week, the series' scale at the
    origin."""

    features: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    names: list[str]


class RowPool:
    """Sampled rows of every origin, shared by the fits at the columns `fit_origins`: features are built once.

    A cell is drawn once and for all, by its origin: a fit takes the cells drawn below its own share. So the
    rows of a fit are the same whatever other fits share the pool.
    """

    def __init__(
        self,
        panel: Panel,
        fit_origins: Sequence[int],
        settings: DemandSettings,
        build_features: Builder = build,
    ) -> None:
        self._panel, self._settings, self._build = panel, settings, build_features
        past_origins = range(settings.first_origin, max(fit_origins))
        self._chosen = {
            past_origin: np.flatnonzero(panel.selling(past_origin)) for past_origin in past_origins
        }
        self._most = {
            past: max((self._share(origin) for origin in fit_origins if origin > past), default=0.0)
            for past in past_origins
        }
        self._samples: dict[int, tuple[Rows, np.ndarray, np.ndarray]] = {}
        self._lock = Lock()

    def rows(self, origin: int) -> Rows:
        """`settings.rows` rows, about, whose own origin and target are both at or before column `origin`."""
        share, parts = self._share(origin), []
        for past_origin in range(self._settings.first_origin, origin):
            with self._lock:
                if past_origin not in self._samples:
                    self._samples[past_origin] = self._sample(past_origin)
            sampled, draw, ahead = self._samples[past_origin]
            taken = (draw < share) & (ahead < min(HORIZON, origin - past_origin))
            parts.append((sampled.features[taken], sampled.units[taken], sampled.scale[taken]))
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return Rows(joined[0], joined[1], joined[2], sampled.names)

    def _share(self, origin: int) -> float:
        """Share of the cells known at `origin` that makes the wanted number of rows."""
        past_origins = range(self._settings.first_origin, origin)
        cells = sum(
            min(HORIZON, origin - past_origin) * len(self._chosen[past_origin])
            for past_origin in past_origins
        )
        return min(1.0, self._settings.rows / max(cells, 1))

    def _sample(self, origin: int) -> tuple[Rows, np.ndarray, np.ndarray]:
        """The origin's rows that any fit may take, with the draw and the horizon (0–7) of each; a target week
        that is not recorded has no units."""
        selling = self._panel.select(self._chosen[origin])
        features, scale, names = self._build(selling, origin)
        draw = np.random.default_rng([self._settings.seed, origin]).random((len(scale), HORIZON))
        drawn = draw < self._most[origin]
        recorded = selling.units[:, origin + 1 : origin + 1 + HORIZON]
        units = np.full(draw.shape, np.nan)
        units[:, : recorded.shape[1]] = recorded
        scales = np.broadcast_to(scale[:, None], draw.shape)
        rows = Rows(features[drawn], units[drawn], scales[drawn], names)
        return rows, draw[drawn], np.nonzero(drawn)[1]
