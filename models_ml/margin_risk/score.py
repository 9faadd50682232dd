"""Scores margin risk: one row per store × category, by the approved model or the baseline, with reasons."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from governance.progress import Progress, silent
from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle.champion import Approved, find_champion
from models_ml.lifecycle.no_scores import write_no_scores
from models_ml.lifecycle.spec import Scored
from models_ml.margin_risk.baselines import calibrated_repeat
from models_ml.margin_risk.bundle import load_bundle
from models_ml.margin_risk.features import build
from models_ml.margin_risk.model import MarginRiskModel, Risk, rows_of
from models_ml.margin_risk.panel import MarginPanel, read_margin_panel
from models_ml.margin_risk.reasons import reasons
from models_ml.margin_risk.settings import HORIZON_WEEKS, MODEL_NAME, TARGET_WEEKS
from models_ml.margin_risk.target import LEAST_MONEY, target_rate, total

BASELINE_NAME = "last-four-weeks-repeat"
TOO_RARE = "sells in too few weeks for the model"
RISK_COLUMNS = {
    **dict.fromkeys(("location_id", "category", "department"), "VARCHAR"),
    **dict.fromkeys(("as_of_week", "horizon_weeks"), "BIGINT"),
    **dict.fromkeys(("target_margin_rate", "probability", "expected_shortfall"), "DOUBLE"),
    **dict.fromkeys(("reasons", "model_name", "model_version"), "VARCHAR"),
    "is_fallback": "BOOLEAN", "fallback_reason": "VARCHAR", "is_simulated": "BOOLEAN",
    "money_at_risk": "DOUBLE", "release_id": "VARCHAR", "as_of_date": "DATE",
}  # fmt: skip
"""Of the file of risks, with their DuckDB types."""


def score_margin_risk(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    output: Path,
    progress: Progress = silent,
    approved: Approved | None = None,
) -> Scored:
    """Write one row per store × category that sold in the last quarter to `output` (Parquet, replaced whole).

    `money_at_risk` is probability × expected shortfall, so it adds up over any group of rows. Without
    enough weeks the file is empty, and the result says why.
    """
    try:
        panel = read_margin_panel(warehouse)
        by_baseline = calibrated_repeat(panel, len(panel.demand.weeks) - 1)
    except NotEnoughHistoryError as missing:
        return write_no_scores(
            output, RISK_COLUMNS, baseline=BASELINE_NAME, release_id=release_id, reason=missing.message
        )
    last_week, origin = int(panel.demand.weeks[-1]), len(panel.demand.weeks) - 1
    champion = find_champion(
        MODEL_NAME, load_bundle, tracking_uri=tracking_uri, artifact_root=artifact_root, last_week=last_week,
        approved=approved,
    )  # fmt: skip
    progress(f"score: margin risk {'version ' + champion.version if champion.model else champion.reason}")
    frame = _by_baseline(panel, origin, by_baseline, champion.reason or TOO_RARE)
    if champion.model is not None:
        _by_model(frame, panel, origin, champion.model, champion.version)
    frame["money_at_risk"] = frame["probability"] * frame["expected_shortfall"]
    frame = frame[total(panel.money.sales, origin, TARGET_WEEKS) > LEAST_MONEY].assign(release_id=release_id)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    frame.assign(as_of_date=_last_day(warehouse, last_week)).to_parquet(partial, index=False)
    partial.replace(output)
    name, version = (MODEL_NAME, champion.version) if champion.model else (BASELINE_NAME, BASELINE_NAME)
    return Scored(output, len(frame), name, version, release_id, champion.reason, champion.note)


def _by_baseline(panel: MarginPanel, origin: int, risk: Risk, reason: str) -> pd.DataFrame:
    demand = panel.demand
    sentences = [
        {
            "driver": "recent_margin",
            "effect": None,
            "words": f"margin rate of the last four weeks {side} target",
        }
        for side in np.where(risk.rank > 0, "below", "at or above")
    ]
    return pd.DataFrame({
        "location_id": demand.locations,
        "category": demand.items,
        "department": demand.departments,
        "as_of_week": int(demand.weeks[origin]),
        "horizon_weeks": HORIZON_WEEKS,
        "target_margin_rate": target_rate(panel, origin),
        "probability": risk.probability,
        "expected_shortfall": risk.shortfall,
        "reasons": [json.dumps([word]) for word in sentences],
        "model_name": BASELINE_NAME,
        "model_version": BASELINE_NAME,
        "is_fallback": True,
        "fallback_reason": reason,
        "is_simulated": panel.is_simulated,
    })  # fmt: skip


def _by_model(
    frame: pd.DataFrame, panel: MarginPanel, origin: int, model: MarginRiskModel, version: str
) -> None:
    """Overwrite the rows of series that sell often enough for the model."""
    chosen = np.flatnonzero(panel.demand.selling(origin))
    features = rows_of(build(panel, origin), chosen)
    risk = model.predict(features)
    planned = bool(panel.demand.plan_known[origin + 1 : origin + 1 + HORIZON_WEEKS].any())
    for column, values in {
        "probability": risk.probability,
        "expected_shortfall": risk.shortfall,
        "reasons": np.array([json.dumps(why) for why in reasons(model, features, planned)], object),
        "model_name": MODEL_NAME,
        "model_version": version,
        "is_fallback": False,
        "fallback_reason": "",
    }.items():
        whole = frame[column].to_numpy(copy=True)
        whole[chosen] = values
        frame[column] = whole


def _last_day(warehouse: Path, week: int) -> date | None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        row = con.execute("SELECT last_day FROM feat_calendar_week WHERE week = ?", [week]).fetchone()
    return row[0] if row else None
