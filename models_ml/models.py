"""Every model of the platform: what is here is trained, listed, reviewed, promoted, scored and watched."""

from __future__ import annotations

from models_ml.demand.reads import demand_reads, rule_reads
from models_ml.margin_risk.reads import margin_risk_reads

MODELS = ("demand", "margin_risk")

READS = {
    "demand": demand_reads,
    "moving-average-13": rule_reads,
    "margin_risk": margin_risk_reads,
    "last-four-weeks-repeat": margin_risk_reads,
}
"""By name of the registered model."""
