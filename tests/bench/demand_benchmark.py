"""The full benchmark of the demand model: both tiers at the origins of the protocol, written for an
outside score."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from governance.progress import Progress, silent
from models_ml.demand.backtest import Backtest, reconcile_levels, rolling_origin_backtest
from models_ml.demand.evaluation import CHAMPION, Others, evaluation_table, write_backtest
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.settings import FULL, DemandSettings
from models_ml.demand.train import champion_beside
from models_ml.evaluate.metrics import NAMES
from tests.bench import noise_floor

ORIGINS = [29, 37, 45]
APART = "demand, before levels add up"
FLOOR = "noise floor (oracle)"
LARGE = 100  # series of a department whose coverage is looked at
Peers = Callable[[Panel, list[int]], Others]
WARM_UP = 21  # its forecasts calibrate the first reported origin
TARGETS = {  # at most; coverage lies between two numbers
    "category": {"wape": 0.592, "pinball": 0.695, "rmsse": 0.709},
    "product": {"wape": 0.860, "pinball": 0.224, "rmsse": 0.625},
}


def benchmark_demand(
    warehouse: Path,
    output: Path,
    settings: DemandSettings = FULL,
    progress: Progress = silent,
    *,
    peers: Peers | None = None,
    artifact_root: Path | None = None,
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Rows for the benchmark's report and the evaluation table; writes every forecast to `output`
    (Parquet) and the table beside it.

    `peers` makes forecasts of other methods for the same series and origins. With them comes the noise
    floor: the model's own method on features that also see the weeks around the target. The champion's own
    backtest, below `artifact_root`, stands in the same table.
    """
    results: dict[str, Backtest] = {}
    others: dict[str, Others] = {}
    seconds: dict[str, float] = {}
    for tier in settings.tiers:
        started = time.monotonic()
        panel = read_panel(warehouse, tier)
        chosen, weeks = panel.selling(panel.column(ORIGINS[0])), [WARM_UP, *ORIGINS]
        results[tier] = rolling_origin_backtest(panel, chosen, weeks, settings, progress)
        seconds[tier], others[tier] = time.monotonic() - started, {}
        if artifact_root is not None:
            others[tier] |= champion_beside(artifact_root, results[tier].panel, ORIGINS)
        if peers is not None:
            progress(f"demand, {tier}: other methods and the noise floor")
            others[tier] |= peers(results[tier].panel, ORIGINS)
            floor = rolling_origin_backtest(
                panel, chosen, weeks, settings, progress, oracle=noise_floor.build
            )
            others[tier][FLOOR] = floor.forecasts
    if {"category", "product"} <= results.keys():
        for tier, result in results.items():
            others[tier][APART] = {week: result.forecasts[week] for week in ORIGINS}
        reconcile_levels(results["category"], results["product"], ORIGINS)
    tables = {tier: evaluation_table(results[tier], ORIGINS, others=others[tier]) for tier in results}
    rows = [row for tier, table in tables.items() for row in _rows(tier, table, seconds[tier])]
    write_backtest(list(results.values()), ORIGINS, output)
    table = pd.concat(tables.values(), ignore_index=True)
    table.to_csv(output.with_suffix(".csv"), index=False)
    return rows, table


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
    for metric in ("wape", "rmsse", "pinball"):
        baselines = {
            name: s[metric] for name, s in scores.items() if name not in ("demand", APART, FLOOR, CHAMPION)
        }
        best = min(baselines, key=lambda name: baselines[name])
        named = f"{metric} beside the best of {len(baselines)} baselines ({best})"
        out.append(
            _row(tier, named, ours[metric], "< peer", ours[metric] < baselines[best], peer=baselines[best])
        )
    if CHAMPION in scores:
        for metric in TARGETS[tier]:
            out.append(
                _row(tier, f"{metric} beside the champion", ours[metric], peer=scores[CHAMPION][metric])
            )
    if FLOOR in scores:
        for metric in TARGETS[tier]:
            out.append(
                _row(tier, f"{metric} beside the noise floor", ours[metric], peer=scores[FLOOR][metric])
            )
    bias = 0.03 if tier == "category" else 0.05
    out.append(_row(tier, "mean bias", ours["bias_mean"], f"±{bias}", abs(ours["bias_mean"]) <= bias))
    covered = ours["coverage_80"]
    out.append(_row(tier, "80 % coverage", covered, "0.78-0.82", 0.78 <= covered <= 0.82))
    out += _covered(tier, table)
    out.append(_row(tier, "backtest, four fits", seconds, unit="s"))
    return out


def _covered(tier: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The 80 % interval in departments of at least 100 series, and by volume band."""
    ours = table[table["model"] == "demand"]
    large = ours[(ours["slice"] == "department") & (ours["series"] >= LARGE)]
    out = []
    for name, pick in (("lowest", large["coverage_80"].min()), ("highest", large["coverage_80"].max())):
        share = float(pick)
        label = f"80 % coverage, {name} of {len(large)} departments"
        out.append(_row(tier, label, share, "0.74-0.86", 0.74 <= share <= 0.86))
    for row in ours[ours["slice"] == "volume"].to_dict("records"):
        out.append(_row(tier, f"80 % coverage, {row['member']} volume", float(row["coverage_80"])))
    return out


def _row(
    tier: str,
    name: str,
    measured: float,
    target: str | None = None,
    holds: bool | None = None,
    *,
    unit: str = "",
    peer: float | None = None,
) -> dict[str, Any]:
    return bench_row(f"demand {tier}: {name}", measured, target, holds, unit=unit, peer=peer)


def bench_row(
    name: str,
    measured: float,
    target: str | None = None,
    holds: bool | None = None,
    *,
    unit: str = "",
    peer: float | None = None,
) -> dict[str, Any]:
    """A row of the benchmark's report: what was measured, what it should be, and beside what."""
    return {
        "section": "models",
        "name": name,
        "unit": unit,
        "measured": round(measured, 4),
        "target": target,
        "peer": None if peer is None else round(peer, 4),
        "ratio": None if peer is None else round(measured / peer, 4),
        "holds": None if holds is None else bool(holds),
    }
