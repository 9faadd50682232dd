"""Order-up-to levels of the policies that look at demand as it comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models_ml.recommend.counting import quantile
from models_ml.replay.simulate import Levels, Rules
from models_ml.replay.world import World

Mean = Callable[[int, int], np.ndarray]
"""Expected units (items,) of the protection interval after a day, knowing weeks up to the given one."""

SHARES = np.array([0.5, 0.65, 0.75, 0.82, 0.87, 0.91, 0.94, 0.96, 0.975, 0.985, 0.992, 0.997])
_DAYS_OF_COVER = np.array([4, 7, 10, 13, 16, 19, 22, 26, 31, 38, 48, 65.0])
_FORESIGHT = np.array([0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 1.75, 2.1, 2.6])
_BACK = range(3, 16)  # weeks back whose forecasts tell how far off they are
_POOLED = 0.5  # weight of the error that items of like size have, against the item's own
_BINS = 20


def known_week(world: World, day: int) -> int:
    """The last week that is complete at the end of a day."""
    return world.first_week + (day + 1) // 7 - 1


def base_stock(world: World, rules: Rules, mean: Mean) -> Levels:
    """The count that demand over lead time and review exceeds with 1 − knob; knobs are `SHARES`.

    The variance is that of the errors which the same forecast made before, half of it pooled over items of
    like size, and what an uncertain lead time adds.
    """
    errors = _Errors(world, rules, mean)
    kept: dict[tuple[int, int], np.ndarray] = {}

    def levels(day: int) -> np.ndarray:
        week = known_week(world, day)
        key = (week, day % 7)
        if key not in kept:
            kept.clear()
            expected = np.maximum(mean(week, day), 1e-3)
            sd_days = rules.lead_time_mean_days * rules.lead_time_cv
            variance = errors.variance(week, expected) + (expected / rules.protection_days * sd_days) ** 2
            kept[key] = np.stack([quantile(share, expected, variance) for share in SHARES])
        return kept[key]

    return levels


def moving_average(world: World, rules: Rules, weeks: int = 13) -> Mean:
    """Mean of the last weeks."""
    weekly = world.weekly

    def mean(week: int, day: int) -> np.ndarray:
        end = week - world.first_week + 1
        return np.asarray(weekly[:, max(0, end - weeks) : end].mean(1) / 7 * rules.protection_days)

    return mean


def blended(world: World, rules: Rules, weight: float) -> Mean:
    """The demand model's forecast, blended with the moving average; before its first origin the latter."""
    average = moving_average(world, rules)

    def mean(week: int, day: int) -> np.ndarray:
        if week not in world.forecasts:
            return average(week, day)
        share = _shares_of_weeks(world, rules, week, day)
        return np.asarray(weight * (world.forecasts[week] @ share) + (1 - weight) * average(week, day))

    return mean


def near_true_rate(world: World, rules: Rules) -> Mean:
    """An oracle of the rate: weeks on both sides of the interval, but none that it touches, four each."""
    weekly = world.weekly
    touched = int(np.ceil(rules.protection_days / 7)) + 1

    def mean(week: int, day: int) -> np.ndarray:
        end = week - world.first_week + 1
        around = [weekly[:, max(0, end - 4) : end], weekly[:, end + touched : end + touched + 4]]
        return np.asarray(np.concatenate(around, 1).mean(1) / 7 * rules.protection_days)

    return mean


def days_of_cover(world: World, rules: Rules) -> Levels:
    """So many days of the mean of the last 28 days; the knob is the days."""

    def levels(day: int) -> np.ndarray:
        daily = world.units[:, max(0, day - 27) : day + 1].mean(1)
        return np.asarray(_DAYS_OF_COVER[:, None] * daily)

    return levels


def perfect_foresight(world: World, rules: Rules) -> Levels:
    """The demand that will come in knob × the protection interval; lead times stay uncertain."""
    total = np.concatenate([np.zeros((len(world.units), 1)), world.units.cumsum(1)], 1)

    def levels(day: int) -> np.ndarray:
        ends = np.minimum(day + 1 + np.rint(_FORESIGHT * rules.protection_days), total.shape[1] - 1)
        return np.asarray(total[:, ends.astype(int)].T - total[:, day + 1])

    return levels


def _shares_of_weeks(world: World, rules: Rules, week: int, day: int) -> np.ndarray:
    """How much of each of the eight weeks after `week` the interval after `day` covers."""
    start = day + 1 - world.day(week + 1)
    begins = np.arange(8) * 7
    return np.asarray(
        np.maximum(0, np.minimum(start + rules.protection_days, begins + 7) - np.maximum(start, begins)) / 7
    )


class _Errors:
    """Mean squared error of a forecast over the protection interval, by item, as known at a week's end."""

    def __init__(self, world: World, rules: Rules, mean: Mean) -> None:
        self._world, self._rules, self._mean = world, rules, mean
        self._squares: dict[int, np.ndarray] = {}

    def variance(self, week: int, expected: np.ndarray) -> np.ndarray:
        """Own and pooled error; only intervals that had ended by the week."""
        whole = int(np.ceil(self._rules.protection_days / 7))
        weeks = [week - back for back in _BACK if back >= whole and week - back >= self._world.first_week + 4]
        own = np.mean([self._square(w) for w in weeks], 0)
        size = np.digitize(expected, np.unique(np.quantile(expected, np.linspace(0, 1, _BINS + 1)[1:-1])))
        count = np.bincount(size, minlength=_BINS)
        ratio = np.bincount(size, own, _BINS) / np.maximum(np.bincount(size, expected, _BINS), 1e-9)
        pooled = np.where(count > 0, ratio, 1.0)[size] * expected
        return np.asarray((1 - _POOLED) * own + _POOLED * pooled)

    def _square(self, week: int) -> np.ndarray:
        if week not in self._squares:
            day = self._world.day(week + 1) - 1
            days = round(self._rules.protection_days)
            came = self._world.units[:, day + 1 : day + 1 + days].sum(1)
            self._squares[week] = np.square(came - self._mean(week, day))
        return self._squares[week]
