"""Settings of the demand model: two presets, chosen on weeks 2–29 of the demo only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from governance.json_types import JsonDict

MODEL_NAME = "demand"


@dataclass(frozen=True)
class DemandSettings:
    """What a fit depends on beside the data; equal settings and data give the same model to the bit."""

    rows: int = 110_000  # training rows sampled per fit
    quantile_rounds: int = 130
    mean_rounds: int = 130
    depth: int = 4
    learning_rate: float = 0.06
    least_child_weight: float = 40.0
    column_share: float = 0.5
    row_share: float = 0.7
    bins: int = 64
    kernel_width: float = 0.03  # of the smoothed pinball loss, in shares of a series' level
    tweedie_power: float = 1.3
    first_origin: int = 7  # first training origin, in columns
    level_bins: int = 40
    seed: int = 20170101
    threads: int = 2  # fits side by side; the result does not depend on it
    tiers: tuple[str, ...] = ("category", "product")
    backtest_tiers: tuple[str, ...] = ("category", "product")

    def as_dict(self) -> JsonDict:
        return asdict(self)


FULL = DemandSettings()
"""What the pipeline trains with and the benchmark reports."""
QUICK = DemandSettings(
    rows=50_000, quantile_rounds=70, mean_rounds=80, learning_rate=0.09, tiers=("category",)
)
"""A look in a quarter of the time."""
