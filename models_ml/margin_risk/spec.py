"""The margin risk model as the platform knows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from governance.progress import Progress, silent
from models_ml.lifecycle.spec import Columns, Metrics, ModelSpec, Scored
from models_ml.margin_risk.reads import margin_risk_reads
from models_ml.margin_risk.settings import MODEL_NAME

if TYPE_CHECKING:
    from models_ml.lifecycle.champion import Approved
    from models_ml.lifecycle.training import TrainedModel


class MarginRiskSpec(ModelSpec):
    """Chance and size of a miss of the margin target in four weeks, by store × category."""

    name = MODEL_NAME
    baseline = "last-four-weeks-repeat"
    columns = ("model", "auc", "money_captured", "calibration_error", "brier", "money_bias")
    scores_node = "margin_risk"
    merit = "beats its rules on AUC, shortfall money found and Brier score"

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
        from models_ml.margin_risk.train import train_margin_risk

        return train_margin_risk(
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
        from models_ml.margin_risk.score import score_margin_risk

        return score_margin_risk(
            warehouse, release_id, tracking_uri=tracking_uri, artifact_root=artifact_root, output=output,
            progress=progress, approved=approved,
        )  # fmt: skip

    def load(self, folder: Path, digest: str) -> object:
        from models_ml.margin_risk.bundle import load_bundle

        return load_bundle(folder, digest)

    def reads(self) -> Columns:
        return margin_risk_reads()

    def earns_promotion(self, metrics: Metrics) -> bool:
        """Orders risks better than both rules, finds more of the money, and its chances are truer than the
        calibrated rule's."""
        return metrics["model_brier"] < metrics["repeat_calibrated_brier"] and all(
            metrics[f"model_{name}"] > metrics[f"{baseline}_{name}"]
            for name in ("auc", "money_captured")
            for baseline in ("repeat", "category_rate")
        )

    def headline(self, metrics: Metrics) -> str:
        if "model_auc" not in metrics:
            return "no backtest"
        return f"AUC {metrics['model_auc']:.3f}, last four weeks repeat {metrics['repeat_auc']:.3f}"
