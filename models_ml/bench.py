"""The full benchmark of the demand model: both tiers at the origins of the protocol, written for an
outside score."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd

from models_ml.demand.settings import FULL, DemandSettings
from models_ml.evaluate.backtest import Progress, roll, silent
from models_ml.evaluate.metrics import NAMES
from models_ml.evaluate.tables import evaluation_table, write_backtest
from models_ml.panel import read_panel

ORIGINS = [29, 37, 45]
WARM_UP = 21  # its forecasts calibrate the first reported origin
TARGETS = {  # at most; coverage lies between two numbers
    "category": {"wape": 0.592, "pinball": 0.695, "rmsse": 0.709},
    "product": {"wape": 0.860, "pinball": 0.224, "rmsse": 0.625},
}


def benchmark_demand(
    warehouse: Path, output: Path, settings: DemandSettings = FULL, progress: Progress = silent
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Rows for the benchmark's report and the evaluation table; writes every forecast to `output`
    (Parquet)."""
    rows: list[dict[str, Any]] = []
    results, tables = [], []
    for tier in settings.tiers:
        started = time.monotonic()
        panel = read_panel(warehouse, tier)
        result = roll(panel, panel.selling(panel.column(ORIGINS[0])), [WARM_UP, *ORIGINS], settings, progress)
        seconds = time.monotonic() - started
        table = evaluation_table(result, ORIGINS)
        results.append(result)
        tables.append(table)
        rows += _rows(tier, table, seconds)
    write_backtest(results, ORIGINS, output)
    return rows, pd.concat(tables, ignore_index=True)


def _rows(tier: str, table: pd.DataFrame, seconds: float) -> list[dict[str, Any]]:
    scores = {
        str(row["model"]): {name: float(row[name]) for name in NAMES}
        for row in table[table["slice"] == "all"].to_dict("records")
    }
    ours, rule = scores["demand"], scores["moving average 13"]
    out = [
        _row(tier, metric, ours[metric], f"<= {limit}", ours[metric] <= limit, peer=rule[metric])
        for metric, limit in TARGETS[tier].items()
    ]
    bias = 0.03 if tier == "category" else 0.05
    out.append(_row(tier, "mean bias", ours["bias_mean"], f"±{bias}", abs(ours["bias_mean"]) <= bias))
    covered = ours["coverage_80"]
    out.append(_row(tier, "80 % coverage", covered, "0.78-0.82", 0.78 <= covered <= 0.82))
    out.append(_row(tier, "backtest, four fits", seconds, "", True, unit="s"))
    return out


def _row(
    tier: str,
    name: str,
    measured: float,
    target: str,
    holds: bool,
    *,
    unit: str = "",
    peer: float | None = None,
) -> dict[str, Any]:
    return {
        "section": "models",
        "name": f"demand {tier}: {name}",
        "unit": unit,
        "measured": round(measured, 4),
        "target": target,
        "peer": None if peer is None else round(peer, 4),
        "ratio": None if peer is None else round(measured / peer, 4),
        "holds": holds,
    }
