"""Trains the margin risk model on a release: backtest, final fit, registration. Unchanged inputs return
what exists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from governance.progress import Progress, silent
from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle import registry
from models_ml.lifecycle.fingerprint import code_fingerprint, training_fingerprint
from models_ml.lifecycle.registry import ModelVersion
from models_ml.lifecycle.training import Candidate, TrainedModel, previous_training, register_candidate
from models_ml.margin_risk.backtest import fit_weeks, rolling_origin_backtest
from models_ml.margin_risk.bundle import save_bundle
from models_ml.margin_risk.card import margin_risk_card
from models_ml.margin_risk.evidence import attach_margin_evidence
from models_ml.margin_risk.features import build
from models_ml.margin_risk.model import MarginRiskModel, rows_of
from models_ml.margin_risk.panel import MarginPanel, read_margin_panel
from models_ml.margin_risk.reads import MARGIN_TABLES
from models_ml.margin_risk.scores import NAMES, margin_table
from models_ml.margin_risk.settings import FULL, MODEL_NAME, MarginRiskSettings

BETWEEN_ORIGINS = 8  # weeks between the origins that are reported, as for demand
SHORT = {
    MODEL_NAME: "model",
    "last four weeks repeat": "repeat",
    "last four weeks repeat, calibrated": "repeat_calibrated",
    "back to the category's rate": "category_rate",
}


def train_margin_risk(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    git_commit: str,
    settings: MarginRiskSettings = FULL,
    progress: Progress = silent,
    trained_by: str = registry.TRAINER,
) -> TrainedModel:
    """Backtest and fit on the warehouse's features and register the result.

    Makes a challenger: no alias moves here. With the fingerprint of the last training and its files intact,
    returns that version.
    """
    progress("margin risk: fingerprint of the features")
    plain_settings = settings.as_dict()
    here = Path(__file__).parent
    code = code_fingerprint(here, here.parent / "demand" / "panel.py")
    fingerprint = training_fingerprint(warehouse, plain_settings, tables=MARGIN_TABLES, code=code)
    previous = previous_training(artifact_root, MODEL_NAME, fingerprint, tracking_uri)
    if previous is not None:
        return previous
    panel = read_margin_panel(warehouse)
    last_week = int(panel.demand.weeks[-1])
    result = rolling_origin_backtest(panel, last_week, settings, progress)
    if result.model is None:  # pragma: no cover - the backtest fits at every origin
        raise NotEnoughHistoryError("No origin was fitted.")
    reported = reported_origins(panel, settings)
    table = margin_table(result, reported)
    progress("margin risk: register in MLflow")
    from models_ml.margin_risk.pyfunc import log_margin_risk

    def attach(version: ModelVersion) -> None:
        progress("margin risk: evidence for the reviewer")
        attach_margin_evidence(tracking_uri, version, result, reported, table)

    model = result.model
    candidate = Candidate(
        MODEL_NAME, fingerprint, code, release_id, git_commit, trained_by, last_week, plain_settings,
        _metrics(table), table,
        card=margin_risk_card(
            table, release_id=release_id, git_commit=git_commit, last_week=last_week,
            settings=plain_settings, is_simulated=panel.is_simulated,
        ),
        save=lambda folder: save_bundle(model, folder),
        log=lambda folder, file: log_margin_risk(folder, file, _example(panel, model), model),
        tags={"feature_tables": json.dumps(MARGIN_TABLES)},
    )  # fmt: skip
    return register_candidate(
        candidate, tracking_uri=tracking_uri, artifact_root=artifact_root, attach=attach
    )


def reported_origins(panel: MarginPanel, settings: MarginRiskSettings) -> list[int]:
    """The last three origins eight weeks apart, of those that are fitted; their outcomes are recorded."""
    last = int(panel.demand.weeks[-1])
    fitted = fit_weeks(panel, last, settings)
    weeks = [week for week in (last - BETWEEN_ORIGINS * k for k in (3, 2, 1)) if week in fitted]
    if not weeks:
        raise NotEnoughHistoryError("No margin risk origin has a recorded outcome.")
    return weeks


def _example(panel: MarginPanel, model: MarginRiskModel) -> pd.DataFrame:
    features = rows_of(build(panel, len(panel.demand.weeks) - 1), np.arange(min(5, len(panel.demand.items))))
    return pd.DataFrame(features.values.astype(float), columns=model.names)


def _metrics(table: pd.DataFrame) -> dict[str, float]:
    overall = table[table["slice"] == "all"].to_dict("records")
    return {
        f"{SHORT[row['model']]}_{name}": float(row[name])
        for row in overall
        for name in NAMES
        if np.isfinite(row[name])
    }
