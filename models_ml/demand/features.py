"""Demand features of one origin: the only code path, in training and in scoring alike.

Everything is a ratio to the series' own level, so that series of all sizes teach each other; a feature of
the origin reads columns up to `origin` only, a feature of the target week reads the promotion plan and the
calendar only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models_ml.demand.panel import Panel
from models_ml.evaluate.forecast import HORIZON

LEAST_SCALE = 0.15  # units a week
LONG = 13
Features = dict[str, np.ndarray]
Builder = Callable[[Panel, int], tuple[np.ndarray, np.ndarray, list[str]]]


def build(panel: Panel, origin: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features (series, 8, names) as known at the end of column `origin`, the scale (series,) in units, and
    the names."""
    scale = level(panel.units, origin)
    of_origin = {**_own(panel, origin, scale), **_momentum(panel, origin)}
    of_target = {**_plan(panel, origin), **_calendar(panel, origin)}
    names = [*of_origin, *of_target]
    out = np.empty((len(scale), HORIZON, len(names)), np.float32)
    for j, name in enumerate(names):
        out[:, :, j] = of_target[name] if name in of_target else of_origin[name][:, None]
    return out, scale, names


def mean_of_last(values: np.ndarray, origin: int, weeks: int) -> np.ndarray:
    """Mean over the last `weeks` columns up to `origin`, or over all there are."""
    return np.asarray(values[:, max(0, origin + 1 - weeks) : origin + 1].mean(1))


def level(units: np.ndarray, origin: int) -> np.ndarray:
    """Scale of a series: a blend of moving averages over 13, 6 and all weeks."""
    blend = (
        0.5 * mean_of_last(units, origin, LONG)
        + 0.25 * units[:, : origin + 1].mean(1)
        + 0.25 * mean_of_last(units, origin, 6)
    )
    return np.asarray(np.maximum(blend, LEAST_SCALE))


def _smoothed(units: np.ndarray, origin: int, rate: float) -> np.ndarray:
    weights = (1 - rate) ** np.arange(origin + 1)[::-1]
    return np.asarray(units[:, : origin + 1] @ (weights / weights.sum()))


def _own(panel: Panel, origin: int, scale: np.ndarray) -> Features:
    units = panel.units
    out: Features = {"log_scale": np.log(scale)}
    for weeks in (1, 2, 3, 4, 6, 8, 13, 26):
        out[f"ma_{weeks}"] = mean_of_last(units, origin, weeks) / scale
    out["ma_all"] = units[:, : origin + 1].mean(1) / scale
    out["smoothed_10"] = _smoothed(units, origin, 0.1) / scale
    out["smoothed_30"] = _smoothed(units, origin, 0.3) / scale
    start = max(0, origin + 1 - LONG)
    recent = units[:, start : origin + 1]
    out["spread"] = recent.std(1) / scale
    out["zero_share"] = (recent == 0).mean(1)
    out["median"] = np.median(recent, 1) / scale
    out["peak"] = recent.max(1) / scale
    for lag in (1, 2, 3):
        out[f"lag_{lag}"] = units[:, origin - lag] / scale
    out["weeks_since_sale"] = origin - np.where(units[:, : origin + 1] > 0, np.arange(origin + 1), -1).max(1)
    total = recent.sum(1)
    sums = {name: values[:, start : origin + 1].sum(1) for name, values in panel.measures.items()}
    out["units_per_basket"] = total / np.maximum(sums["baskets"], 1)
    out["customers"] = panel.measures["customers"][:, start : origin + 1].mean(1)
    largest = panel.measures["largest_line_units"][:, start : origin + 1].max(1)
    out["largest_line_share"] = largest / np.maximum(total, 1)
    discounts, sales = panel.measures["discounts"], panel.measures["net_sales"]
    out["discount_rate"] = sums["discounts"] / np.maximum(sums["discounts"] + sums["net_sales"], 0.01)
    out["discount_rate_last"] = discounts[:, origin] / np.maximum(
        discounts[:, origin] + sales[:, origin], 0.01
    )
    price = sales[:, : origin + 1].sum(1) / np.maximum(units[:, : origin + 1].sum(1), 1)
    out["log_price"] = np.log(np.maximum(price, 0.05))
    out["department"] = panel.pools["department"].member.astype(float)
    return out


def _momentum(panel: Panel, origin: int) -> Features:
    """How the series' category, store, department and product move in the pool of all series."""
    out: Features = {}

    def add(name: str, values: np.ndarray, member: np.ndarray) -> None:
        long = mean_of_last(values, origin, LONG)
        for weeks in (1, 2, 4, 8):
            out[f"{name}_momentum_{weeks}"] = (mean_of_last(values, origin, weeks) / np.maximum(long, 1e-9))[
                member
            ]
        out[f"{name}_momentum_long"] = (long / np.maximum(values[:, : origin + 1].mean(1), 1e-9))[member]

    for name, pool in panel.pools.items():
        add(name, pool.units, pool.member)
        if name in ("category", "location"):
            add(f"{name}_baskets", pool.baskets, pool.member)
    category = panel.pools["category"]
    out["category_log_units"] = np.log(mean_of_last(category.units, origin, LONG) + 0.1)[category.member]
    if "product" in panel.pools:
        product = panel.pools["product"]
        chain = mean_of_last(product.units, origin, LONG)[product.member]
        out["product_log_units"] = np.log(chain + 0.1)
        out["product_share"] = mean_of_last(panel.units, origin, LONG) / np.maximum(chain, 0.01)
    return out


def _plan(panel: Panel, origin: int) -> Features:
    """Promotions planned for each target week, against the thirteen weeks up to the origin.

    A week for which no calendar exists yet counts as an ordinary week of the series.
    """
    ahead = slice(origin + 1, origin + 1 + HORIZON)
    is_planned = panel.plan_known[ahead]
    out: Features = {}
    for name, values in panel.plan.items():
        usual = values[:, max(0, origin + 1 - LONG) : origin + 1].mean(1)[:, None]
        planned = np.where(is_planned, values[:, ahead], usual)
        counted = name.endswith("_products")
        out[name] = planned / np.maximum(usual, 0.3) if counted else planned
        out[f"{name}_usual"] = np.broadcast_to(usual, planned.shape)
        out[f"{name}_change"] = np.log1p(planned) - np.log1p(usual) if counted else planned - usual
        out[f"{name}_last"] = np.broadcast_to(values[:, [origin]] - usual, planned.shape)
    if panel.tier == "product":
        out.update(_own_uplift(panel, origin))
    return out


def _own_uplift(panel: Panel, origin: int) -> Features:
    past, shape = slice(0, origin + 1), (len(panel.items), HORIZON)
    units = panel.units[:, past]
    usual = units.mean(1)
    out: Features = {}
    for name in ("is_mailer", "is_display"):
        flagged = panel.plan[name][:, past] > 0
        uplift = ((units * flagged).sum(1) + 2 * usual) / (flagged.sum(1) + 2) / np.maximum(usual, 0.05)
        out[f"{name}_uplift"] = np.broadcast_to(uplift[:, None], shape)
    before = panel.plan["is_display"] + panel.plan["is_mailer"]
    out["promoted_week_before"] = before[:, origin : origin + HORIZON]
    return out


def _calendar(panel: Panel, origin: int) -> Features:
    shape = (len(panel.items), HORIZON)
    out: Features = {"horizon": np.broadcast_to(np.arange(1.0, HORIZON + 1), shape)}
    for name, values in panel.calendar.items():
        out[name] = np.broadcast_to(values[origin + 1 : origin + 1 + HORIZON], shape)
    return out
