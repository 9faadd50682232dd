"""A trained margin risk model as files, under one digest."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import xgboost as xgb

from models_ml.errors import ArtifactChangedError
from models_ml.lifecycle.artifacts import bundle_digest
from models_ml.margin_risk.calibration import Calibration
from models_ml.margin_risk.model import MarginRiskModel


def save_bundle(model: MarginRiskModel, folder: Path) -> str:
    """Write the model below `folder`; returns the digest."""
    folder.mkdir(parents=True, exist_ok=True)
    model.chance.save_model(folder / "chance.ubj")
    model.severity.save_model(folder / "severity.ubj")
    plain = {"names": model.names, "drivers": model.drivers, "calibration": asdict(model.calibration)}
    (folder / "model.json").write_text(json.dumps(plain, sort_keys=True))
    return bundle_digest(folder)


def load_bundle(folder: Path, digest: str | None = None) -> MarginRiskModel:
    """The model. Raises ArtifactChangedError when `digest` is given and the files are not those."""
    if digest is not None and bundle_digest(folder) != digest:
        raise ArtifactChangedError(
            f"The margin risk model in {folder.name} is not the artifact that was approved.",
            hint="Restore the artifact, or train and approve a new version.",
        )
    plain = json.loads((folder / "model.json").read_text())
    return MarginRiskModel(
        plain["names"],
        plain["drivers"],
        xgb.Booster(model_file=folder / "chance.ubj"),
        xgb.Booster(model_file=folder / "severity.ubj"),
        Calibration(**plain["calibration"]),
    )
