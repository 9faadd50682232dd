"""The demand model as the platform knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from governance.progress import Progress, silent
from models_ml.demand.reads import demand_reads, rule_reads
from models_ml.demand.settings import MODEL_NAME
from models_ml.lifecycle.spec import Columns, FeatureSample, Metrics, ModelSpec, Scored

if TYPE_CHECKING:
    from models_ml.lifecycle.champion import Approved
    from models_ml.lifecycle.training import TrainedModel


class DemandSpec(ModelSpec):
    """Units a week for eight weeks, by store × category and top product × store."""

    name = MODEL_NAME
    baseline = "moving-average-13"
    columns = ("tier", "model", "wape", "rmsse", "pinball", "coverage_80", "bias_median", "bias_mean")
    is_watched = True
    scores_node = "forecast"
    merit = "beats both baselines on WAPE and pinball loss"

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
        from models_ml.demand.train import train_demand

        return train_demand(
            warehouse, release_id, tracking_uri=tracking_uri, artifact_root=artifact_root,
            git_commit=git_commit, progress=progress,
        )  # fmt: skip

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
        from models_ml.demand.score import score_demand

        return score_demand(
            warehouse, release_id, tracking_uri=tracking_uri, artifact_root=artifact_root, output=output,
            progress=progress, approved=approved,
        )  # fmt: skip

    def load(self, folder: Path, digest: str) -> object:
        from models_ml.demand.bundle import load_bundle

        return load_bundle(folder, digest)

    def reads(self) -> Columns:
        return demand_reads()

    def baseline_reads(self) -> Columns:
        return rule_reads()

    def earns_promotion(self, metrics: Metrics) -> bool:
        """The category tier beats last week and the moving average on WAPE and on pinball loss."""
        return all(
            metrics[f"category_demand_{name}"] < metrics[f"category_{baseline}_{name}"]
            for name in ("wape", "pinball")
            for baseline in ("last_week", "ma13")
        )

    def headline(self, metrics: Metrics) -> str:
        if "category_demand_wape" not in metrics:
            return "no backtest"
        ours, theirs = metrics["category_demand_wape"], metrics["category_ma13_wape"]
        return f"WAPE {ours:.3f}, moving average 13 {theirs:.3f}"

    def sample_features(
        self, warehouse: Path, regions: Mapping[str, str], model: object | None
    ) -> FeatureSample | None:
        from models_ml.demand.monitoring import sample_category_features

        return sample_category_features(warehouse, regions, model)

    def backtest(self, artifact_root: Path, version: str) -> Path | None:
        from models_ml.demand.artifacts import backtest_path

        path = backtest_path(artifact_root, self.name, version)
        return path if version and path.exists() else None
