"""Settings of the margin risk model, chosen on outcomes known by week 29 of the demo only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from governance.json_types import JsonDict

MODEL_NAME = "margin_risk"
HORIZON_WEEKS = 4
TARGET_WEEKS = 13  # the quarter whose margin rate is to be held


@dataclass(frozen=True)
class MarginRiskSettings:
    """What a fit depends on beside the data; equal settings and data give the same model to the bit."""

    rounds: int = 70
    depth: int = 4
    learning_rate: float = 0.07
    least_child_weight: float = 60.0
    row_share: float = 0.7
    column_share: float = 0.4
    ridge: float = 10.0
    bins: int = 64
    first_origin: int = 8  # first training origin, in columns
    step_weeks: int = 4  # between the earlier forecasts that calibrate
    seed: int = 20170101
    threads: int = 2  # fits side by side; the result does not depend on it

    def as_dict(self) -> JsonDict:
        return asdict(self)


FULL = MarginRiskSettings()
