"""Demand of a stocked pair over its protection interval, from the weekly forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

Z_90 = 1.2816  # half the width of a normal's 80 % interval, in standard deviations
PLANNED_WEEKS = 8


def weekly_by_pair(forecasts: Path, positions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Mean and variance of units a week, each (pairs, 8), and how each pair was forecast, in the order of
    `positions`.

    A store's pair has its own forecast; a distribution centre's is the sum of the stores it replenishes,
    taken as independent. A pair without a forecast sold too seldom: mean and variance are NaN and its
    method is 'none'.
    """
    rows = pd.read_parquet(
        forecasts,
        columns=["tier", "location_id", "item", "horizon", "mean", "q10", "q50", "q90", "method",
                 "fallback_reason", "model_name", "model_version"],
        filters=[("tier", "==", "product")],
    ).sort_values(["location_id", "item", "horizon"])  # fmt: skip
    mean = rows["mean"].to_numpy().reshape(-1, PLANNED_WEEKS)
    width = (rows["q90"] - rows["q10"]).to_numpy().reshape(-1, PLANNED_WEEKS) / (2 * Z_90)
    variance = np.maximum(width**2, mean)
    forecast_by = rows.iloc[::PLANNED_WEEKS][
        ["location_id", "item", "method", "fallback_reason", "model_name", "model_version"]
    ]
    index = pd.MultiIndex.from_frame(forecast_by[["location_id", "item"]])
    wanted = pd.MultiIndex.from_frame(positions[["location_id", "product_id"]])
    at = index.get_indexer(wanted)
    out_mean, out_variance = np.full((2, len(positions), PLANNED_WEEKS), np.nan)
    out_mean[at >= 0], out_variance[at >= 0] = mean[at[at >= 0]], variance[at[at >= 0]]
    method = forecast_by[["method", "fallback_reason", "model_name", "model_version"]].reset_index(drop=True)
    how = method.reindex(at).reset_index(drop=True)
    how["method"] = how["method"].fillna("none")
    _sum_for_centres(positions, out_mean, out_variance, how)
    return out_mean, out_variance, how


def over_interval(
    mean: np.ndarray, variance: np.ndarray, lead_mean: np.ndarray, lead_sd: np.ndarray, review: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of demand over lead time plus review period, both in days; weeks are spread evenly.

    The variance adds what an uncertain lead time does to demand: (units a day)² × variance of the lead time.
    """
    days = np.minimum(lead_mean + review, 7.0 * PLANNED_WEEKS)
    share = np.clip(days[:, None] / 7 - np.arange(PLANNED_WEEKS), 0, 1)
    total = (mean * share).sum(1)
    daily = total / np.maximum(days, 1e-9)
    return total, (variance * share).sum(1) + daily**2 * lead_sd**2


def _sum_for_centres(
    positions: pd.DataFrame, mean: np.ndarray, variance: np.ndarray, how: pd.DataFrame
) -> None:
    centre = (positions["location_type"] == "dc").to_numpy()
    if not centre.any():
        return
    served = positions["replenished_from"].notna().to_numpy() & ~np.isnan(mean[:, 0])
    keys = positions.loc[served, ["replenished_from", "product_id"]].reset_index(drop=True)
    group = keys.groupby(["replenished_from", "product_id"], sort=True).ngroup().to_numpy()
    if not len(group):
        return
    sums_mean, sums_variance = np.zeros((2, group.max() + 1, PLANNED_WEEKS))
    np.add.at(sums_mean, group, mean[served])
    np.add.at(sums_variance, group, variance[served])
    firsts = np.unique(group, return_index=True)[1]
    index = pd.MultiIndex.from_frame(keys.iloc[firsts])
    at = index.get_indexer(pd.MultiIndex.from_frame(positions.loc[centre, ["location_id", "product_id"]]))
    rows = np.flatnonzero(centre)[at >= 0]
    mean[rows], variance[rows] = sums_mean[at[at >= 0]], sums_variance[at[at >= 0]]
    source = np.flatnonzero(served)[firsts[at[at >= 0]]]
    for column in how.columns:
        how.loc[rows, column] = how[column].to_numpy()[source]
    how.loc[rows, "method"] = "sum_of_stores"
