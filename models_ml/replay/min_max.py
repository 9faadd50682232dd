"""The planner's rule: a fixed level for each item, tuned by replaying the weeks before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_ml.replay.simulate import Rules, lead_times, simulate
from models_ml.replay.world import World

_TIMES_MEAN = np.array(
    [0, 0.3, 0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 1.75, 2, 2.3, 2.7, 3.2, 4, 5, 6.5, 8, 11]
)  # candidates for a level, in mean demand of the protection interval
_FILLS = np.array([0.8, 0.88, 0.93, 0.96, 0.975, 0.985, 0.995, 1.0])
_PRICES = np.geomspace(8, 6000, 16)  # days of holding one unit that one lost unit is worth
_WARM_UP_DAYS = 14
_SEEDS = range(5000, 5003)  # not those of the test


@dataclass(frozen=True)
class Tried:
    """Every candidate replayed: levels, and units served and held, each (candidates, items); units demanded
    by item; days measured."""

    levels: np.ndarray
    served: np.ndarray
    mean_stock: np.ndarray
    demand: np.ndarray
    days: int


def try_levels(world: World, rules: Rules, first_week: int, last_week: int) -> Tried:
    """The candidates on those weeks only."""
    units = world.units[:, world.day(first_week) : world.day(last_week + 1)]
    levels = np.round(_TIMES_MEAN[:, None] * units.mean(1) * rules.protection_days)
    leads = lead_times(rules, _SEEDS, *units.shape)
    ran = simulate(units, lambda day: levels, leads, rules, start=0, measure_from=_WARM_UP_DAYS)
    demand = units[:, _WARM_UP_DAYS:]
    return Tried(levels, ran.served.mean(1), ran.mean_stock.mean(1), demand.sum(1), demand.shape[1])


def tuned_by_fill(tried: Tried) -> np.ndarray:
    """Levels (knobs, items): each item's smallest that reaches the knob's fill rate in those weeks.

    The last knobs scale the highest ones up, so that a rule tuned on too little can still be compared.
    """
    levels = tried.levels
    fill = np.maximum.accumulate(tried.served / np.maximum(tried.demand, 1e-9), 0)
    chosen = []
    for target in _FILLS:
        reached = fill >= target - 1e-9
        at = np.where(reached.any(0), reached.argmax(0), len(levels) - 1)
        chosen.append(levels[at, np.arange(levels.shape[1])])
    chosen += [chosen[-1] * more for more in (1.15, 1.4, 1.8, 2.5, 4.0)]
    return np.array(chosen)


def tuned_by_cost(tried: Tried) -> np.ndarray:
    """Levels (knobs, items): each item's cheapest, a lost unit being worth the knob's days of holding."""
    levels = tried.levels
    lost = (tried.demand - tried.served) / tried.days
    chosen = [
        levels[(tried.mean_stock + price * lost).argmin(0), np.arange(levels.shape[1])] for price in _PRICES
    ]
    chosen += [chosen[-1] * more for more in (1.15, 1.4, 1.8, 2.5, 4.0)]
    return np.array(chosen)
