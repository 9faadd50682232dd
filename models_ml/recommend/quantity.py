"""How much to order: base stock at the newsvendor ratio, in packs, within minimum order and shelf life."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.recommend.count_distributions import quantile, share_within
from models_ml.recommend.parameters import ReorderParameters


def service_target(
    *, price: np.ndarray, margin: np.ndarray, cost: np.ndarray, interval_days: np.ndarray,
    shelf_days: np.ndarray,
    mean: np.ndarray, parameters: ReorderParameters, lost_customer_share: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Newsvendor ratio under / (under + over), held between the least and the greatest service.

    Under: margin and the customer's lost loyalty. Over: carrying for one protection interval, and for
    goods that would sell slower than they keep, the cost lost to waste. `shelf_days` is infinite where
    unknown. `lost_customer_share` by pair replaces that of the parameters.
    """
    lost = parameters.lost_customer_share if lost_customer_share is None else lost_customer_share
    under = np.maximum(margin, 0) + lost * np.maximum(price, 0)
    daily = mean / np.maximum(interval_days, 1e-9)
    # Days until one unit beyond the mean sells, as a share of the shelf life: its chance to be thrown away.
    risk = np.clip((interval_days + 1 / np.maximum(daily, 1e-6)) / shelf_days, 0, 1) ** 2
    over = cost * (parameters.carrying_rate * interval_days / 365 + parameters.waste_share * risk)
    ratio = under / np.maximum(under + over, 1e-9)
    return np.asarray(np.clip(ratio, parameters.least_service, parameters.greatest_service))


def base_stock(target: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Units that position must reach: the smallest count meeting `target` over the protection interval."""
    return quantile(target, mean, variance)


def order_quantity(
    position: np.ndarray, level: np.ndarray, pack: np.ndarray, least: np.ndarray, sellable: np.ndarray
) -> np.ndarray:
    """Units to order, (R, s, nQ): packs up to `level`, at least the minimum order, no more than keeps.

    `sellable` is what sells within the shelf life; stock and order together stay within it, but a pair
    with no stock at all may have one pack if a pack sells within twice its time.
    """
    pack = np.maximum(pack, 1)
    lacking = np.maximum(level - position, 0)
    wanted = np.ceil(lacking / pack) * pack
    wanted = np.where(wanted > 0, np.maximum(wanted, np.ceil(least / pack) * pack), 0)
    room = np.floor(np.maximum(sellable - np.maximum(position, 0), 0) / pack) * pack
    one_pack = (position <= 0) & (pack <= 2 * sellable)
    limit = np.where(one_pack, np.maximum(room, pack), room)
    capped = np.minimum(wanted, limit)
    return np.where(capped >= np.minimum(least, pack), capped, 0)


def cycle_service(stock: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Probability of no stockout over the protection interval."""
    return share_within(np.floor(stock), mean, variance)


def spare_units(rows: pd.DataFrame, parameters: ReorderParameters) -> np.ndarray:
    """What a place may give away of its free stock."""
    mean, variance = rows["demand_mean"].to_numpy(float), rows["demand_variance"].to_numpy(float)
    own = np.maximum(rows["level"], quantile(np.full(len(rows), parameters.donor_service), mean, variance))
    reserved = np.where(rows["location_type"] == "dc", 0, own)
    return np.asarray(np.maximum(rows["free"].to_numpy(float) - reserved, 0))
