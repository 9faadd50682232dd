"""A run fails when a feature reads what came after its origin: recorded columns past it are replaced by
absurd ones, and every feature must stay as it is. The promotion plan and the calendar are known and stay.
"""

from __future__ import annotations

import numpy as np

from models_ml.errors import LeakageError

SAMPLE = 400  # series
ABSURD = 1e4


def after(values: np.ndarray, origin: int) -> np.ndarray:
    """A copy whose columns past `origin` are absurd and differ from each other."""
    out = values.copy()
    width = out.shape[1] - origin - 1
    out[:, origin + 1 :] = ABSURD * (1 + np.arange(width))
    return out


def sample(count: int) -> np.ndarray:
    """Index of at most `SAMPLE` series, spread over all."""
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(int))


def require_unchanged(
    names: list[str], before: np.ndarray, after_origin: np.ndarray, what: str, week: int
) -> None:
    """Raise LeakageError naming the features (last axis) that differ."""
    same = np.isclose(before, after_origin, rtol=1e-6, atol=1e-9, equal_nan=True)
    leaking = [name for j, name in enumerate(names) if not same[..., j].all()]
    if leaking:
        raise LeakageError(
            f"{what} at week {week}: {', '.join(leaking)} read what was recorded after that week.",
            hint="A feature may read columns up to its origin, the promotion plan and the calendar.",
        )
