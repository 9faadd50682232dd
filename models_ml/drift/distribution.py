"""Distribution of the model's own features and forecasts, origin by origin, by Evidently's distance.

The distance is the first Wasserstein distance in standard deviations of the reference, as Evidently's
`wasserstein` test computes it for its reports.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.lifecycle.drift_policy import LEAST_REFERENCE, REFERENCE_WEEKS, SEED
from models_ml.lifecycle.spec import FeatureSample

REFERENCE_ROWS = 4000  # of the thirteen earlier origins together


def distances(sampled: FeatureSample) -> pd.DataFrame:
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
            rows += _of_group(group, names, weeks, (sampled.prefix, segment_type, segment))
    return pd.DataFrame(rows)


BY_SEGMENT = {"ma_1", "ma_4", "zero_share", "log_price", "discount_rate_last", "forecast_to_level"}


def _of_group(
    group: pd.DataFrame, names: list[str], weeks: list[int], where: tuple[str, str, str]
) -> list[dict[str, object]]:
    by_week = {week: rows[names].to_numpy(float) for week, rows in group.groupby("week")}
    prefix, segment_type, segment = where
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
                "feature": f"{prefix}.{name}", "segment_type": segment_type, "segment": segment,
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
