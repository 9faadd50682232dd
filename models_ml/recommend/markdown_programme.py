"""Depth and week of a markdown by dynamic programming over stock left and weeks left.

Each week a depth is chosen from a list, demand answers with its elasticity, and what is left goes on. The
value is the expected takings plus what unsold stock still brings at the end; stock is paid for already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from models_ml.recommend.count_distributions import LEAST_MEAN, LEAST_OVERDISPERSION

MOST_UNITS = 60  # stock beyond is planned in steps of several units
AT_ONCE = 2000  # items planned together: what bounds the memory


@dataclass(frozen=True)
class Item:
    """Arrays over items: `stock` units; `mean` and `variance` of weekly demand at today's price, (items,
    weeks); `price` today; `salvage` a unit unsold at the end; `elasticity` (negative);
    `deepest` allowed depth; `weeks` until the end, at most those of `mean`."""

    stock: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    price: np.ndarray
    salvage: np.ndarray
    elasticity: np.ndarray
    deepest: np.ndarray
    weeks: np.ndarray


@dataclass(frozen=True)
class Plan:
    """`value` and `units` expected in all; `depth` of each week if demand runs as expected, (items,
    weeks); `first_depth` is what to do now."""

    value: np.ndarray
    units: np.ndarray
    depth: np.ndarray

    @property
    def first_depth(self) -> np.ndarray:
        """The depth of the first week."""
        return np.asarray(self.depth[:, 0])


def best_plan(items: Item, depths: np.ndarray) -> Plan:
    """The policy of greatest expected value among `depths` (shares off today's price, in any order).

    At equal value the shallower depth is taken. Depths beyond an item's `deepest` are not offered.
    """
    depths = np.sort(np.asarray(depths, float))
    if len(items.stock) > AT_ONCE:
        return _in_parts(items, depths)
    step = np.maximum(np.ceil(items.stock / MOST_UNITS), 1)
    count = np.ceil(items.stock / step).astype(int)
    size, weeks, levels = len(items.stock), items.mean.shape[1], int(count.max(initial=0)) + 1
    stock = np.arange(levels)
    worth = items.salvage[:, None] * step[:, None] * stock
    sold = np.zeros((size, levels))
    choice = np.zeros((size, weeks, levels), int)
    price = items.price[:, None] * (1 - depths) * step[:, None]
    allowed = depths[None, :] <= items.deepest[:, None] + 1e-12
    for week in reversed(range(weeks)):
        lift = (1 - depths[None, :]) ** items.elasticity[:, None]
        mean = items.mean[:, week, None] * lift / step[:, None]
        variance = items.variance[:, week, None] * lift / step[:, None] ** 2
        mass = _mass(mean, variance, levels)
        value, units = _one_week(mass, price, worth, sold)
        value = np.where(allowed[:, :, None], value, -np.inf)
        best = _first_best(value)
        live = (week < items.weeks)[:, None]
        worth = np.where(live, np.take_along_axis(value, best[:, None], 1)[:, 0], worth)
        sold = np.where(live, np.take_along_axis(units, best[:, None], 1)[:, 0], sold)
        choice[:, week] = np.where(live, best, 0)
    here = np.arange(size)
    depth = _as_expected(items, depths, choice, count, step)
    return Plan(worth[here, count], sold[here, count] * step, depth)


def _in_parts(items: Item, depths: np.ndarray) -> Plan:
    parts = [
        best_plan(Item(**{name: array[at : at + AT_ONCE] for name, array in vars(items).items()}), depths)
        for at in range(0, len(items.stock), AT_ONCE)
    ]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Plan(*(np.concatenate(column) for column in columns))


def hold_price(items: Item) -> Plan:
    """What the same stock brings at today's price."""
    return best_plan(items, np.zeros(1))


def _mass(mean: np.ndarray, variance: np.ndarray, levels: int) -> np.ndarray:
    """P(demand = k) for k below `levels`, (items, depths, levels): Poisson, or negative binomial."""
    mean = np.maximum(mean, LEAST_MEAN)[..., None]
    variance = variance[..., None]
    over = variance > LEAST_OVERDISPERSION * mean
    spread = np.where(over, variance, 2 * mean)
    count = np.arange(levels)
    clumped = stats.nbinom.pmf(count, mean**2 / (spread - mean), mean / spread)
    return np.asarray(np.where(over, clumped, stats.poisson.pmf(count, mean)))


def _one_week(
    mass: np.ndarray, price: np.ndarray, worth: np.ndarray, sold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Expected value and units of one week and all after it, for every depth and stock level."""
    size, depths, levels = mass.shape
    value, units = np.zeros((2, size, depths, levels))
    for stock in range(levels):
        takes = mass[:, :, :stock]
        rest = 1 - takes.sum(2)  # demand of the whole stock or more
        left = np.arange(stock, 0, -1)  # after selling 0 … stock − 1
        each = np.arange(stock)
        value[:, :, stock] = (
            (takes * (price[..., None] * each + worth[:, None, left])).sum(2)
            + rest * (price * stock + worth[:, None, 0])
        )  # fmt: skip
        units[:, :, stock] = (takes * (each + sold[:, None, left])).sum(2) + rest * (stock + sold[:, None, 0])
    return value, units


def _first_best(value: np.ndarray) -> np.ndarray:
    """The shallowest depth whose value is the best, to a millionth of a dollar."""
    return np.asarray((value >= value.max(1, keepdims=True) - 1e-6).argmax(1))


def _as_expected(
    items: Item, depths: np.ndarray, choice: np.ndarray, count: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Depths of the coming weeks if each sells its expected units."""
    here, left = np.arange(len(count)), count.astype(float)
    path = np.zeros(choice.shape[:2])
    for week in range(choice.shape[1]):
        path[:, week] = depths[choice[here, week, np.rint(left).astype(int)]]
        lift = (1 - path[:, week]) ** items.elasticity
        left = np.maximum(left - items.mean[:, week] * lift / step, 0)
    return path
