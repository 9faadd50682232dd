"""The steps of the main job in their order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from api.pipeline.build import (
    build_fingerprint,
    build_step,
    data_fingerprint,
    ingest_step,
    publish_step,
    serves,
)
from api.pipeline.checkpoint import code_fingerprint
from api.pipeline.models import train_models
from api.pipeline.monitor import monitor_step, still_watched
from api.pipeline.recommend import recommend_step, still_proposed
from api.pipeline.record import (
    measure_mark,
    measure_step,
    outcomes_are_there,
    record_step,
    recorded_mark,
    tables_are_there,
)
from api.pipeline.results import (
    BuildResult,
    IngestResult,
    MeasureResult,
    MonitorResult,
    PublishResult,
    RecommendResult,
    RecordResult,
    TrainResult,
)
from api.pipeline.step import Step
from api.settings import Settings
from governance.progress import Progress
from governance.releases import ReleaseStore
from models_ml.models import MODELS


def train_step(settings: Settings, report: Progress) -> TrainResult:
    """Backtest, fit and register every model on the current release."""
    return train_models(settings, report)


def _retailers_data_and_code(settings: Settings) -> str:
    """For steps that read the retailer's data of the published release with our model code.

    What the platform recorded itself is left out: it makes a new release, but neither a new model nor new
    recommendations.
    """
    from integrations.contracts import platform_contracts

    ours = platform_contracts().keys()
    data = data_fingerprint(settings, without=ours)
    return f"{data}:{code_fingerprint(Path(__file__).parents[2] / 'models_ml')}"


def _champion_too(settings: Settings) -> str:
    """The above, and which model may score: a promotion or roll back makes new recommendations."""
    from models_ml.lifecycle.champion import receipt_path

    receipts = [receipt_path(settings.mlflow_artifacts, name) for name in MODELS]
    champion = "\n".join(path.read_text() if path.exists() else "none" for path in receipts)
    return f"{_retailers_data_and_code(settings)}:{hashlib.sha256(champion.encode()).hexdigest()[:16]}"


def _nothing_serves(settings: Settings) -> str:
    """Why a step that reads a release cannot run; empty if one serves."""
    serves_one = ReleaseStore(settings.var_dir).current_id() is not None
    return "" if serves_one else "no release serves yet"


STEPS: tuple[Step[Any], ...] = (
    Step("ingest", "Ingest", ingest_step, IngestResult),
    Step("build", "Build", build_step, BuildResult, after=("ingest",)),
    Step("publish", "Publish", publish_step, PublishResult, build_fingerprint, serves, after=("build",)),
    # These read the release that serves; if the build failed, the last one.
    Step("train", "Train", train_step, TrainResult, _retailers_data_and_code, obstacle=_nothing_serves),
    Step("monitor", "Monitor", monitor_step, MonitorResult, _champion_too, still_watched,
         obstacle=_nothing_serves),
    Step("recommend", "Recommend", recommend_step, RecommendResult, _champion_too, still_proposed,
         obstacle=_nothing_serves),
    Step("measure", "Measure", measure_step, MeasureResult, measure_mark, outcomes_are_there,
         obstacle=_nothing_serves),
    Step("record", "Record", record_step, RecordResult, recorded_mark, tables_are_there,
         obstacle=_nothing_serves),
    # The release again, with what was just recorded; if nothing was, the one that serves already.
    Step("rebuild", "Rebuild", build_step, BuildResult, after=("publish", "record")),
    Step("republish", "Republish", publish_step, PublishResult, build_fingerprint, serves,
         after=("rebuild",)),
)  # fmt: skip
