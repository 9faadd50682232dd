"""Searches of settings, logged beside the trainings; what they find is evidence for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from models_ml.lifecycle.registry import client, experiment_of, reaching_registry


@dataclass(frozen=True)
class Trial:
    """One set of settings and its mean scores over origins by tier; `relative_pinball` is against the
    settings in force, below one is better."""

    settings: Mapping[str, float]
    relative_pinball: float
    scores: Mapping[str, float]
    seconds: float


@reaching_registry()
def log_search(
    tracking_uri: str, artifact_root: Path, name: str, *, tags: Mapping[str, str], trials: Sequence[Trial]
) -> str:
    """Log a search in the model's experiment, a step a trial. Registers nothing; returns the run's id."""
    mlflow_client = client(tracking_uri)
    import mlflow

    experiment_id = experiment_of(mlflow_client, artifact_root, name)
    run_name = f"search {tags['release_id']}"
    with mlflow.start_run(experiment_id=experiment_id, tags=dict(tags), run_name=run_name) as run:
        for number, trial in enumerate(trials):
            mlflow.log_metrics({"relative_pinball": trial.relative_pinball, **trial.scores}, step=number)
        mlflow.log_text(json.dumps([asdict(trial) for trial in trials], indent=1), "trials.json")
    return str(run.info.run_id)
