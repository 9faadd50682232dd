"""Batch scoring: the eight weeks after the last complete week, for every series, by the approved model or
the baseline.

Model missing, unapproved, stale or changed, and series that it may not be asked about: the moving
average, said in every row. A registry that is down: the last approved model, checked by its digest.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from governance.progress import Progress, silent
from models_ml.demand.bundle import load_bundle
from models_ml.demand.censoring import coming_unmet, read_empty_days
from models_ml.demand.cold_start import (
    ColdStartSeries,
    extended,
    new_categories,
    new_products,
    read_cold_start_series,
)
from models_ml.demand.fallback import Restraints
from models_ml.demand.model import DemandModel
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.reconcile import reconcile
from models_ml.demand.tail import tail_forecast
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.baselines import moving_average
from models_ml.evaluate.forecast import HORIZON, QUANTILE_COLUMNS, Forecast
from models_ml.lifecycle.champion import Approved, Champion, find_champion
from models_ml.lifecycle.no_scores import write_no_scores
from models_ml.lifecycle.spec import Scored

BASELINE_NAME = "moving-average-13"
COLD_START = "cold_start"
Models = dict[str, DemandModel]  # by tier
FORECAST_COLUMNS = {
    **dict.fromkeys(("tier", "location_id", "item", "department", "category"), "VARCHAR"),
    "origin_week": "BIGINT", "week": "BIGINT", "week_ending": "DATE", "horizon": "BIGINT",
    **dict.fromkeys(("method", "fallback_reason"), "VARCHAR"),
    **dict.fromkeys((*QUANTILE_COLUMNS, "mean", "unmet_units"), "DOUBLE"),
    **dict.fromkeys(("model_name", "model_version", "release_id"), "VARCHAR"),
    "is_fallback": "BOOLEAN", "model_state": "VARCHAR",
}  # fmt: skip
"""Of the file of forecasts, with their DuckDB types."""


def score_demand(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    output: Path,
    progress: Progress = silent,
    approved: Approved | None = None,
) -> Scored:
    """Write one row per tier, series and week to `output` (Parquet, replaced whole).

    Tier `rest` is what a store's category sells in products that are not tracked there: the means of its
    products and its rest add up to that of the category, exactly. Its quantiles spread as the category's.
    New stores and products without a history are forecast as what is like them (method `cold_start`).
    Forecasts are of sales; `unmet_units` is what empty shelves would keep from being sold, so that ordering
    does not take a stockout for a lack of demand. Without enough weeks the file is empty, and the result says
    why.
    """
    try:
        categories, products = read_panel(warehouse, "category"), read_panel(warehouse, "product")
    except NotEnoughHistoryError as missing:
        return write_no_scores(
            output, FORECAST_COLUMNS, baseline=BASELINE_NAME, release_id=release_id, reason=missing.message
        )
    last_week = int(categories.weeks[-1])
    champion = find_champion(
        "demand", load_bundle, tracking_uri=tracking_uri, artifact_root=artifact_root, last_week=last_week,
        approved=approved,
    )  # fmt: skip
    models = champion.model or {}
    progress(f"score: demand {'version ' + champion.version if models else champion.reason}")
    limits = Restraints.read(warehouse, output.with_name("drift.json"))
    new = {tier: read_cold_start_series(warehouse, tier) for tier in ("category", "product")}
    frame = _levels(champion, categories, products, new, limits=limits, endings=week_endings(warehouse))
    frame["unmet_units"] = _unmet(frame, products, read_empty_days(warehouse, products))
    stamp = {
        "model_name": "demand" if models else BASELINE_NAME,
        "model_version": champion.version if models else BASELINE_NAME,
        "release_id": release_id,
    }
    frame = limits.mark(frame.assign(**stamp))
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    frame.to_parquet(partial, index=False)
    partial.replace(output)
    return Scored(
        output,
        len(frame),
        stamp["model_name"],
        stamp["model_version"],
        release_id,
        champion.reason,
        champion.note,
    )


def _levels(
    champion: Champion[Models],
    categories: Panel,
    products: Panel,
    new: dict[str, ColdStartSeries],
    *,
    limits: Restraints,
    endings: dict[int, date],
) -> pd.DataFrame:
    """Rows of all tiers, reconciled: tracked series, and those that are new as what is like them."""
    origin = len(categories.weeks) - 1
    by_category, method, why = _by_model_or_baseline(champion, categories, origin, limits)
    started = new_categories(categories, by_category, new["category"], origin)
    every = extended(categories, new["category"])
    by_category = Forecast(*(np.concatenate(pair) for pair in zip(by_category, started, strict=True)))
    chosen = products.selling(origin) & ("product" in (champion.model or {}))
    top, tail = products.select(chosen), products.select(~chosen)
    by_top, top_method, top_why = _by_model_or_baseline(champion, top, origin, limits)
    levels = reconcile(every, by_category, top, by_top, origin)
    shared = tail_forecast(tail, top, every, levels.rest, origin)
    fresh = new_products(products, every, (levels.category.mean, shared.other), new["product"], origin)
    whole = Forecast(levels.category.quantiles, levels.category.mean + fresh.added)
    other = Forecast(whole.quantiles * _share(fresh.left, whole.mean), fresh.left)
    tail_method = "category_share" if champion.model else "moving_average"
    cold = np.arange(len(every.items)) >= len(categories.items)
    methods = np.where(cold, COLD_START, method)
    only = products.select(np.zeros(len(products.items), bool))
    return pd.concat(
        [
            _frame(every, whole, methods, why, endings),
            _frame(top, levels.product, top_method, top_why, endings),
            _frame(tail, shared.forecast, tail_method, why, endings),
            _frame(extended(only, new["product"]), fresh.forecast, COLD_START, why, endings),
            _frame(every, other, methods, why, endings).assign(tier="rest"),
        ],
        ignore_index=True,
    )


def _unmet(frame: pd.DataFrame, products: Panel, empty_days: np.ndarray) -> np.ndarray:
    """Units a week that shelves as empty as of late would keep from being sold: of each product, and of each
    category the sum of its products. The rest of a category has no shelf that is counted."""
    coming = coming_unmet(products.units, empty_days, len(products.weeks) - 1)
    by_pair = pd.Series(coming, _keys("product", products.locations, products.items))
    of_category = by_pair.groupby(_keys("category", products.locations, products.categories)).sum()
    by_key = pd.concat([by_pair, of_category])
    return by_key.reindex(_keys(frame["tier"], frame["location_id"], frame["item"])).fillna(0.0).to_numpy()


def _keys(tier: object, locations: object, items: object) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(pd.DataFrame({"tier": tier, "location": locations, "item": items}))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray((part / np.maximum(whole, 1e-9))[..., None])


def _by_model_or_baseline(
    champion: Champion[Models], panel: Panel, origin: int, limits: Restraints
) -> tuple[Forecast, str, str]:
    """Forecast, method and reason of a fallback of all series (empty for the model)."""
    model = (champion.model or {}).get(panel.tier)
    if not len(panel.items):
        return Forecast(np.zeros((0, HORIZON, len(QUANTILE_COLUMNS))), np.zeros((0, HORIZON))), "", ""
    if model is None:
        return (
            moving_average(panel.units, origin),
            "moving_average",
            champion.reason or "tier not in the model",
        )
    return limits.forecast(model, panel, origin), "model", ""


def week_endings(warehouse: Path) -> dict[int, date]:
    """Last day of every week of the calendar, the eight coming weeks included."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return {
            int(week): day
            for week, day in con.execute("SELECT week, last_day FROM feat_calendar_week").fetchall()
        }


def _frame(
    panel: Panel, forecast: Forecast, method: str | np.ndarray, reason: str, endings: dict[int, date]
) -> pd.DataFrame:
    last, count = int(panel.weeks[-1]), len(panel.items)
    horizon = np.tile(np.arange(1, HORIZON + 1), count)
    ending = np.array([endings[int(week)] for week in panel.coming])
    out = pd.DataFrame({
        "tier": panel.tier,
        "location_id": np.repeat(panel.locations, HORIZON),
        "item": np.repeat(panel.items, HORIZON),
        "department": np.repeat(panel.departments, HORIZON),
        "category": np.repeat(panel.categories, HORIZON),
        "origin_week": last,
        "week": np.tile(panel.coming, count),
        "week_ending": np.tile(ending, count),
        "horizon": horizon,
        "method": np.repeat(method, HORIZON) if isinstance(method, np.ndarray) else method,
        "fallback_reason": reason,
    })  # fmt: skip
    for i, column in enumerate(QUANTILE_COLUMNS):
        out[column] = forecast.quantiles[:, :, i].ravel()
    out["mean"] = forecast.mean.ravel()
    return out
