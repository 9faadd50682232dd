"""The approved champion of a model, its files checked against the approved digest; or why there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from governance.disk import atomic_write
from governance.json_types import JsonDict
from models_ml.errors import ModelError, RegistryUnavailableError
from models_ml.lifecycle import registry
from models_ml.lifecycle.registry import ModelVersion

STALE_AFTER_WEEKS = 8
Model = TypeVar("Model")
Approved = Callable[[ModelVersion], bool]


@dataclass(frozen=True)
class Champion(Generic[Model]):
    """The loaded model, or None and the reason; `note` says where it came from if not from MLflow."""

    model: Model | None
    version: str
    reason: str = ""
    note: str = ""
    trained_through_week: int = 0


def find_champion(
    name: str,
    load: Callable[[Path, str], Model],
    *,
    tracking_uri: str,
    artifact_root: Path,
    last_week: int,
    approved: Approved | None = None,
) -> Champion[Model]:
    """The champion `name` as `load(folder, digest)` gives it; None if missing, unapproved, stale, changed.

    `approved` asks the record of decisions; without it the evidence that promotion left with the version
    counts.
    """
    note = ""
    try:
        receipt = _from_mlflow(tracking_uri, name, approved)
    except Exception as error:  # the registry may be down in any way; the last approved model still scores
        if isinstance(error, ModelError) and not isinstance(error, RegistryUnavailableError):
            return Champion(None, "", error.message)
        note = f"registry not reachable ({type(error).__name__}); last approved model used"
        path = receipt_path(artifact_root, name)
        receipt = json.loads(path.read_text()) if path.exists() else None
    label = name.replace("_", " ")
    if receipt is None:
        return Champion(None, "", f"no approved {label} model", note)
    if last_week - receipt["trained_through_week"] > STALE_AFTER_WEEKS:
        return Champion(None, "", f"{label} model {receipt['version']} is stale: trained through week "
                        f"{receipt['trained_through_week']}, data reach week {last_week}", note)  # fmt: skip
    try:
        model = load(Path(receipt["bundle"]), receipt["digest"])
    except (KeyError, TypeError, ValueError):
        why = "its files are of another version of Steelyard; train it anew"
        return Champion(None, "", f"{label} model {receipt['version']}: {why}", note)
    except (ModelError, OSError) as error:
        return Champion(None, "", f"{label} model {receipt['version']}: {error}", note)
    return Champion(model, receipt["version"], "", note, int(receipt["trained_through_week"]))


def save_receipt(artifact_root: Path, version: ModelVersion) -> None:
    """Keep what is needed to score with the approved model while the registry is down."""
    artifact_root.mkdir(parents=True, exist_ok=True)
    needed = _needed(version) | {"bundle": str(version.bundle)}
    atomic_write(receipt_path(artifact_root, version.name), json.dumps(needed))


def receipt_path(artifact_root: Path, name: str) -> Path:
    """Where the last approved model is written down, readable without MLflow."""
    return artifact_root / f"champion_{name}.json"


def _from_mlflow(tracking_uri: str, name: str, approved: Approved | None) -> JsonDict | None:
    if tracking_uri.startswith("sqlite:///") and not Path(tracking_uri.removeprefix("sqlite:///")).exists():
        raise FileNotFoundError(tracking_uri)
    version = registry.champion(tracking_uri, name)
    if version is None:
        return None
    if not (registry.is_approved(tracking_uri, version) and (approved is None or approved(version))):
        raise ModelError(
            f"{name.replace('_', ' ')} model {version.version} holds the alias without an approval."
        )
    return _needed(version)


def _needed(version: ModelVersion) -> JsonDict:
    return {"version": version.version, "digest": version.digest, "bundle": version.bundle,
            "trained_through_week": version.trained_through_week}  # fmt: skip
