"""Reorder: what to order for every ranged product and location, on the last day whose stock is known."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models_ml.recommend.counting import expected_served
from models_ml.recommend.demand_over import PLANNED_WEEKS, over_interval, weekly_by_pair
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.positions import read_positions
from models_ml.recommend.quantity import base_stock, cycle_service, order_quantity, service_target
from models_ml.recommend.reason import drivers_json, reason_sentence

NAMESPACE = uuid.UUID("5d2f3a5e-0c7e-5c55-9a3e-6c1d6f3f1a77")
COLUMNS = (
    "recommendation_id", "action", "product_id", "product_name", "location_id", "region", "banner",
    "department", "category", "supplier_id", "quantity_units", "order_by", "need_by", "expected_units",
    "expected_margin_usd", "expected_cash_usd", "expected_service", "confidence", "reason", "drivers",
    "model_name", "model_version", "release_id", "expires_at", "is_simulated",
)  # fmt: skip
TRUST = {"model": 1.0, "sum_of_stores": 0.9, "category_share": 0.8, "moving_average": 0.5}


def propose_reorders(
    warehouse: Path,
    forecasts: Path,
    release_id: str,
    *,
    parameters: ReorderParameters | None = None,
    limit: int | None = None,
    now: datetime | None = None,
) -> pd.DataFrame:
    """Proposals with a positive quantity, the most expected margin first; at most `limit` of them.

    A proposal lapses `valid_days` after `now`, or after the as-of day where no clock is given.

    One row per product and location, columns as `COLUMNS`. The same release and forecasts give the same
    rows and ids.
    """
    parameters = parameters or ReorderParameters()
    positions = read_positions(warehouse, parameters)
    decided = decide(positions, forecasts, parameters)
    chosen: pd.DataFrame = decided[decided["quantity_units"] > 0].sort_values(
        ["expected_margin_usd", "location_id", "product_id"], ascending=[False, True, True], kind="stable"
    )
    return describe(chosen if limit is None else chosen.head(limit), release_id, parameters, now)


def decide(positions: pd.DataFrame, forecasts: Path, parameters: ReorderParameters) -> pd.DataFrame:
    """Every position with its quantity (zero: nothing to do) and what it is expected to bring."""
    weekly_mean, weekly_variance, how = weekly_by_pair(forecasts, positions)
    known = ~np.isnan(weekly_mean[:, 0])
    rows = positions[known].reset_index(drop=True).join(how[known].reset_index(drop=True))
    weekly_mean, weekly_variance = weekly_mean[known], weekly_variance[known]
    money = {
        name: rows[f"unit_{name}_usd"].to_numpy(float, na_value=0.0) for name in ("price", "margin", "cost")
    }
    lead, sd = rows["lead_time_mean_days"].to_numpy(float), rows["lead_time_sd_days"].to_numpy(float)
    review = rows["review_period_days"].to_numpy(float)
    interval = lead + review
    mean, variance = over_interval(weekly_mean, weekly_variance, lead, sd, review)
    shelf = rows["shelf_life_days"].to_numpy(float, na_value=np.inf)
    target = service_target(
        price=money["price"], margin=money["margin"], cost=money["cost"], interval_days=interval,
        shelf_days=shelf, mean=mean, parameters=parameters,
    )  # fmt: skip
    level = base_stock(target, mean, variance)
    free = (rows["on_hand_units"] - rows["reserved_units"]).to_numpy(float)
    position = free + (rows["in_transit_units"] + rows["on_order_units"]).to_numpy(float)
    pack, least = rows["case_pack_units"].to_numpy(float), rows["minimum_order_units"].to_numpy(float)
    daily = weekly_mean.mean(1) / 7
    # What sells from receipt to the end of the usable shelf life, and until receipt.
    sellable = daily * (np.minimum(parameters.shelf_life_use * shelf, 7 * PLANNED_WEEKS * 4) + lead)
    quantity = order_quantity(position, level, pack, least, sellable)
    uncapped = order_quantity(position, level, pack, least, np.full(len(rows), np.inf))
    gained = expected_served(position + quantity, mean, variance) - expected_served(position, mean, variance)
    spare = quantity - gained
    carrying = spare * money["cost"] * parameters.carrying_rate * interval / 365
    decided: pd.DataFrame = rows.assign(
        quantity_units=quantity, interval_days=interval, demand_mean=mean, demand_variance=variance,
        service_target=target, level=level, position=position, is_capped=quantity < uncapped,
        service_without=cycle_service(np.maximum(position, 0), mean, variance),
        expected_service=cycle_service(np.maximum(position + quantity, 0), mean, variance),
        expected_units=gained, expected_margin_usd=gained * money["margin"] - carrying,
        expected_cash_usd=-quantity * money["cost"],
        days_of_cover=np.maximum(free, 0) / np.maximum(daily, 1e-6),
        confidence=np.round(
            rows["method"].map(TRUST).fillna(0.5).to_numpy(float)
            / (1 + 0.25 * np.sqrt(variance) / np.maximum(mean, 1e-6)), 4),
    )  # fmt: skip
    return decided


def describe(
    rows: pd.DataFrame, release_id: str, parameters: ReorderParameters, now: datetime | None = None
) -> pd.DataFrame:
    """Proposals in the words and fields of the ops store."""
    day = pd.to_datetime(rows["as_of_day"])
    cover = np.minimum(rows["days_of_cover"].to_numpy(float), 365.0)
    need = day + pd.to_timedelta(np.maximum(np.floor(cover), 1), unit="D")
    order = day + pd.to_timedelta(
        np.maximum(np.floor(cover - rows["lead_time_mean_days"].to_numpy(float)), 1), unit="D"
    )
    lapses = (pd.Timestamp(now).tz_convert("UTC") if now else day.dt.tz_localize("UTC")) + pd.Timedelta(
        days=parameters.valid_days
    )
    out = rows.assign(
        action="reorder",
        product_name=[_product_name(row) for row in rows.itertuples()],
        order_by=order.dt.date,
        need_by=need.dt.date,
        reason=[reason_sentence(row) for row in rows.itertuples()],
        drivers=[drivers_json(row) for row in rows.itertuples()],
        recommendation_id=[recommendation_id(row) for row in rows.itertuples()],
        release_id=release_id,
        expires_at=lapses,
    )
    described: pd.DataFrame = out[list(COLUMNS)].reset_index(drop=True)
    return described


def recommendation_id(row: Any) -> str:
    """Same action, pair, day, position and quantity: same id, so that running twice proposes nothing new."""
    parts = (
        "reorder", row.product_id, row.location_id, row.as_of_day.date().isoformat(),
        f"{row.position:.0f}", f"{row.quantity_units:.0f}",
    )  # fmt: skip
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def _product_name(row: Any) -> str:
    words = [row.product_type, row.package_size]
    return ", ".join(str(word).strip() for word in words if isinstance(word, str) and word.strip())
