"""Evaluation tables: every model beside both baselines, overall and by slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.demand.model import Forecast, horizon_units
from models_ml.demand.settings import QUANTILE_COLUMNS
from models_ml.evaluate.backtest import Backtest
from models_ml.evaluate.baselines import BASELINES
from models_ml.evaluate.metrics import NAMES, demand_scores
from models_ml.panel import HORIZON, Panel


def evaluation_table(result: Backtest, origins: list[int], name: str = "demand") -> pd.DataFrame:
    """One row per tier, slice, member and model: mean of the origins' scores, and the number of series."""
    panel, records = result.panel, []
    for origin in origins:
        cut = panel.column(origin)
        units, past = horizon_units(panel, cut), panel.units[:, : cut + 1]
        forecasts = {
            name: result.forecasts[origin],
            **{k: rule(panel.units, cut) for k, rule in BASELINES.items()},
        }
        for (part, member), series in slices(panel, cut).items():
            for model, forecast in forecasts.items():
                scored = demand_scores(
                    units[series], forecast.quantiles[series][:, : units.shape[1]],
                    forecast.mean[series][:, : units.shape[1]], past[series],
                )  # fmt: skip
                records.append({"tier": panel.tier, "slice": part, "member": member, "model": model,
                                "origin": origin, "series": int(series.sum()), **scored})  # fmt: skip
    keys = ["tier", "slice", "member", "model"]
    return pd.DataFrame(records).groupby(keys, sort=False)[["series", *NAMES]].mean().reset_index()


def slices(panel: Panel, cut: int) -> dict[tuple[str, str], np.ndarray]:
    """Masks of series: all, by department, by volume band, by whether the coming weeks promote them more."""
    everything = np.ones(len(panel.items), bool)
    out = {("all", "all"): everything}
    for department in np.unique(panel.departments):
        out[("department", str(department))] = panel.departments == department
    level = panel.units[:, max(0, cut - 12) : cut + 1].mean(1)
    edges = np.quantile(level, [1 / 3, 2 / 3])
    for band, label in enumerate(("low", "middle", "high")):
        out[("volume", label)] = np.digitize(level, edges) == band
    planned = panel.plan["mailer_share" if panel.tier == "category" else "is_mailer"]
    ahead, before = (
        planned[:, cut + 1 : cut + 1 + HORIZON].mean(1),
        planned[:, max(0, cut - 12) : cut + 1].mean(1),
    )
    promoted = ahead > before + 1e-12
    out[("promotion", "more than usual")], out[("promotion", "as usual or less")] = promoted, ~promoted
    return {key: mask for key, mask in out.items() if mask.sum() >= 5}


def forecast_frame(panel: Panel, cut: int, forecast: Forecast) -> pd.DataFrame:
    """One row per series and target week: tier, store_id, item, origin, week, seven quantiles, mean."""
    origin = int(panel.weeks[cut])
    frame = pd.DataFrame({
        "tier": panel.tier,
        "store_id": np.repeat(panel.locations, HORIZON),
        "item": np.repeat(panel.items, HORIZON),
        "origin": origin,
        "week": np.tile(np.arange(origin + 1, origin + 1 + HORIZON), len(panel.items)),
    })  # fmt: skip
    for i, column in enumerate(QUANTILE_COLUMNS):
        frame[column] = forecast.quantiles[:, :, i].ravel()
    frame["mean"] = forecast.mean.ravel()
    return frame


def write_backtest(results: list[Backtest], origins: list[int], path: Path) -> Path:
    """The backtest file of the demand protocol, all tiers and origins in one Parquet file."""
    frames = [
        forecast_frame(result.panel, result.panel.column(origin), result.forecasts[origin])
        for result in results
        for origin in origins
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(frames, ignore_index=True).to_parquet(path, index=False)
    return path
