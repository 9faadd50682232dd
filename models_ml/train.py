"""Trains the demand model on a release: backtest, final fit, registration. Unchanged inputs return what
exists."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from governance.disk import write_whole
from models_ml import registry
from models_ml.demand.bundle import bundle_digest, save_bundle
from models_ml.demand.model import DemandModel
from models_ml.demand.settings import FULL, DemandSettings
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.backtest import Backtest, Progress, reconcile_levels, roll, silent
from models_ml.evaluate.keep import backtest_path, keep_backtest
from models_ml.evaluate.tables import backtest_frame, evaluation_table
from models_ml.features import build
from models_ml.fingerprint import code_fingerprint, training_fingerprint
from models_ml.model_card import demand_card
from models_ml.panel import HORIZON, Panel, read_panel


@dataclass(frozen=True)
class TrainedModel:
    """A registered version with its metrics; `reused` when nothing had changed since it was trained."""

    name: str
    version: str
    digest: str
    fingerprint: str
    release_id: str
    trained_by: str
    metrics: dict[str, float]
    evaluation: list[dict[str, Any]]
    reused: bool

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "unchanged": self.reused}


def train_demand(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    git_commit: str,
    settings: DemandSettings = FULL,
    progress: Progress = silent,
    trained_by: str = "svc-trainer",
) -> TrainedModel:
    """Backtest and fit the tiers of `settings` on the warehouse's features and register the result.

    Makes a challenger: no alias moves here. With the fingerprint (feature data, settings, code) of the
    last training and its files intact, returns that version.
    """
    progress("demand: fingerprint of the features")
    fingerprint = training_fingerprint(warehouse, settings.as_dict())
    kept = kept_training(artifact_root, registry.MODEL_NAME, fingerprint, tracking_uri)
    if kept is not None and backtest_path(artifact_root, kept.name, kept.version).exists():
        return kept
    models, backtests, last_week, example = {}, {}, 0, pd.DataFrame()
    for tier in settings.tiers:
        panel = read_panel(warehouse, tier)
        model, backtest = _train_tier(panel, tier in settings.backtest_tiers, settings, progress)
        models[tier], last_week = model, int(panel.weeks[-1])
        if backtest is not None:
            backtests[tier], origins = backtest, backtest_origins(panel)[1:]
        if tier == "category" or example.empty:
            example = _example(panel, model)
    if {"category", "product"} <= backtests.keys():
        reconcile_levels(backtests["category"], backtests["product"], origins)
    tables = [evaluation_table(backtest, origins) for backtest in backtests.values()]
    evaluation = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    metrics = _metrics(evaluation)
    progress("demand: register in MLflow")
    from models_ml.evidence import attach_evidence
    from models_ml.pyfunc import log_demand

    with tempfile.TemporaryDirectory() as scratch:
        bundle, table_file = Path(scratch) / "bundle", Path(scratch) / "evaluation.json"
        digest = save_bundle(models, bundle)
        table_file.write_text(evaluation.to_json(orient="records"))
        card = demand_card(
            evaluation, release_id=release_id, git_commit=git_commit, last_week=last_week,
            settings=settings.as_dict(),
        )  # fmt: skip
        version = registry.register(
            tracking_uri,
            artifact_root,
            bundle,
            tags={
                "artifact_digest": digest, "training_fingerprint": fingerprint, "release_id": release_id,
                "git_commit": git_commit, "trained_by": trained_by, "code_fingerprint": code_fingerprint(),
                "trained_through_week": str(last_week),
            },
            metrics=metrics,
            params=settings.as_dict(),
            documents={"model_card.md": card, "evaluation.csv": evaluation.to_csv(index=False)},
            log_model=lambda folder: log_demand(folder, table_file, example, models[next(iter(models))]),
        )  # fmt: skip
    if backtests:
        progress("demand: evidence for the reviewer")
        frame = backtest_frame(list(backtests.values()), origins)
        kept_at = keep_backtest(frame, warehouse, artifact_root, version)
        attach_evidence(tracking_uri, version, warehouse, kept_at, evaluation)
    trained = TrainedModel(
        version.name, version.version, digest, fingerprint, release_id, trained_by, metrics,
        json.loads(evaluation.to_json(orient="records")), reused=False,
    )  # fmt: skip
    keep_training(artifact_root, trained, version.bundle, tracking_uri)
    return trained


def backtest_origins(panel: Panel) -> list[int]:
    """The last three origins, eight weeks apart, whose whole horizon is recorded; a warm-up origin before
    them."""
    last = int(panel.weeks[-1])
    found = [last - HORIZON * k for k in (4, 3, 2, 1)]
    kept = [week for week in found if week - int(panel.weeks[0]) >= 15]
    if len(kept) < 2:
        raise NotEnoughHistoryError("A backtest needs at least 32 complete weeks of history.")
    return kept


def _train_tier(
    panel: Panel, with_backtest: bool, settings: DemandSettings, progress: Progress
) -> tuple[DemandModel, Backtest | None]:
    """Final model of a tier, calibrated by the forecasts of its earlier origins, and these if asked for."""
    last = int(panel.weeks[-1])
    origins = backtest_origins(panel)
    if with_backtest:
        # The series are those that sold often enough before the first reported origin, so that none is
        # chosen late.
        chosen = panel.selling(panel.column(origins[1]))
        result = roll(panel, chosen, [*origins, last], settings, progress)
    else:
        result = roll(panel, panel.selling(panel.column(last)), [last - HORIZON, last], settings, progress)
    if result.model is None:  # pragma: no cover - `roll` fits at every origin
        raise NotEnoughHistoryError("No origin was fitted.")
    return result.model, result if with_backtest else None


def _example(panel: Panel, model: DemandModel) -> pd.DataFrame:
    few = panel.select(np.arange(min(5, len(panel.items))))
    features, scale, _ = build(few, len(panel.weeks) - 1)
    return pd.DataFrame(features[:, 0].astype(float), columns=model.names).assign(scale=scale)


def _metrics(evaluation: pd.DataFrame) -> dict[str, float]:
    if evaluation.empty:
        return {}
    overall = evaluation[evaluation["slice"] == "all"]
    short = {"demand": "demand", "moving average 13": "ma13", "last week": "last_week"}
    names = ("wape", "rmsse", "pinball", "coverage_80", "bias_median", "bias_mean")
    return {
        f"{row['tier']}_{short[row['model']]}_{name}": float(row[name])
        for row in overall.to_dict("records")
        for name in names
    }


def keep_training(artifact_root: Path, trained: TrainedModel, bundle: Path, tracking_uri: str) -> None:
    """Write down what a training made, readable without MLflow."""
    receipt = {**trained.__dict__, "bundle": str(bundle), "tracking_uri": tracking_uri}
    write_whole(artifact_root / f"{trained.name}_trained.json", json.dumps(receipt))


def kept_training(artifact_root: Path, name: str, fingerprint: str, tracking_uri: str) -> TrainedModel | None:
    """The last training of `name`, where its fingerprint is this one and its files are intact."""
    path = artifact_root / f"{name}_trained.json"
    if not path.exists():
        return None
    receipt = json.loads(path.read_text())
    bundle, where = Path(receipt.pop("bundle")), receipt.pop("tracking_uri")
    if receipt["fingerprint"] != fingerprint or where != tracking_uri or not bundle.exists():
        return None
    if bundle_digest(bundle) != receipt["digest"]:
        return None
    return TrainedModel(**{**receipt, "reused": True})
