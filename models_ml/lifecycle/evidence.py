"""Evidence for the reviewer of a version: what its model draws, its feature lineage, its evaluation."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from models_ml.lifecycle.registry import ModelVersion, client, reaching_registry
from models_ml.lifecycle.spec import Columns

FOLDER = "evidence"
REPORT = "evidently_evaluation.html"


@reaching_registry()
def log_evidence(
    tracking_uri: str,
    version: ModelVersion,
    evaluation: pd.DataFrame,
    reads: Columns,
    draw: Callable[[Path], None],
) -> list[str]:
    """Log what `draw` writes into a folder with the version's run, beside its feature lineage (`reads`) and
    every slice of its evaluation; the names of the artifacts."""
    mlflow = client(tracking_uri)
    run_id = mlflow.get_model_version(version.name, version.version).run_id
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw(folder)
        (folder / "feature_lineage.json").write_text(json.dumps(feature_lineage(reads), indent=1))
        (folder / "evaluation_slices.csv").write_text(evaluation.to_csv(index=False))
        names = sorted(path.name for path in folder.iterdir())
        mlflow.log_artifacts(str(run_id), str(folder), FOLDER)
    return names


def feature_lineage(reads: Columns) -> dict[str, list[str]]:
    """Tables of the release that a model's features come from, with the columns that are read."""
    out: dict[str, list[str]] = {}
    for table, column in sorted(reads):
        out.setdefault(table, []).append(column)
    return out
