"""What holding, missing and moving units costs, by the assumptions of the reorder parameters."""

from __future__ import annotations

import numpy as np

from models_ml.recommend.parameters import ReorderParameters
from models_ml.replay.simulate import Rules
from models_ml.replay.world import World

_ASSUMED = ReorderParameters()
TRANSFER_USD = _ASSUMED.store_transfer_usd


def worth_usd(world: World) -> np.ndarray:
    """What one unmet unit of each item costs: its margin, and the customer's other business."""
    price = world.unit_cost_usd + world.unit_margin_usd
    lost_customer = _ASSUMED.lost_customer_share * np.maximum(price, 0)
    return np.asarray(np.maximum(world.unit_margin_usd, 0) + lost_customer)


def cost_usd(
    world: World, mean_stock: np.ndarray, lost: np.ndarray, moved: np.ndarray, days: int
) -> np.ndarray:
    """Carrying, unmet demand and transfers over so many days, by item; leading axes are kept."""
    carrying = mean_stock * world.unit_cost_usd * _ASSUMED.carrying_rate * days / 365
    return np.asarray(carrying + lost * worth_usd(world) + moved * TRANSFER_USD)


def textbook_shares(world: World, rules: Rules) -> np.ndarray:
    """The newsvendor's ratio of each item: one unit missed against one carried for a protection interval."""
    over = world.unit_cost_usd * _ASSUMED.carrying_rate * rules.protection_days / 365
    under = worth_usd(world)
    return np.asarray(under / np.maximum(under + over, 1e-9))
