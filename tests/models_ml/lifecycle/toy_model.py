"""A third model: next week's units of a store's product are those of the last week, times a factor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd

from governance.progress import Progress, silent
from models_ml.errors import ArtifactChangedError
from models_ml.lifecycle.artifacts import bundle_digest
from models_ml.lifecycle.champion import Approved, find_champion
from models_ml.lifecycle.fingerprint import code_fingerprint, training_fingerprint
from models_ml.lifecycle.spec import Columns, FeatureSample, Metrics, ModelSpec, Scored
from models_ml.lifecycle.training import Candidate, TrainedModel, previous_training, register_candidate

TABLE = "feat_demand_product_week"
UNITS = f"SELECT location_id, department, product_id, week, units FROM {TABLE} ORDER BY ALL"


class ToySpec(ModelSpec):
    """One number, learnt from the whole history."""

    name = "toy"
    baseline = "last-week"
    columns = ("model", "error")
    is_watched = True
    scores_node = "toy"
    merit = "errs less than the last week"

    def train(
        self,
        warehouse: Path,
        release_id: str,
        *,
        tracking_uri: str,
        artifact_root: Path,
        git_commit: str,
        progress: Progress = silent,
    ) -> TrainedModel:
        code = code_fingerprint(Path(__file__))
        fingerprint = training_fingerprint(warehouse, {}, tables=(TABLE,), code=code)
        previous = previous_training(artifact_root, self.name, fingerprint, tracking_uri)
        if previous is not None:
            return previous
        progress("toy: fit")
        units = _units(warehouse)
        factor = float(units["units"].mean() / units["units"].median())
        evaluation = pd.DataFrame({"slice": "all", "model": ["toy", "last week"], "error": [1.0, 2.0]})
        candidate = Candidate(
            self.name, fingerprint, code, release_id, git_commit, "svc-trainer", int(units["week"].max()), {},
            {"toy_error": 1.0, "last_week_error": 2.0}, evaluation, card="# Toy\n",
            save=lambda folder: _save(folder, factor), log=_log,
        )  # fmt: skip
        return register_candidate(candidate, tracking_uri=tracking_uri, artifact_root=artifact_root)

    def score(
        self,
        warehouse: Path,
        release_id: str,
        *,
        tracking_uri: str,
        artifact_root: Path,
        output: Path,
        progress: Progress = silent,
        approved: Approved | None = None,
    ) -> Scored:
        units = _units(warehouse)
        last_week = int(units["week"].max())
        champion = find_champion(
            self.name, self.load, tracking_uri=tracking_uri, artifact_root=artifact_root,
            last_week=last_week, approved=approved,
        )  # fmt: skip
        rows = units[units["week"] == last_week]
        factor = 1.0 if champion.model is None else champion.model
        output.parent.mkdir(parents=True, exist_ok=True)
        rows.assign(next_units=rows["units"] * factor).to_parquet(output, index=False)
        name = self.baseline if champion.model is None else self.name
        return Scored(output, len(rows), name, champion.version or name, release_id, champion.reason)

    def load(self, folder: Path, digest: str) -> float:
        if bundle_digest(folder) != digest:
            raise ArtifactChangedError("The toy is not the one that was approved.")
        return float(json.loads((folder / "model.json").read_text())["factor"])

    def reads(self) -> Columns:
        columns = ("location_id", "department", "product_id", "week", "units")
        return frozenset((TABLE, column) for column in columns)

    def earns_promotion(self, metrics: Metrics) -> bool:
        return metrics["toy_error"] < metrics["last_week_error"]

    def headline(self, metrics: Metrics) -> str:
        return f"error {metrics['toy_error']:.1f}, last week {metrics['last_week_error']:.1f}"

    def sample_features(
        self, warehouse: Path, regions: Mapping[str, str], model: object | None
    ) -> FeatureSample:
        rows = _units(warehouse).rename(columns={"department": "department_name", "units": "last_units"})
        rows = rows.assign(region=rows["location_id"].map(dict(regions)))
        return FeatureSample(self.name, rows, ["last_units"])


def _units(warehouse: Path) -> pd.DataFrame:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(UNITS).df()


def _save(folder: Path, factor: float) -> str:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"factor": factor}))
    return bundle_digest(folder)


def _log(bundle: Path, evaluation: Path) -> object:
    import mlflow

    return mlflow.pyfunc.log_model(
        name="model", python_model=str(Path(__file__).with_name("toy_served.py")),
        artifacts={"bundle": str(bundle), "evaluation": str(evaluation)}, pip_requirements=["pandas"],
    )  # fmt: skip
