"""A second training on newer weeks, while an approved champion scores."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from models_ml import evidence_for, promote, score_demand, train_demand
from models_ml.demand.settings import DemandSettings
from models_ml.lifecycle import registry
from models_ml.lifecycle.artifacts import bundle_digest
from tests.faults.scenes import Scene, State, files
from tests.models_ml.small_warehouse import write_features

QUICK = DemandSettings(rows=1000, quantile_rounds=3, mean_rounds=3, depth=2, least_child_weight=5, threads=1)


def _where(root: Path) -> dict:
    return {"tracking_uri": f"sqlite:///{root}/mlflow.db", "artifact_root": root / "artifacts"}


def first(root: Path) -> None:
    """The first training, into a registry that does not exist yet."""
    train_demand(root / "warehouse.duckdb", "R1", git_commit="abc", settings=QUICK, **_where(root))


def prepare_first(root: Path) -> None:
    write_features(root / "warehouse.duckdb")


def prepare(root: Path) -> None:
    """Version 1 is champion; the data have grown by a week since."""
    write_features(root / "warehouse.duckdb", last_week=52)
    first(root)
    uri, artifacts = _where(root).values()
    promote(uri, artifacts, evidence_for(uri, "1", name="demand", approved_by="ml_reviewer", decision_id="D1",
                                         decided_at=datetime(2026, 1, 5, tzinfo=UTC)))  # fmt: skip
    shutil.move(root / "warehouse.duckdb", root / "before.duckdb")
    write_features(root / "warehouse.duckdb")


def state(root: Path) -> State:
    """Versions as a reviewer sees them, the receipts, and the backtests; run ids and times left out."""
    uri, artifacts = _where(root).values()
    return {
        "versions": _versions(uri) if (root / "mlflow.db").exists() else [],
        "receipt": _receipt(artifacts / "demand_trained.json"),
        "backtests": {
            p.name: pd.read_parquet(p).to_json() for p in sorted(artifacts.glob("backtests/*.parquet"))
        },
        "left": [name for name in files(root) if name.endswith((".partial", ".new", "-journal"))],
    }


def _versions(uri: str) -> list[dict]:
    versions = []
    for version in registry.versions(uri, "demand"):
        assert bundle_digest(version.bundle) == version.digest, "a version that is not what it says"
        plain = version.as_dict()
        for name in ("bundle", "registered_at", "promoted_at"):
            plain.pop(name)
        versions.append(plain | {"evidence": _evidence(uri, version)})
    return versions


def _evidence(uri: str, version: registry.ModelVersion) -> list[str]:
    mlflow = registry.client(uri)
    run_id = mlflow.get_model_version(version.name, version.version).run_id
    folders = [None, "evidence"]
    return sorted({item.path for folder in folders for item in mlflow.list_artifacts(run_id, folder)})


def _receipt(path: Path) -> dict:
    if not path.exists():
        return {}
    return {k: v for k, v in json.loads(path.read_text()).items() if k != "bundle"}


def between(root: Path, before: State, after: State) -> None:
    """The champion is untouched and scores; every version that is listed is described in full."""
    uri = _where(root)["tracking_uri"]
    if not (root / "mlflow.db").exists():
        return
    listed = _versions(uri)
    for version in listed:
        assert version["metrics"] and version["fingerprint"] and version["trained_by"], version
    if before["versions"]:
        assert [v["version"] for v in listed if v["aliases"]] == ["1"]
        scored = score_demand(
            root / "before.duckdb", "R1", output=root / "scored" / "demand.parquet", **_where(root)
        )
        assert (scored.model_name, scored.model_version, scored.note) == ("demand", "1", "")
        shutil.rmtree(root / "scored")


FIRST = Scene("first training", prepare_first, first, state, between)
AGAIN = Scene("training", prepare, first, state, between)
