"""Distribution of the model's own features and forecasts, origin by origin, by Evidently's distance.

The distance is the first Wasserstein distance in standard deviations of the reference, as Evidently's
`wasserstein` test computes it for its reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models_ml.demand.features import build
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import Panel
from models_ml.drift.observe import LEAST_REFERENCE, REFERENCE_WEEKS

SERIES = 1500  # sampled at each origin
WATCHED_WEEKS = 20  # origins whose distance is told: enough to learn what is quiet, and the newest
REFERENCE_ROWS = 4000  # of the thirteen earlier origins together
SEED = 20170101


@dataclass(frozen=True)
class Origins:
    """Features of sampled series at the ends of weeks: one row per series and week, and the names."""

    rows: pd.DataFrame
    names: list[str]


def origins(panel: Panel, regions: Mapping[str, str], models: DemandModel | None = None) -> Origins:
    """Sample the series that sell at each of the last origins; with a model also its forecast in units of
    the series' level. Where history is short there are fewer origins."""
    last = len(panel.weeks) - 1
    first = max(LEAST_REFERENCE, last - WATCHED_WEEKS - REFERENCE_WEEKS + 1)
    frames: list[pd.DataFrame] = []
    names: list[str] = []
    # What the calendar and the promotion plan say of the coming weeks is meant to differ from week to week.
    ahead = {"horizon", *panel.calendar, *panel.plan, *(f"{name}_change" for name in panel.plan)}
    for cut in range(first, last + 1):
        selling = np.flatnonzero(panel.selling(cut))
        rng = np.random.default_rng([SEED, int(panel.weeks[cut])])
        chosen = np.sort(rng.choice(selling, min(SERIES, len(selling)), replace=False))
        few = panel.select(chosen)
        features, scale, names = build(few, cut)
        frame = pd.DataFrame(features[:, 0], columns=names)[[n for n in names if n not in ahead]]
        frame.insert(0, "week", int(panel.weeks[cut]))
        frame.insert(1, "region", [regions.get(x, "UNKNOWN") for x in few.locations])
        frame.insert(2, "department_name", few.departments)
        frame.insert(3, "location_id", few.locations)
        if models is not None:
            frame["forecast_to_level"] = models.predict(features, scale).mean.mean(1) / scale
        frames.append(frame)
    watched = [name for name in names if name not in ahead]
    return Origins(pd.concat(frames, ignore_index=True), watched)


def distances(sampled: Origins, tier: str) -> pd.DataFrame:
    """One row per week, feature (forecast included) and segment: all, region, department."""
    rows = []
    weeks = sorted(sampled.rows["week"].unique())
    grouped = {"all": [("all", sampled.rows)]}
    grouped["region"] = [(str(k), g) for k, g in sampled.rows.groupby("region")]
    large = sampled.rows["department_name"].value_counts().head(4).index
    grouped["department"] = [
        (str(k), g) for k, g in sampled.rows.groupby("department_name") if k in set(large)
    ]
    watched = [*sampled.names, *(["forecast_to_level"] if "forecast_to_level" in sampled.rows else [])]
    for segment_type, groups in grouped.items():
        # By segment only the forecast and what the model leans on most: every cut costs, and says the same.
        names = watched if segment_type == "all" else [n for n in watched if n in BY_SEGMENT]
        for segment, group in groups:
            rows += _of_group(group, names, weeks, (tier, segment_type, segment))
    return pd.DataFrame(rows)


BY_SEGMENT = {"ma_1", "ma_4", "zero_share", "log_price", "discount_rate_last", "forecast_to_level"}


def _of_group(
    group: pd.DataFrame, names: list[str], weeks: list[int], where: tuple[str, str, str]
) -> list[dict[str, object]]:
    by_week = {week: rows[names].to_numpy(float) for week, rows in group.groupby("week")}
    tier, segment_type, segment = where
    out: list[dict[str, object]] = []
    for i, week in enumerate(weeks):
        earlier = [by_week[w] for w in weeks[max(0, i - REFERENCE_WEEKS) : i] if w in by_week]
        if len(earlier) < LEAST_REFERENCE or week not in by_week or len(by_week[week]) < 50:
            continue
        reference, now = np.concatenate(earlier), by_week[week]
        if len(reference) > REFERENCE_ROWS:
            drawn = np.random.default_rng([SEED, week]).choice(len(reference), REFERENCE_ROWS, replace=False)
            reference = reference[drawn]
        for j, name in enumerate(names):
            is_forecast = name == "forecast_to_level"
            distance = wasserstein(reference[:, j], now[:, j])
            sentence = f"{name}: mean {reference[:, j].mean():.3g} before, {now[:, j].mean():.3g} now"
            out.append({
                "week": week, "kind": "prediction_shift" if is_forecast else "distribution_shift",
                "feature": f"{tier}.{name}", "segment_type": segment_type, "segment": segment,
                "value": distance, "words": sentence,
            })  # fmt: skip
    return out


def wasserstein(reference: np.ndarray, now: np.ndarray) -> float:
    """Evidently's normed distance of two samples; 0 where both hold one value."""
    from evidently.legacy.calculations.stattests import wasserstein_stat_test
    from evidently.legacy.core import ColumnType

    if reference.min() == reference.max() == now.min() == now.max():
        return 0.0
    test = wasserstein_stat_test.func
    return float(test(pd.Series(reference), pd.Series(now), ColumnType.Numerical, 0.1)[0])
