"""The benchmark of margin risk: the demo's origins 29, 37 and 45, beside its rules, in one run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd

from governance.progress import Progress, silent
from models_ml.margin_risk.backtest import rolling_origin_backtest
from models_ml.margin_risk.evidence import forecasts_and_outcomes
from models_ml.margin_risk.panel import read_margin_panel
from models_ml.margin_risk.scores import margin_table
from models_ml.margin_risk.settings import FULL, MODEL_NAME, MarginRiskSettings
from tests.bench.demand_benchmark import ORIGINS, bench_row

REPEAT, CATEGORY = "last four weeks repeat", "back to the category's rate"


def benchmark_margin_risk(
    warehouse: Path, output: Path, settings: MarginRiskSettings = FULL, progress: Progress = silent
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Rows for the benchmark's report and the evaluation table; writes every forecast of the origins and
    what became of it to `output` (Parquet)."""
    panel = read_margin_panel(warehouse)
    started = time.monotonic()
    result = rolling_origin_backtest(panel, ORIGINS[-1], settings, progress)
    seconds = time.monotonic() - started
    table = margin_table(result, ORIGINS)
    output.parent.mkdir(parents=True, exist_ok=True)
    forecasts_and_outcomes(result, ORIGINS).to_parquet(output, index=False)
    return _rows(table, seconds, len(result.risks)), table


def _rows(table: pd.DataFrame, seconds: float, fits: int) -> list[dict[str, Any]]:
    overall = table[table["slice"] == "all"].to_dict("records")
    scores = {str(row["model"]): {str(k): v for k, v in row.items()} for row in overall}
    ours, repeat, category = (scores[name] for name in (MODEL_NAME, REPEAT, CATEGORY))
    ratio = ours["money_captured"] / repeat["money_captured"]
    figures: list[tuple[str, float, str | None, bool | None, float]] = [
        ("AUC (peer: last four weeks repeat)", ours["auc"], ">= 0.69", ours["auc"] >= 0.69, repeat["auc"]),
        ("AUC (peer: back to the category's rate)", ours["auc"], None, None, category["auc"]),
        ("shortfall money in the top decile", ours["money_captured"], ">= 1.25 x peer", ratio >= 1.25,
         repeat["money_captured"]),
        ("calibration error, ten bins", ours["calibration_error"], "<= 0.03",
         ours["calibration_error"] <= 0.03, repeat["calibration_error"]),
        ("calibration error, worst origin", ours["calibration_error_worst_origin"], None, None,
         repeat["calibration_error_worst_origin"]),
        ("money at risk told over lost, less one", ours["money_bias"], None, None, repeat["money_bias"]),
    ]  # fmt: skip
    rows = [
        bench_row(f"margin risk: {name}", float(value), target, holds, peer=float(peer))
        for name, value, target, holds, peer in figures
    ]
    return [*rows, bench_row(f"margin risk: backtest, {fits} fits", seconds, unit="s")]
