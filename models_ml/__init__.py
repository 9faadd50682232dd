"""Models that earn their promotion: features, training, evaluation, registry, scoring, recommendations.

Public: `train_demand` (a challenger from a release), `promote` with `evidence_for` (the champion moves on an
approval only), `score_demand` (eight weeks ahead, by the model or a baseline and why), `recommend`
(what to order, move, mark down, hurry, put off, cancel and look into). `DemandPyfunc` and `MarginRiskPyfunc`
are what MLflow serves: stored artifacts name them here.
Heavy libraries are loaded on first use of a name, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "train_demand": "models_ml.demand.train",
    "TrainedModel": "models_ml.lifecycle.training",
    "DemandSettings": "models_ml.demand.settings",
    "DemandPyfunc": "models_ml.demand.pyfunc",
    "MarginRiskPyfunc": "models_ml.margin_risk.pyfunc",
    "promote": "models_ml.lifecycle.promotion",
    "evidence_for": "models_ml.lifecycle.promotion",
    "ApprovalEvidence": "models_ml.lifecycle.registry",
    "ModelVersion": "models_ml.lifecycle.registry",
    "model_versions": "models_ml.lifecycle.registry",
    "compare_with_champion": "models_ml.lifecycle.comparison",
    "score_demand": "models_ml.demand.score",
    "Scored": "models_ml.lifecycle.spec",
    "recommend": "models_ml.recommend.run",
    "ReorderParameters": "models_ml.recommend.parameters",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'models_ml' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), "versions" if name == "model_versions" else name)
