"""Evaluation tables: every model beside both baselines, overall and by slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.demand.backtest import Backtest
from models_ml.demand.model import horizon_units
from models_ml.demand.panel import Panel
from models_ml.evaluate.baselines import BASELINES
from models_ml.evaluate.forecast import HORIZON, QUANTILE_COLUMNS, Forecast
from models_ml.evaluate.metrics import NAMES, demand_scores

CHAMPION = "champion"
RULE = "moving average 13"  # what value added is counted from
LEAST_SERIES = 5
Others = dict[str, dict[int, Forecast]]


def evaluation_table(
    result: Backtest, origins: list[int], name: str = "demand", others: Others | None = None
) -> pd.DataFrame:
    """One row per tier, slice, member and model: mean of the origins' scores, and the number of series.

    `others` are more forecasts of the same series to stand beside the baselines, by model and origin.
    `value_added` is the WAPE that a model saves over the moving average, in points of 0–1.
    """
    panel, records = result.panel, []
    for week in origins:
        origin = panel.column(week)
        units, past = horizon_units(panel, origin), panel.units[:, : origin + 1]
        forecasts = {
            name: result.forecasts[week],
            **{k: rule(panel.units, origin) for k, rule in BASELINES.items()},
            **{k: by_origin[week] for k, by_origin in (others or {}).items()},
        }
        for (part, member), cells in slices(panel, origin).items():
            series = cells.any(1)
            for model, forecast in forecasts.items():
                scored = demand_scores(
                    units[series], forecast.quantiles[series][:, : units.shape[1]],
                    forecast.mean[series][:, : units.shape[1]], past[series],
                    cells[series][:, : units.shape[1]],
                )  # fmt: skip
                records.append({"tier": panel.tier, "slice": part, "member": member, "model": model,
                                "origin": week, "series": int(series.sum()), **scored})  # fmt: skip
    keys = ["tier", "slice", "member", "model"]
    table = pd.DataFrame(records).groupby(keys, sort=False)[["series", *NAMES]].mean().reset_index()
    rule = table[table["model"] == RULE].set_index(["slice", "member"])["wape"]
    at = pd.MultiIndex.from_frame(table[["slice", "member"]])
    return table.assign(value_added=rule.reindex(at).to_numpy() - table["wape"].to_numpy())


def slices(panel: Panel, origin: int) -> dict[tuple[str, str], np.ndarray]:
    """Masks (series, 8): all, by department, region, volume band and horizon, and the weeks promoted or not.

    A store × category counts as promoted in a week when the mailer carries more of it than in its quarter.
    Slices of few series are left out; all series together never are.
    """
    count = len(panel.items)
    every = np.ones((count, HORIZON), bool)
    out = {("all", "all"): every}
    for name, values in (("department", panel.departments), ("region", panel.regions)):
        for member in np.unique(values):
            out[(name, str(member))] = every & (values == member)[:, None]
    level = panel.units[:, max(0, origin - 12) : origin + 1].mean(1)
    edges = np.quantile(level, [1 / 3, 2 / 3])
    for band, label in enumerate(("low", "middle", "high")):
        out[("volume", label)] = every & (np.digitize(level, edges) == band)[:, None]
    planned = panel.plan["mailer_share" if panel.tier == "category" else "is_mailer"]
    usual = planned[:, max(0, origin - 12) : origin + 1].mean(1) if panel.tier == "category" else 0.0
    promoted = planned[:, origin + 1 : origin + 1 + HORIZON] > np.reshape(usual, (-1, 1)) + 1e-12
    out[("promotion", "promoted")], out[("promotion", "not promoted")] = promoted, ~promoted
    for label, weeks in (("1-2", slice(0, 2)), ("3-4", slice(2, 4)), ("5-8", slice(4, 8))):
        mask = np.zeros((count, HORIZON), bool)
        mask[:, weeks] = True
        out[("horizon", label)] = mask
    judged = {key: mask for key, mask in out.items() if mask.any(1).sum() >= LEAST_SERIES}
    return {("all", "all"): every, **judged}


def forecast_frame(panel: Panel, origin: int, forecast: Forecast) -> pd.DataFrame:
    """One row per series and target week: tier, store_id, item, origin, week, seven quantiles, mean."""
    week = int(panel.weeks[origin])
    frame = pd.DataFrame({
        "tier": panel.tier,
        "store_id": np.repeat(panel.locations, HORIZON),
        "item": np.repeat(panel.items, HORIZON),
        "origin": week,
        "week": np.tile(panel.ahead(origin), len(panel.items)),
    })  # fmt: skip
    for i, column in enumerate(QUANTILE_COLUMNS):
        frame[column] = forecast.quantiles[:, :, i].ravel()
    frame["mean"] = forecast.mean.ravel()
    return frame


def backtest_frame(results: list[Backtest], origins: list[int]) -> pd.DataFrame:
    """Forecasts of all tiers and origins, one row per series and target week, as `forecast_frame`."""
    frames = [
        forecast_frame(result.panel, result.panel.column(week), result.forecasts[week])
        for result in results
        for week in origins
    ]
    return pd.concat(frames, ignore_index=True)


def write_backtest(results: list[Backtest], origins: list[int], path: Path) -> Path:
    """The backtest file of the demand protocol, all tiers and origins in one Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    backtest_frame(results, origins).to_parquet(path, index=False)
    return path
