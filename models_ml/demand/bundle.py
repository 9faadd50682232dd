"""A trained model as files: one folder per tier, and one digest over all of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xgboost as xgb

from governance.json_types import JsonDict
from models_ml.demand.calibration import Calibration
from models_ml.demand.model import DemandModel, Seen
from models_ml.errors import ArtifactChangedError
from models_ml.evaluate.forecast import LEVELS
from models_ml.lifecycle.artifacts import bundle_digest


def save_bundle(models: dict[str, DemandModel], folder: Path) -> str:
    """Write every tier below `folder`; returns the digest."""
    for tier, model in models.items():
        place = folder / tier
        place.mkdir(parents=True, exist_ok=True)
        model.quantile.save_model(place / "quantile.ubj")
        model.mean.save_model(place / "mean.ubj")
        calibration = model.calibration
        plain = {
            "tier": tier,
            "names": model.names,
            "start": model.start.tolist(),
            "table_level": model.table_level.tolist(),
            "table_ratio": model.table_ratio.tolist(),
            "seen": model.seen
            and {
                "lowest": model.seen.lowest.tolist(),
                "highest": model.seen.highest.tolist(),
                "level": model.seen.level,
            },
            "calibration": calibration
            and {
                "edges": calibration.edges.tolist(),
                "offsets": calibration.offsets.tolist(),
                "off_zero_by_segment": [
                    [float(x) if np.isfinite(x) else None for x in row] for row in calibration.off_zero_from
                ],
            },
        }
        (place / "model.json").write_text(json.dumps(plain, sort_keys=True))
    return bundle_digest(folder)


def load_bundle(folder: Path, digest: str | None = None) -> dict[str, DemandModel]:
    """Models by tier. Raises ArtifactChangedError when `digest` is given and the files are not those."""
    if digest is not None and bundle_digest(folder) != digest:
        raise ArtifactChangedError(
            f"The demand model in {folder.name} is not the artifact that was approved.",
            hint="Restore the artifact, or train and approve a new version.",
        )
    return {place.name: _load(place) for place in sorted(folder.iterdir()) if place.is_dir()}


def _load(place: Path) -> DemandModel:
    plain = json.loads((place / "model.json").read_text())
    stored, seen = plain["calibration"], plain.get("seen")
    return DemandModel(
        tier=plain["tier"],
        names=plain["names"],
        quantile=xgb.Booster(model_file=place / "quantile.ubj"),
        # A version trained on the plain pinball loss tells quantiles whole: its outputs are added to nothing.
        start=np.array(plain.get("start", [0.0] * len(LEVELS)), np.float32),
        mean=xgb.Booster(model_file=place / "mean.ubj"),
        table_level=np.array(plain["table_level"]),
        table_ratio=np.array(plain["table_ratio"]),
        seen=seen
        and Seen(np.array(seen["lowest"], np.float32), np.array(seen["highest"], np.float32), seen["level"]),
        calibration=stored and _calibration(stored),
    )


def _calibration(stored: JsonDict) -> Calibration:
    """As saved; versions from before every segment had its own thresholds use one row of them for all."""
    rows = stored.get("off_zero_by_segment") or [stored["off_zero_from"]] * len(stored["offsets"])
    thresholds = np.array([[np.inf if x is None else x for x in row] for row in rows])
    return Calibration(np.array(stored["edges"]), np.array(stored["offsets"]), thresholds)
