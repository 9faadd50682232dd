"""The leakage check of the demand features: another future of sales, the same plan and calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models_ml.demand.panel import Panel
from models_ml.evaluate.leakage import after, require_unchanged, sample


def leaked(panel: Panel, origin: int) -> Panel:
    """The panel with every measure and pool after column `origin` replaced."""
    return replace(
        panel,
        measures={name: after(values, origin) for name, values in panel.measures.items()},
        pools={
            name: replace(pool, units=after(pool.units, origin), baskets=after(pool.baskets, origin))
            for name, pool in panel.pools.items()
        },
    )


def require_no_leak(
    panel: Panel, origin: int, build: Callable[[Panel, int], tuple[np.ndarray, np.ndarray, list[str]]]
) -> None:
    """Build the demand features twice, on the panel and on one with another future."""
    few = panel.select(sample(len(panel.items)))
    (one, scale, names), (other, scale_after, _) = build(few, origin), build(leaked(few, origin), origin)
    week = int(panel.weeks[origin])
    require_unchanged(names, one, other, f"demand, {panel.tier}", week)
    require_unchanged(["scale"], scale[:, None], scale_after[:, None], f"demand, {panel.tier}", week)
