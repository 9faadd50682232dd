"""Demand and margin risk beside their baselines: whole data, origins 29, 37 and 45, horizon 1 to 8 (4).

Writes every backtest forecast to `var/bench/backtest_demand.parquet`, for an outside score.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models_ml.demand.bundle import save_bundle
from models_ml.demand.model import fit
from models_ml.demand.panel import read_panel
from models_ml.demand.settings import FULL, QUICK
from models_ml.demand.train import train_demand
from models_ml.margin_risk.train import train_margin_risk
from tests.bench.demand_benchmark import ORIGINS, bench_row, benchmark_demand
from tests.bench.demand_peers import peers
from tests.bench.margin_risk_benchmark import benchmark_margin_risk
from tests.bench.places import KEPT, VAR, WAREHOUSE
from tests.bench.rows import Row

FORECASTS = KEPT / "backtest_demand.parquet"


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode fits less, the category tier only, and leaves the other methods out."""
    FORECASTS.parent.mkdir(parents=True, exist_ok=True)
    output = FORECASTS.with_name("backtest_demand_quick.parquet") if quick else FORECASTS
    settings = QUICK if quick else FULL
    warehouse = WAREHOUSE
    rows, _ = benchmark_demand(
        warehouse,
        output,
        settings,
        peers=None if quick else peers,
        artifact_root=VAR / "mlflow" / "artifacts",
    )
    risks, _ = benchmark_margin_risk(warehouse, FORECASTS.with_name("backtest_margin_risk.parquet"))
    more = [] if quick else [*_million_weeks(), *_training(warehouse)]
    for row in [*rows, *risks, *more]:
        yield Row(**{name: value for name, value in row.items() if name in Row.__dataclass_fields__})


def _training(warehouse: Path) -> Iterator[dict[str, Any]]:
    """Both models trained as the pipeline does, evidence and registration included, in a register of its own;
    and a model fitted twice."""
    with tempfile.TemporaryDirectory() as place:
        where: dict[str, Any] = {
            "tracking_uri": f"sqlite:///{place}/mlflow.db", "artifact_root": Path(place) / "artifacts",
            "git_commit": "benchmark",
        }  # fmt: skip
        started = time.monotonic()
        for train in (train_demand, train_margin_risk):
            train(warehouse, "benchmark", **where)
        seconds = time.monotonic() - started
        panel = read_panel(warehouse, "category")
        origin = panel.column(ORIGINS[0])
        digests = {
            save_bundle({"category": fit(panel, origin, FULL)}, Path(place) / name) for name in ("one", "two")
        }
    name = "training both models, backtests and evidence included"
    yield bench_row(name, seconds, "<= 300", seconds <= 300, unit="s")
    yield bench_row("different models of one seed, fitted twice", len(digests), "1", len(digests) == 1)


def _million_weeks() -> Iterator[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.million_weeks"], capture_output=True, text=True, check=True
    )
    child = json.loads(done.stdout.splitlines()[-1])
    for name, unit, measured, most in (
        ("a million series-weeks scored", "s", child["seconds"], 60),
        ("a million series-weeks scored, peak memory", "MB", child["peak_mb"], 2000),
    ):
        yield {"section": "models", "name": name, "unit": unit, "measured": measured,
               "target": f"<= {most}", "holds": measured <= most}  # fmt: skip
