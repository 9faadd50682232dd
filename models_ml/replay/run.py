"""Every policy on the held-out weeks, with settings chosen on the weeks before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from governance.progress import Progress, silent
from models_ml.replay.min_max import try_levels, tuned_by_cost, tuned_by_fill
from models_ml.replay.network import between_stores
from models_ml.replay.policies import (
    base_stock,
    blended,
    days_of_cover,
    moving_average,
    near_true_rate,
    perfect_foresight,
)
from models_ml.replay.simulate import Levels, Moves, Rules, lead_times
from models_ml.replay.tuning import Choices, Tuning, run_weeks, settings_label
from models_ml.replay.world import World

OURS, TUNED, STALE = "ours", "min-max tuned per item", "stale min-max (weeks 2–14)"
NETWORK = "ours, with transfers and promotion pre-positioning"
ORACLE, FORESIGHT = "near-true-rate oracle", "perfect foresight"


@dataclass(frozen=True)
class ReplaySettings:
    """Weeks of the demo year. Two weeks before the measured ones let the start wear off."""

    first_tuning_week: int = 2
    last_tuning_week: int = 37
    first_week: int = 38
    last_week: int = 52
    seeds: int = 20
    first_seed: int = 100
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True)
class Outcome:
    """Of one policy: units served, mean stock and transfers in units, each (knobs, seeds, items); `chosen`
    says its settings, `cheapest` is the knob that cost least before."""

    policy: str
    served: np.ndarray
    mean_stock: np.ndarray
    moved: np.ndarray
    chosen: str = ""
    cheapest: int | None = None


def replay(
    world: World,
    rules: Rules,
    settings: ReplaySettings = ReplaySettings(),
    progress: Progress = silent,
) -> Iterator[Outcome]:
    """Outcome of every policy on the same demand and the same lead times."""
    first = settings.first_seed
    leads = lead_times(rules, range(first, first + settings.seeds), *world.units.shape)
    chosen_on = lead_times(rules, range(first - settings.choices.seeds, first), *world.units.shape)
    weeks = settings.first_week, settings.last_week
    for policy in _policies(world, rules, settings, chosen_on):
        progress(f"{world.tier}: {policy.name}")
        ran = run_weeks(world, rules, policy.levels, leads, weeks, moves=policy.moves)
        yield Outcome(policy.name, ran.served, ran.mean_stock, ran.moved, policy.chosen, policy.cheapest)


def demand_of(world: World, settings: ReplaySettings = ReplaySettings()) -> np.ndarray:
    """Units demanded in the measured weeks, by item."""
    return np.asarray(
        world.units[:, world.day(settings.first_week) : world.day(settings.last_week + 1)].sum(1)
    )


@dataclass(frozen=True)
class _Policy:
    name: str
    levels: Levels
    moves: Moves | None = None
    chosen: str = ""
    cheapest: int | None = None


def _policies(world: World, rules: Rules, settings: ReplaySettings, leads: np.ndarray) -> Iterator[_Policy]:
    first, last = settings.first_tuning_week, settings.last_tuning_week
    tried = try_levels(world, rules, first, last)
    by_fill, by_cost = tuned_by_fill(tried), tuned_by_cost(tried)
    stale = tuned_by_fill(try_levels(world, rules, first, 14))
    yield _Policy(f"{TUNED}, to a fill rate", lambda day: by_fill)
    yield _Policy(f"{TUNED}, to a cost", lambda day: by_cost)
    yield _Policy(STALE, lambda day: stale)
    yield _Policy("days of cover", days_of_cover(world, rules))
    yield _Policy("rolling moving average 13", base_stock(world, rules, moving_average(world, rules)))
    tuning = Tuning(world, rules, settings.choices, leads, last)
    weight, shape = tuning.choose()
    mean = blended(world, rules, weight)
    yield _Policy(
        OURS,
        base_stock(world, rules, mean, shape),
        chosen=settings_label(weight, shape),
        cheapest=tuning.cheapest(weight, shape),
    )
    early = tuning.choose_ahead(weight, shape)
    sentence = f"{early.ahead:.0%} of a coming rise ordered a review early"
    yield _Policy(
        NETWORK, base_stock(world, rules, mean, early), between_stores(world, rules, mean, last), sentence
    )
    yield _Policy(ORACLE, base_stock(world, rules, near_true_rate(world, rules)))
    yield _Policy(FORESIGHT, perfect_foresight(world, rules))
