"""The demand model beside its baselines: whole data, both tiers, origins 29, 37 and 45, horizon 1 to 8.

Writes every backtest forecast to `var/bench/backtest_demand.parquet`, for an outside score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from models_ml.bench import benchmark_demand
from models_ml.demand.settings import FULL, PIPELINE
from tests.bench.rows import Row

FORECASTS = Path("var/bench/backtest_demand.parquet")


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode uses the settings of the pipeline's own training, on the category tier only."""
    FORECASTS.parent.mkdir(parents=True, exist_ok=True)
    output = FORECASTS.with_name("backtest_demand_quick.parquet") if quick else FORECASTS
    settings = replace(PIPELINE, tiers=("category",)) if quick else FULL
    rows, _ = benchmark_demand(Path("var/current/warehouse.duckdb"), output, settings)
    for row in rows:
        yield Row(**{name: value for name, value in row.items() if name in Row.__dataclass_fields__})
