"""Settings of our policy, one after the other: what held least at the fill rate in the last tuning weeks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models_ml.replay.money import cost
from models_ml.replay.policies import SHARES, Shape, base_stock, blended
from models_ml.replay.simulate import Levels, Moves, Ran, Rules, simulate
from models_ml.replay.world import World

FILL = 0.98
_LEAST_GAIN = 0.02  # of another kind than counts, in both halves of the weeks: less is chance


@dataclass(frozen=True)
class Choices:
    """What is tried: the model's weight against the smoothed mean, weeks of errors, distributions, and how
    much of a coming rise is ordered early; on the last so many tuning weeks, with so many lead-time seeds."""

    blends: tuple[float, ...] = (1.0, 0.7, 0.5)
    error_weeks: tuple[int, ...] = (13, 20)
    kinds: tuple[str, ...] = ("k_sigma", "empirical")  # beside counts
    ahead: tuple[float, ...] = (0.0, 0.5)
    weeks: int = 16
    seeds: int = 2


@dataclass(frozen=True)
class Tuning:
    """Replays on weeks up to `last`, with lead times that no test sees."""

    world: World
    rules: Rules
    choices: Choices
    leads: np.ndarray
    last: int

    def choose(self) -> tuple[float, Shape]:
        """The model's weight, and how levels are made."""
        blends = {weight: self._stock_at_fill(weight, Shape()) for weight in self.choices.blends}
        weight = min(blends, key=lambda w: blends[w].sum())
        tried = {weeks: self._stock_at_fill(weight, Shape(weeks)) for weeks in self.choices.error_weeks}
        weeks = min(tried, key=lambda w: tried[w].sum())
        for kind in self.choices.kinds:
            other = Shape(weeks, kind)
            if (self._stock_at_fill(weight, other) < (1 - _LEAST_GAIN) * tried[weeks]).all():
                return weight, other
        return weight, Shape(weeks)

    def choose_ahead(self, weight: float, shape: Shape) -> Shape:
        """How much of a coming rise is ordered early, the rest as it is."""
        tried = {
            share: self._stock_at_fill(weight, replace(shape, ahead=share)) for share in self.choices.ahead
        }
        return replace(shape, ahead=min(tried, key=lambda share: tried[share].sum()))

    def cheapest(self, weight: float, shape: Shape) -> int:
        """The knob that cost least in all the weeks."""
        levels = base_stock(self.world, self.rules, blended(self.world, self.rules, weight), shape)
        weeks = self.last - self.choices.weeks + 1, self.last
        ran = run_weeks(self.world, self.rules, levels, self.leads, weeks)
        demand = self.world.units[:, self.world.day(weeks[0]) : self.world.day(weeks[1] + 1)]
        lost = demand.sum(1) - ran.served
        return int(cost(self.world, ran.mean_stock, lost, ran.moved, demand.shape[1]).sum((1, 2)).argmin())

    def _stock_at_fill(self, weight: float, shape: Shape) -> np.ndarray:
        """Mean stock at the fill rate in each half of the weeks."""
        mean = blended(self.world, self.rules, weight)
        levels = base_stock(self.world, self.rules, mean, shape, SHARES[2::2])
        half, stock_by_half = self.choices.weeks // 2, []
        for weeks in ((self.last - 2 * half + 1, self.last - half), (self.last - half + 1, self.last)):
            ran = run_weeks(self.world, self.rules, levels, self.leads, weeks)
            demand = self.world.units[:, self.world.day(weeks[0]) : self.world.day(weeks[1] + 1)].sum()
            fill, stock = ran.served.mean(1).sum(1) / demand, ran.mean_stock.mean(1).mean(1)
            stock_by_half.append(np.interp(FILL, fill, stock, left=np.inf, right=np.inf))
        return np.array(stock_by_half)


def settings_label(weight: float, shape: Shape) -> str:
    """The settings, for people."""
    return f"{weight:.0%} model, errors of {shape.weeks} weeks, {shape.kind.replace('_', ' ')}"


def run_weeks(
    world: World, rules: Rules, levels: Levels, leads: np.ndarray, weeks: tuple[int, int],
    *, moves: Moves | None = None,
) -> Ran:  # fmt: skip
    """The first to the last of those weeks, after two that let the start wear off."""
    first, last = weeks
    return simulate(
        world.units[:, : world.day(last + 1)], levels, leads, rules, start=world.day(first - 2),
        measure_from=world.day(first), moves=moves,
    )  # fmt: skip
