"""Training and scoring of every model of the platform, as the pipeline and the command line run them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.pipeline.results import SearchResult, TrainedVersion, TrainResult
from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.identity import Directory
from governance.progress import Progress
from governance.releases import Release, ReleaseStore
from governance.store import OpsStore
from governance.store.migrate import upgrade
from models_ml.models import READS

if TYPE_CHECKING:
    from models_ml.lifecycle.spec import Scored
    from models_ml.lifecycle.training import TrainedModel

MODELS = ("demand", "margin_risk")


def train_models(settings: Settings, report: Progress, names: tuple[str, ...] = MODELS) -> TrainResult:
    """Backtest, fit and register the named models on the current release."""
    release = ReleaseStore(settings.var_dir).current()
    results = []
    for name in names:
        since = datetime.now(UTC)
        trained = _train(name, settings, release, report)
        if not trained.reused:
            _report_trained(settings, trained, since)
        if name == "demand":
            _remember_codes(settings, release, trained, report)
        more = {"approved_as_first": approve_first(settings, trained), "headline": _headline(trained)}
        results.append(TrainedVersion.model_validate(trained.as_dict() | more))
    return TrainResult(models=results, unchanged=all(model.unchanged for model in results))


def search_demand(settings: Settings, report: Progress, *, trials: int, seconds: float) -> SearchResult:
    """Search the demand model's settings on the weeks before the first reported origin; changes none of them.

    Logged in MLflow beside the trainings. Returns every trial, the settings in force first, and the best.
    """
    from models_ml.demand.panel import read_panel
    from models_ml.demand.search import search_settings
    from models_ml.demand.settings import FULL
    from models_ml.demand.train import backtest_origins
    from models_ml.lifecycle import registry

    release = ReleaseStore(settings.var_dir).current()
    panels = [read_panel(release.warehouse, tier) for tier in FULL.backtest_tiers]
    before_week = backtest_origins(panels[0])[1]
    search_result = search_settings(
        panels, before_week, FULL, trials=trials, seconds=seconds, progress=report
    ).as_dict()
    tags = {"kind": "search", "release_id": release.release_id, "git_commit": _git_commit()}
    run_id = registry.log_search(
        settings.mlflow_uri,
        settings.mlflow_artifacts,
        "demand",
        tags=tags,
        trials=list(search_result["trials"]),
    )
    return SearchResult.model_validate(search_result | {"mlflow_run_id": run_id})


def score_margin(settings: Settings, release: Release, report: Progress) -> Scored:
    """Margin risk of every store × category, beside the release's demand forecasts."""
    from models_ml.margin_risk.score import score_margin_risk

    since = datetime.now(UTC)
    scored = score_margin_risk(
        release.warehouse,
        release.release_id,
        tracking_uri=settings.mlflow_uri,
        artifact_root=settings.mlflow_artifacts,
        output=margin_risk_path(settings, release.release_id),
        progress=report,
    )
    LineageEvents(settings).ran(
        "score.margin_risk",
        release.release_id,
        reads=[*_features("margin_risk"), f"model_version.{scored.model_name}/{scored.model_version}"],
        makes=[f"margin_risk.{release.release_id}"],
        since=since,
        release=release.release_id,
    )
    return scored


def margin_risk_path(settings: Settings, release_id: str) -> Path:
    """Where the margin risk scores of a release are."""
    return settings.var_dir / "forecasts" / release_id / "margin_risk.parquet"


def approve_first(settings: Settings, trained: TrainedModel) -> bool:
    """In the demo, if no version scores yet, the demo's ml_reviewer approves a first one that earns it.

    It is a recorded review like any other and says what it is; every later version waits for a person.
    """
    from api.services.model_service import ModelService
    from models_ml.lifecycle import registry

    champion = registry.champion(settings.mlflow_uri, trained.name)
    if settings.mode != "demo" or champion is not None or not _EARNS[trained.name](trained.metrics):
        return False
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    try:
        models, reviewer = ModelService(settings, store), Directory.load().user("ml_reviewer")
        models.judge(
            reviewer,
            trained.name,
            trained.version,
            decision="approve",
            reason=f"First version of the demo: {_REASONS[trained.name]} in its backtest.",
            request_id="pipeline",
        )
        models.promote(reviewer, trained.name, trained.version, request_id="pipeline")
    finally:
        store.close()
    return True


def _train(name: str, settings: Settings, release: Release, report: Progress) -> TrainedModel:
    if name == "demand":
        from models_ml.demand.train import train_demand as train
    else:
        from models_ml.margin_risk.train import train_margin_risk as train  # type: ignore[assignment]

    return train(
        release.warehouse,
        release.release_id,
        tracking_uri=settings.mlflow_uri,
        artifact_root=settings.mlflow_artifacts,
        git_commit=_git_commit(),
        progress=report,
    )


def _remember_codes(settings: Settings, release: Release, trained: TrainedModel, report: Progress) -> None:
    """What the version knows of departments, categories, regions, channels and stores: monitoring asks."""
    from models_ml.drift.codes import codes_path, save_codes

    path = codes_path(settings.mlflow_artifacts, trained.version)
    if not path.exists():
        report("remembering the codes it was trained with")
        save_codes(release.warehouse, path)


def _report_trained(settings: Settings, trained: TrainedModel, since: datetime) -> None:
    LineageEvents(settings).ran(
        f"train.{trained.name}",
        trained.version,
        reads=_features(trained.name),
        makes=[f"model_version.{trained.name}/{trained.version}"],
        since=since,
        release=trained.release_id,
    )


def _features(model: str) -> list[str]:
    return sorted({f"feature.{table}" for table, _ in READS[model]()})


def _demand_earns(scored: dict[str, float]) -> bool:
    """The category tier beats last week and the moving average on WAPE and on pinball loss."""
    return all(
        scored[f"category_demand_{name}"] < scored[f"category_{baseline}_{name}"]
        for name in ("wape", "pinball")
        for baseline in ("last_week", "ma13")
    )


def _margin_risk_earns(scored: dict[str, float]) -> bool:
    """Orders risks better than both rules, finds more of the money, and its chances are truer than the
    calibrated rule's."""
    rules = ("repeat", "category_rate")
    return scored["model_brier"] < scored["repeat_calibrated_brier"] and all(
        scored[f"model_{name}"] > scored[f"{rule}_{name}"]
        for name in ("auc", "money_captured")
        for rule in rules
    )


_EARNS = {"demand": _demand_earns, "margin_risk": _margin_risk_earns}
_REASONS = {
    "demand": "beats both baselines on WAPE and pinball loss",
    "margin_risk": "beats its rules on AUC, shortfall money found and Brier score",
}


def _headline(trained: TrainedModel) -> str:
    """The version and its headline beside the baseline's."""
    scored, version = trained.metrics, f"{trained.name} version {trained.version}"
    if trained.name == "demand":
        ours, theirs = scored["category_demand_wape"], scored["category_ma13_wape"]
        return f"{version}: WAPE {ours:.3f}, moving average 13 {theirs:.3f}"
    ours, theirs = scored["model_auc"], scored["repeat_auc"]
    return f"{version}: AUC {ours:.3f}, last four weeks repeat {theirs:.3f}"


def _git_commit() -> str:
    """The checkout's commit, or 'unknown' outside a checkout."""
    root = Path(__file__).resolve().parent
    completed = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return completed.stdout.strip() or "unknown"
