"""What monitoring watches of the demand model: its own features and forecasts, origin by origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.demand.features import build
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import Panel, read_panel
from models_ml.lifecycle.drift_policy import (
    LEAST_REFERENCE,
    REFERENCE_WEEKS,
    SAMPLED_SERIES,
    SEED,
    WATCHED_WEEKS,
)
from models_ml.lifecycle.spec import FeatureSample

TIER = "category"  # the primary grain: what products add up to


def sample_category_features(
    warehouse: Path, regions: Mapping[str, str], models: object | None
) -> FeatureSample | None:
    """The category tier's features; with the loaded models (by tier) their forecasts too."""
    model = models.get(TIER) if isinstance(models, dict) else None
    return sample_features(read_panel(warehouse, TIER), regions, model)


def sample_features(
    panel: Panel, regions: Mapping[str, str], model: DemandModel | None = None
) -> FeatureSample | None:
    """Sample the series that sell at each of the last origins; with a model also its forecast in units of
    the series' level. If history is short there are fewer origins; None if there is none."""
    last = len(panel.weeks) - 1
    first = max(LEAST_REFERENCE, last - WATCHED_WEEKS - REFERENCE_WEEKS + 1)
    frames: list[pd.DataFrame] = []
    names: list[str] = []
    # What the calendar and the promotion plan say of the coming weeks is meant to differ from week to week.
    ahead = {"horizon", *panel.calendar, *panel.plan, *(f"{name}_change" for name in panel.plan)}
    for origin in range(first, last + 1):
        selling = np.flatnonzero(panel.selling(origin))
        rng = np.random.default_rng([SEED, int(panel.weeks[origin])])
        chosen = np.sort(rng.choice(selling, min(SAMPLED_SERIES, len(selling)), replace=False))
        few = panel.select(chosen)
        features, scale, names = build(few, origin)
        frame = pd.DataFrame(features[:, 0], columns=names)[[n for n in names if n not in ahead]]
        frame.insert(0, "week", int(panel.weeks[origin]))
        frame.insert(1, "region", [regions.get(x, "UNKNOWN") for x in few.locations])
        frame.insert(2, "department_name", few.departments)
        frame.insert(3, "location_id", few.locations)
        if model is not None:
            frame["forecast_to_level"] = model.predict(features, scale).mean.mean(1) / scale
        frames.append(frame)
    if not frames:
        return None
    watched = [name for name in names if name not in ahead]
    return FeatureSample(panel.tier, pd.concat(frames, ignore_index=True), watched)
