"""What holding, missing and moving units costs, by the assumptions of the reorder parameters."""

from __future__ import annotations

import numpy as np

from models_ml.recommend.parameters import ReorderParameters
from models_ml.replay.simulate import Rules
from models_ml.replay.world import World

_ASSUMED = ReorderParameters()
TRANSFER_COST = _ASSUMED.store_transfer


def worth(world: World) -> np.ndarray:
    """What one unmet unit of each item costs: its margin, and the customer's other business."""
    price = world.unit_cost + world.unit_margin
    lost_customer = _ASSUMED.lost_customer_share * np.maximum(price, 0)
    return np.asarray(np.maximum(world.unit_margin, 0) + lost_customer)


def cost(world: World, mean_stock: np.ndarray, lost: np.ndarray, moved: np.ndarray, days: int) -> np.ndarray:
    """Carrying, unmet demand and transfers over so many days, by item; leading axes are kept."""
    carrying = mean_stock * world.unit_cost * _ASSUMED.carrying_rate * days / 365
    return np.asarray(carrying + lost * worth(world) + moved * TRANSFER_COST)


def textbook_shares(world: World, rules: Rules) -> np.ndarray:
    """The newsvendor's ratio of each item: one unit missed against one carried for a protection interval."""
    over = world.unit_cost * _ASSUMED.carrying_rate * rules.protection_days / 365
    under = worth(world)
    return np.asarray(under / np.maximum(under + over, 1e-9))
