"""The noise floor: what the same model scores when it also sees the weeks around the target week.

No forecast can know them. What the oracle still gets wrong is chance, so the distance from a model to it is
about what better methods could still win. The target week itself stays hidden.
"""

from __future__ import annotations

import numpy as np

from models_ml.demand import features
from models_ml.demand.panel import Panel
from models_ml.evaluate.forecast import HORIZON

AROUND = (1, 2, 4, 8)  # weeks on either side


def build(panel: Panel, origin: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The features of the demand model and, per target week, the series' and its pools' neighbours."""
    plain, scale, names = features.build(panel, origin)
    extra = {f"around_{k}": neighbours(panel.units, origin, k) / scale[:, None] for k in AROUND}
    for name in ("before", "after"):
        extra[name] = _beside(panel.units, origin, 1 if name == "after" else -1) / scale[:, None]
    for name in ("category", "location", "product"):
        if name in panel.pools:
            pool = panel.pools[name]
            usual = np.maximum(pool.units[:, : origin + 1].mean(1), 1e-9)[pool.member][:, None]
            extra[f"{name}_around"] = neighbours(pool.units, origin, 2)[pool.member] / usual
            extra[f"{name}_others"] = _others(panel.units, pool.units[pool.member], origin) / usual
    added = np.stack([np.asarray(v, np.float32) for v in extra.values()], -1)
    return np.concatenate([plain, added], -1), scale, [*names, *extra]


def neighbours(units: np.ndarray, origin: int, weeks: int) -> np.ndarray:
    """Mean of the recorded weeks up to `weeks` before and after each target week, without it; (series, 8)."""
    width = units.shape[1]
    out = np.zeros((len(units), HORIZON))
    for h in range(HORIZON):
        at = origin + 1 + h
        around = [k for k in range(at - weeks, at + weeks + 1) if k != at and 0 <= k < width]
        out[:, h] = units[:, around].mean(1)
    return out


def _beside(units: np.ndarray, origin: int, step: int) -> np.ndarray:
    """The week before or after each target week, the last recorded one where there is none."""
    columns = np.clip(np.arange(origin + 1, origin + 1 + HORIZON) + step, 0, units.shape[1] - 1)
    same = columns == np.arange(origin + 1, origin + 1 + HORIZON)
    return np.asarray(units[:, np.where(same, columns - 1, columns)])


def _others(units: np.ndarray, pool: np.ndarray, origin: int) -> np.ndarray:
    """What the other members of the pool sell in each target week."""
    last = units.shape[1] - 1
    columns = np.clip(np.arange(origin + 1, origin + 1 + HORIZON), 0, last)
    return np.asarray(np.maximum(pool[:, columns] - units[:, columns], 0.0))
