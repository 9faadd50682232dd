"""Training and scoring of every model of the platform, as the pipeline and the command line run them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.pipeline.results import SearchResult, TrainedVersion, TrainResult, Trial
from api.services.lineage_events import LineageEvents
from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.identity import Directory
from governance.progress import Progress
from governance.releases import Release, ReleaseStore
from models_ml.errors import NotEnoughHistoryError
from models_ml.models import MODELS, reads_of

if TYPE_CHECKING:
    from models_ml.lifecycle.champion import Approved
    from models_ml.lifecycle.spec import ModelSpec, Scored
    from models_ml.lifecycle.training import TrainedModel


def train_models(settings: Settings, report: Progress, names: Iterable[str] | None = None) -> TrainResult:
    """Backtest, fit and register the named models (all by default) on the current release.

    A model that the data do not suffice for waits, with the reason; one that fails does not keep the others
    from being trained: its error is raised after them.
    """
    release = ReleaseStore(settings.var_dir).current()
    trained: list[TrainedVersion] = []
    waits: dict[str, str] = {}
    failures: list[Exception] = []
    for spec in MODELS.values() if names is None else [MODELS[name] for name in names]:
        try:
            trained.append(_train(settings, release, spec, report))
        except NotEnoughHistoryError as missing:
            waits[spec.name] = missing.message
        except Exception as failure:  # raised below, once the other models are trained
            failures.append(failure)
    if failures:
        raise failures[0]
    unchanged = bool(trained) and all(model.unchanged for model in trained)
    return TrainResult(models=trained, waits=waits, unchanged=unchanged)


def _train(settings: Settings, release: Release, spec: ModelSpec, report: Progress) -> TrainedVersion:
    """One model trained, recorded and, in the demo, approved as a first one."""
    since = datetime.now(UTC)
    trained = spec.train(
        release.warehouse,
        release.release_id,
        tracking_uri=settings.mlflow_uri,
        artifact_root=settings.mlflow_artifacts,
        git_commit=_git_commit(),
        progress=report,
    )
    _record_training(settings, trained)
    if not trained.reused:
        _report_trained(settings, trained, since)
    if spec.is_watched:
        _remember_codes(settings, release, trained, report)
    more = {
        "approved_as_first": approve_first(settings, trained),
        "headline": f"{trained.name} version {trained.version}: {spec.headline(trained.metrics)}",
    }
    return TrainedVersion.model_validate(trained.as_dict() | more)


def search_demand(settings: Settings, report: Progress, *, trials: int, seconds: float) -> SearchResult:
    """Search the demand model's settings on the weeks before the first reported origin; changes none of them.

    Logged in MLflow beside the trainings. Returns every trial, the settings in force first, and the best.
    """
    from models_ml.demand.panel import read_panel
    from models_ml.demand.search import search_settings
    from models_ml.demand.settings import FULL
    from models_ml.demand.train import backtest_origins
    from models_ml.lifecycle.search_log import log_search

    release = ReleaseStore(settings.var_dir).current()
    panels = [read_panel(release.warehouse, tier) for tier in FULL.backtest_tiers]
    before_week = backtest_origins(panels[0])[1]
    search = search_settings(panels, before_week, FULL, trials=trials, seconds=seconds, progress=report)
    tags = {"kind": "search", "release_id": release.release_id, "git_commit": _git_commit()}
    run_id = log_search(
        settings.mlflow_uri,
        settings.mlflow_artifacts,
        "demand",
        tags=tags,
        trials=search.trials,
    )
    return SearchResult(
        window_through_week=search.window_through_week,
        origins=list(search.origins),
        trials=[Trial.model_validate(asdict(trial)) for trial in search.trials],
        best=Trial.model_validate(asdict(search.best)),
        mlflow_run_id=run_id,
    )


def score_models(
    settings: Settings, release: Release, report: Progress, approved: Approved
) -> dict[str, Scored]:
    """Scores of every model on the release, by the model's name."""
    scores = {}
    for spec in MODELS.values():
        since = datetime.now(UTC)
        scored = spec.score(
            release.warehouse,
            release.release_id,
            tracking_uri=settings.mlflow_uri,
            artifact_root=settings.mlflow_artifacts,
            output=scores_path(settings, release.release_id, spec.name),
            progress=report,
            approved=approved,
        )
        LineageEvents(settings).ran(
            f"score.{spec.name}",
            release.release_id,
            reads=[*_features(spec.name), f"model_version.{scored.model_name}/{scored.model_version}"],
            makes=[f"{spec.scores_node}.{release.release_id}"],
            since=since,
            release=release.release_id,
        )
        scores[spec.name] = scored
    return scores


def scores_path(settings: Settings, release_id: str, name: str) -> Path:
    """Where the scores of a release by a model are."""
    return settings.var_dir / "forecasts" / release_id / f"{name}.parquet"


def approve_first(settings: Settings, trained: TrainedModel) -> bool:
    """In the demo, if no version scores yet, the demo's ml_reviewer approves a first one that earns it.

    It is a recorded review like any other and says what it is; every later version waits for a person.
    """
    from api.services.model_service import ModelService
    from models_ml.lifecycle import registry

    spec, champion = MODELS[trained.name], registry.champion(settings.mlflow_uri, trained.name)
    if settings.mode != "demo" or champion is not None or not spec.earns_promotion(trained.metrics):
        return False
    store = open_ops_store(settings)
    try:
        models, reviewer = ModelService(settings, store), Directory.load().user("ml_reviewer")
        models.judge(
            reviewer,
            trained.name,
            trained.version,
            decision="approve",
            reason=f"First version of the demo: {spec.merit} in its backtest.",
            request_id="pipeline",
        )
        models.promote(reviewer, trained.name, trained.version, request_id="pipeline")
    finally:
        store.close()
    return True


def _remember_codes(settings: Settings, release: Release, trained: TrainedModel, report: Progress) -> None:
    """What the version knows of departments, categories, regions, channels and stores: monitoring asks."""
    from models_ml.drift.codes import codes_path, save_codes

    path = codes_path(settings.mlflow_artifacts, trained.name, trained.version)
    if not path.exists():
        report("remembering the codes it was trained with")
        save_codes(release.warehouse, path)


def _record_training(settings: Settings, trained: TrainedModel) -> None:
    """Who trained the version, from what, sealed in our audit: separation of duties reads it there.

    A version of before such records is taken up with what MLflow says of it and its files.
    """
    from api.services.model_service import registration_of
    from governance.approvals.model_registration import find_registration, record_registration
    from models_ml.lifecycle import registry
    from models_ml.lifecycle.artifacts import bundle_digest

    store = open_ops_store(settings)
    try:
        if find_registration(store, trained.name, trained.version) is not None:
            return
        version = registry.get_version(settings.mlflow_uri, trained.version, trained.name)
        claimed = registration_of(version)
        made_here = {
            "trained_by": trained.trained_by,
            "artifact_digest": bundle_digest(version.bundle),
            "release_id": trained.release_id,
            "fingerprint": trained.fingerprint,
        }
        if not trained.reused:
            made_here["code_version"] = _git_commit()
        record_registration(store, replace(claimed, **made_here), now=datetime.now(UTC))
    finally:
        store.close()


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
    return sorted({f"feature.{table}" for table, _ in reads_of(model)})


def _git_commit() -> str:
    """The checkout's commit, or 'unknown' outside a checkout."""
    root = Path(__file__).resolve().parent
    completed = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return completed.stdout.strip() or "unknown"
