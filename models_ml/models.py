"""Every model of the platform: what is here is trained, listed, reviewed, promoted, scored and watched."""

from __future__ import annotations

from models_ml.demand.spec import DemandSpec
from models_ml.lifecycle.spec import Columns, ModelSpec
from models_ml.margin_risk.spec import MarginRiskSpec

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        DemandSpec(),
        MarginRiskSpec(),
    )
}
"""By name. To add a model: its folder, and its line here."""


def reads_of(name: str) -> Columns:
    """What a model, or a baseline, reads of a release; nothing if there is none of that name."""
    for spec in MODELS.values():
        if name == spec.name:
            return spec.reads()
        if name == spec.baseline:
            return spec.baseline_reads()
    return frozenset()
