"""What every training does with its result: register it, keep a receipt, give it back where nothing moved."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from governance.disk import atomic_write
from governance.json_types import JsonDict
from models_ml.lifecycle import registry
from models_ml.lifecycle.artifacts import bundle_digest
from models_ml.lifecycle.registry import ModelVersion

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


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
    evaluation: list[JsonDict]
    reused: bool

    def as_dict(self) -> JsonDict:
        return {**self.__dict__, "unchanged": self.reused}


@dataclass(frozen=True)
class Candidate:
    """A fitted model before its registration: what it was made from, how it did, and how it is written.

    `save` writes the bundle into a folder and returns its digest; `log` logs bundle and evaluation file as a
    model of the active run.
    """

    name: str
    fingerprint: str
    code: str
    release_id: str
    git_commit: str
    trained_by: str
    last_week: int
    settings: JsonDict
    metrics: dict[str, float]
    evaluation: pd.DataFrame
    card: str
    save: Callable[[Path], str]
    log: Callable[[Path, Path], ModelInfo]
    tags: dict[str, str] = field(default_factory=dict)


def register_candidate(
    candidate: Candidate,
    *,
    tracking_uri: str,
    artifact_root: Path,
    attach: Callable[[ModelVersion], None] | None = None,
) -> TrainedModel:
    """A new version of the model, its evidence attached (`attach`), and the receipt that a later run reads.

    Makes a challenger: no alias moves here.
    """
    table = candidate.evaluation.to_json(orient="records")
    with tempfile.TemporaryDirectory() as scratch:
        bundle, table_file = Path(scratch) / "bundle", Path(scratch) / "evaluation.json"
        digest = candidate.save(bundle)
        table_file.write_text(table)
        tags = {
            "artifact_digest": digest, "training_fingerprint": candidate.fingerprint,
            "release_id": candidate.release_id, "git_commit": candidate.git_commit,
            "trained_by": candidate.trained_by, "code_fingerprint": candidate.code,
            "trained_through_week": str(candidate.last_week),
        }  # fmt: skip
        version = registry.register(
            tracking_uri,
            artifact_root,
            bundle,
            tags={**tags, **candidate.tags},
            metrics=candidate.metrics,
            params=candidate.settings,
            documents={
                "model_card.md": candidate.card,
                "evaluation.csv": candidate.evaluation.to_csv(index=False),
            },
            log_model=lambda folder: candidate.log(folder, table_file),
            name=candidate.name,
        )
    if attach is not None:
        attach(version)
    trained = TrainedModel(
        version.name, version.version, digest, candidate.fingerprint, candidate.release_id,
        candidate.trained_by, candidate.metrics, json.loads(table), reused=False,
    )  # fmt: skip
    receipt = {**trained.__dict__, "bundle": str(version.bundle), "tracking_uri": tracking_uri}
    atomic_write(_receipt(artifact_root, trained.name), json.dumps(receipt))
    return trained


def previous_training(
    artifact_root: Path, name: str, fingerprint: str, tracking_uri: str
) -> TrainedModel | None:
    """The last training of `name`, where its fingerprint is this one and its files are intact."""
    path = _receipt(artifact_root, name)
    if not path.exists():
        return None
    receipt = json.loads(path.read_text())
    bundle, where = Path(receipt.pop("bundle")), receipt.pop("tracking_uri")
    if receipt["fingerprint"] != fingerprint or where != tracking_uri or not bundle.exists():
        return None
    if bundle_digest(bundle) != receipt["digest"]:
        return None
    return TrainedModel(**{**receipt, "reused": True})


def _receipt(artifact_root: Path, name: str) -> Path:
    """Written down beside the artifacts, readable without MLflow."""
    return artifact_root / f"{name}_trained.json"
