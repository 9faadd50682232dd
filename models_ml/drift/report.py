"""Evidently's HTML report of the last week: our findings first, then every feature beside its reference."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.lifecycle.drift_policy import REFERENCE_WEEKS, SEED
from models_ml.lifecycle.spec import FeatureSample
from models_ml.table_row import TableRow

METHOD = "wasserstein"
REFERENCE_ROWS = 6000


def write_report(
    sampled: FeatureSample, now: pd.DataFrame, path: Path, *, model: str, release_id: str
) -> Path:
    """Write the report of the newest origin in `sampled`; `now` are its judged rows."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Evidently's own switch for telemetry
    from evidently import Report
    from evidently.presets import DataDriftPreset

    from models_ml.drift.findings_widget import Findings

    reference, current, watched = _frames(sampled)
    learned = now[
        (now["segment_type"] == "all") & now["kind"].isin(["distribution_shift", "prediction_shift"])
    ]
    thresholds = {
        str(row.feature).partition(".")[2]: float(str(row.threshold))
        for row in learned.itertuples()
        if str(row.feature).startswith(f"{sampled.prefix}.")
    }
    watched = [name for name in watched if name in thresholds] or watched
    week = int(sampled.rows["week"].max())
    report = Report(
        [
            Findings(rows=_table(now)),
            DataDriftPreset(
                columns=watched, num_method=METHOD, per_column_threshold=thresholds,
                per_column_method=dict.fromkeys(watched, METHOD), drift_share=0.3,
            ),
        ],
        metadata={"release": release_id, "week": str(week), "tier": sampled.prefix},
    )  # fmt: skip
    snapshot = report.run(
        current[watched], reference[watched], name=f"Drift of {model.replace('_', ' ')}, week {week}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    snapshot.save_html(str(partial))
    partial.replace(path)
    return path


def _frames(sampled_tier: FeatureSample) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    week = int(sampled_tier.rows["week"].max())
    earlier = sampled_tier.rows[
        (sampled_tier.rows["week"] < week) & (sampled_tier.rows["week"] >= week - REFERENCE_WEEKS)
    ]
    if len(earlier) > REFERENCE_ROWS:
        drawn = np.random.default_rng([SEED, week]).choice(len(earlier), REFERENCE_ROWS, replace=False)
        earlier = earlier.iloc[np.sort(drawn)]
    watched = [
        *sampled_tier.names,
        *(["forecast_to_level"] if "forecast_to_level" in sampled_tier.rows else []),
    ]
    return earlier.reset_index(drop=True), sampled_tier.rows[sampled_tier.rows["week"] == week], watched


def _table(now: pd.DataFrame) -> list[list[str]]:
    noteworthy = now[now["is_drifted"] | (now["alert_state"] != "quiet")]
    return [_cells(row) for row in noteworthy.sort_values(["alert_state", "kind", "feature"]).itertuples()]


def _cells(row: TableRow) -> list[str]:
    numbers = [f"{float(value):.3g}" for value in (row.score, row.threshold)]
    return [
        row.alert_state,
        row.kind,
        row.feature,
        f"{row.segment_type} {row.segment}",
        *numbers,
        row.finding,
    ]
