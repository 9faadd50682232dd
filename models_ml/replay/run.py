"""Every policy on the held-out weeks, with settings chosen on the weeks before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models_ml.replay.min_max import tuned_by_cost, tuned_by_fill
from models_ml.replay.policies import (
    base_stock,
    blended,
    days_of_cover,
    moving_average,
    near_true_rate,
    perfect_foresight,
)
from models_ml.replay.simulate import Levels, Rules, lead_times, simulate
from models_ml.replay.world import World

OURS, TUNED, STALE = "ours", "min-max tuned per item", "stale min-max (weeks 2–14)"
ORACLE, FORESIGHT = "near-true-rate oracle", "perfect foresight"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ReplaySettings:
    """Weeks of the demo year. Two weeks before the measured ones let the start wear off."""

    first_tuning_week: int = 2
    last_tuning_week: int = 37
    first_week: int = 38
    last_week: int = 52
    seeds: int = 20
    first_seed: int = 100
    blends: tuple[float, ...] = (1.0, 0.7, 0.4)
    blend_weeks: int = 8  # last tuning weeks, on which the blend is chosen


@dataclass(frozen=True)
class Outcome:
    """Of one policy: units served and mean stock in units, each (knobs, seeds, items)."""

    policy: str
    served: np.ndarray
    held: np.ndarray


def replay(
    world: World,
    rules: Rules,
    settings: ReplaySettings = ReplaySettings(),
    progress: Progress = lambda _: None,
) -> Iterator[Outcome]:
    """Outcome of every policy on the same demand and the same lead times; the chosen blend is in the name."""
    seeds = range(settings.first_seed, settings.first_seed + settings.seeds)
    leads = lead_times(rules, seeds, *world.units.shape)
    for name, levels in _policies(world, rules, settings, leads):
        progress(f"{world.tier}: {name}")
        yield Outcome(
            name, *_run(world, levels, leads, rules, first=settings.first_week, last=settings.last_week)
        )


def demand_of(world: World, settings: ReplaySettings = ReplaySettings()) -> np.ndarray:
    """Units demanded in the measured weeks, by item."""
    return np.asarray(
        world.units[:, world.day(settings.first_week) : world.day(settings.last_week + 1)].sum(1)
    )


def _policies(
    world: World, rules: Rules, settings: ReplaySettings, leads: np.ndarray
) -> Iterator[tuple[str, Levels]]:
    first, last = settings.first_tuning_week, settings.last_tuning_week
    by_fill, by_cost = tuned_by_fill(world, rules, first, last), tuned_by_cost(world, rules, first, last)
    stale = tuned_by_fill(world, rules, first, 14)
    yield f"{TUNED}, to a fill rate", lambda day: by_fill
    yield f"{TUNED}, to a cost", lambda day: by_cost
    yield STALE, lambda day: stale
    yield "days of cover", days_of_cover(world, rules)
    yield "rolling moving average 13", base_stock(world, rules, moving_average(world, rules))
    weight = _best_blend(world, rules, settings, leads)
    yield OURS, base_stock(world, rules, blended(world, rules, weight))
    yield ORACLE, base_stock(world, rules, near_true_rate(world, rules))
    yield FORESIGHT, perfect_foresight(world, rules)


def _best_blend(world: World, rules: Rules, settings: ReplaySettings, leads: np.ndarray) -> float:
    """The weight of the model that held least at 98 % fill in the last tuning weeks."""
    last = settings.last_tuning_week
    first = last - settings.blend_weeks + 1
    demand = world.units[:, world.day(first) : world.day(last + 1)].sum()
    cost = {}
    for weight in settings.blends:
        levels = base_stock(world, rules, blended(world, rules, weight))
        served, held = _run(world, levels, leads[:2], rules, first=first, last=last)
        cost[weight] = np.interp(0.98, served.mean(1).sum(1) / demand, held.mean(1).sum(1))
    return min(cost, key=lambda weight: cost[weight])


def _run(
    world: World, levels: Levels, leads: np.ndarray, rules: Rules, *, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    units = world.units[:, : world.day(last + 1)]
    return simulate(units, levels, leads, rules, start=world.day(first - 2), measure_from=world.day(first))
