"""Trains the demand model on a release: backtest, final fit, registration. Unchanged inputs return what
exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from governance.progress import Progress, silent
from models_ml.demand.artifacts import backtest_forecasts, backtest_path, champion_backtest, save_backtest
from models_ml.demand.backtest import Backtest, reconcile_levels, rolling_origin_backtest
from models_ml.demand.bundle import save_bundle
from models_ml.demand.card import demand_card
from models_ml.demand.evaluation import CHAMPION, Others, backtest_frame, evaluation_table
from models_ml.demand.evidence import attach_evidence
from models_ml.demand.features import build
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.reads import FEATURE_TABLES
from models_ml.demand.settings import FULL, MODEL_NAME, DemandSettings
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.forecast import HORIZON
from models_ml.lifecycle.fingerprint import code_fingerprint, training_fingerprint
from models_ml.lifecycle.registry import ModelVersion
from models_ml.lifecycle.training import Candidate, TrainedModel, previous_training, register_candidate


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
    code = code_fingerprint(Path(__file__).parent)
    fingerprint = training_fingerprint(warehouse, settings.as_dict(), tables=FEATURE_TABLES, code=code)
    previous = previous_training(artifact_root, MODEL_NAME, fingerprint, tracking_uri)
    if previous is not None and backtest_path(artifact_root, previous.name, previous.version).exists():
        return previous
    models, backtests, last_week, example = {}, {}, 0, pd.DataFrame()
    for tier in settings.tiers:
        panel = read_panel(warehouse, tier)
        if tier != "category" and not _sells_throughout(panel):
            progress(f"demand, {tier}: none sells in most weeks; its category's forecast is shared out")
            continue
        model, backtest = _train_tier(panel, tier in settings.backtest_tiers, settings, progress)
        models[tier], last_week = model, int(panel.weeks[-1])
        if backtest is not None:
            backtests[tier], origins = backtest, backtest_origins(panel)[1:]
        if tier == "category" or example.empty:
            example = _example(panel, model)
    if {"category", "product"} <= backtests.keys():
        reconcile_levels(backtests["category"], backtests["product"], origins)
    tables = [
        evaluation_table(backtest, origins, others=champion_beside(artifact_root, backtest.panel, origins))
        for backtest in backtests.values()
    ]
    evaluation = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    progress("demand: register in MLflow")
    from models_ml.demand.pyfunc import log_demand

    def attach(version: ModelVersion) -> None:
        """What a reviewer looks at beside the numbers, where there was a backtest."""
        if backtests:
            progress("demand: evidence for the reviewer")
            frame = backtest_frame(list(backtests.values()), origins)
            kept_at = save_backtest(frame, warehouse, artifact_root, version)
            attach_evidence(tracking_uri, version, warehouse, kept_at, evaluation)

    candidate = Candidate(
        MODEL_NAME, fingerprint, code, release_id, git_commit, trained_by, last_week, settings.as_dict(),
        _metrics(evaluation), evaluation,
        card=demand_card(
            evaluation, release_id=release_id, git_commit=git_commit, last_week=last_week,
            settings=settings.as_dict(),
        ),
        save=lambda folder: save_bundle(models, folder),
        log=lambda folder, table: log_demand(folder, table, example, models[next(iter(models))]),
    )  # fmt: skip
    return register_candidate(
        candidate, tracking_uri=tracking_uri, artifact_root=artifact_root, attach=attach
    )


LEAST_COLUMN = 15  # weeks before the first origin of a backtest


def champion_beside(artifact_root: Path, panel: Panel, origins: list[int]) -> Others:
    """The champion's own backtest of the same series and origins, to stand in the same table."""
    path = champion_backtest(artifact_root)
    forecasts = path and backtest_forecasts(path, panel, origins)
    return {CHAMPION: forecasts} if forecasts else {}


def backtest_origins(panel: Panel) -> list[int]:
    """The last three origins, eight weeks apart, whose whole horizon is recorded; a warm-up origin before
    them."""
    last = len(panel.weeks) - 1
    columns = [last - HORIZON * k for k in (4, 3, 2, 1)]
    usable = [int(panel.weeks[column]) for column in columns if column >= LEAST_COLUMN]
    if len(usable) < 2:
        raise NotEnoughHistoryError(
            f"The demand model needs {LEAST_COLUMN + 2 * HORIZON + 1} complete weeks of sales; there are "
            f"{len(panel.weeks)}.",
            hint="Until then the moving average forecasts.",
        )
    return usable


def _sells_throughout(panel: Panel) -> bool:
    """Whether at every origin of a training some series sells often enough to be fitted and scored."""
    weeks = [*backtest_origins(panel), int(panel.weeks[-1])]
    return all(panel.selling(panel.column(week)).any() for week in weeks)


def _train_tier(
    panel: Panel, with_backtest: bool, settings: DemandSettings, progress: Progress
) -> tuple[DemandModel, Backtest | None]:
    """Final model of a tier, calibrated by the forecasts of its earlier origins, and these if asked for."""
    last = int(panel.weeks[-1])
    origins = backtest_origins(panel)
    if not _sells_throughout(panel):
        raise NotEnoughHistoryError(
            f"The demand model needs a {panel.tier} that sells at a store in most weeks."
        )
    if with_backtest:
        # The series are those that sold often enough before the first reported origin, so that none is
        # chosen late.
        chosen = panel.selling(panel.column(origins[1]))
        result = rolling_origin_backtest(panel, chosen, [*origins, last], settings, progress)
    else:
        weeks = [int(panel.weeks[-1 - HORIZON]), last]
        result = rolling_origin_backtest(panel, panel.selling(panel.column(last)), weeks, settings, progress)
    if result.model is None:  # pragma: no cover - the backtest fits at every origin
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
    short = {"demand": "demand", "moving average 13": "ma13", "last week": "last_week", CHAMPION: "champion"}
    names = ("wape", "rmsse", "pinball", "coverage_80", "bias_median", "bias_mean")
    return {
        f"{row['tier']}_{short[row['model']]}_{name}": float(row[name])
        for row in overall.to_dict("records")
        for name in names
    }
