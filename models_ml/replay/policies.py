"""Order-up-to levels of the policies that look at demand as it comes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models_ml.recommend.count_distributions import quantile
from models_ml.recommend.inputs.distribution import classify
from models_ml.replay.simulate import Levels, Rules
from models_ml.replay.world import World

Mean = Callable[[int, int], np.ndarray]
"""Expected units (items,) of the protection interval after a day, knowing weeks up to the given one."""

SHARES = np.array([0.5, 0.65, 0.75, 0.82, 0.87, 0.91, 0.94, 0.96, 0.975, 0.985, 0.992, 0.997, 0.999])
_DAYS_OF_COVER = np.array([4, 7, 10, 13, 16, 19, 22, 26, 31, 38, 48, 65.0])
_FORESIGHT = np.array([0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 1.75, 2.1, 2.6])
_LATEST = 3  # weeks back from which forecasts tell how far off they are
SMOOTHING = 0.1  # weight of the newest week, about as old on average as a moving average of 19
_POOLED = 0.5  # weight of the error that items of like size have, against the item's own
_BINS = 20


def known_week(world: World, day: int) -> int:
    """The last week that is complete at the end of a day."""
    return world.first_week + (day + 1) // 7 - 1


@dataclass(frozen=True)
class Shape:
    """How levels are made from a forecast. `weeks` back tell how far off it was; `kind` is the distribution
    (`recommend.inputs.distribution`); `ahead` is the share of a coming rise that is ordered a review
    early."""

    weeks: int = 13
    kind: str = "counts"
    ahead: float = 0.0


def base_stock(
    world: World, rules: Rules, mean: Mean, shape: Shape = Shape(), shares: np.ndarray = SHARES
) -> Levels:
    """The count that demand over lead time and review exceeds with 1 − knob; knobs are `shares`.

    The variance is that of the errors which the same forecast made before, half of it pooled over items of
    like size, and what an uncertain lead time adds.
    """
    errors = _Errors(world, rules, mean, shape.weeks)
    classes = demand_classes(world)
    cached: dict[tuple[int, int], np.ndarray] = {}

    def levels(day: int) -> np.ndarray:
        week = known_week(world, day)
        key = (week, day % 7)
        if key not in cached:
            cached.clear()
            expected = np.maximum(mean(week, day), 1e-3)
            if shape.ahead:
                rise = np.maximum(mean(week, day + rules.review_days) - expected, 0)
                expected = expected + shape.ahead * rise
            sd_days = rules.lead_time_mean_days * rules.lead_time_cv
            own = errors.variance(week, expected)
            variance = own + (expected / rules.protection_days * sd_days) ** 2
            if shape.kind == "k_sigma":
                z = stats.norm.ppf(shares)[:, None]
                levels_now = np.maximum(expected + z * np.sqrt(variance), 0)
            elif shape.kind == "empirical":
                wide = np.sqrt(variance / np.maximum(own, 1e-9))
                ratio = errors.ratio_quantiles(week, classes, shares)
                levels_now = np.maximum(expected * (1 + (ratio - 1) * wide), 0)
            else:
                levels_now = np.stack([quantile(share, expected, variance) for share in shares])
            cached[key] = levels_now
        return cached[key]

    return levels


def demand_classes(world: World, last_known: int = 37) -> np.ndarray:
    """Class of each item's demand up to that week."""
    weekly = world.weekly[:, : last_known - world.first_week + 1]
    sold = np.where(weekly > 0, weekly, np.nan)
    times = np.maximum((weekly > 0).sum(1), 1)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        varied = np.nanvar(sold, 1, ddof=1) / np.nanmean(sold, 1) ** 2
    return classify(weekly.shape[1] / times, varied)


def moving_average(world: World, rules: Rules, weeks: int = 13) -> Mean:
    """Mean of the last weeks."""
    weekly = world.weekly

    def mean(week: int, day: int) -> np.ndarray:
        end = week - world.first_week + 1
        return np.asarray(weekly[:, max(0, end - weeks) : end].mean(1) / 7 * rules.protection_days)

    return mean


def smoothed(world: World, rules: Rules) -> Mean:
    """Exponentially weighted mean of all weeks known."""
    weekly = world.weekly
    levels = np.empty_like(weekly)
    level = weekly[:, :4].mean(1)
    for column in range(weekly.shape[1]):
        if column >= 4:
            level = level + SMOOTHING * (weekly[:, column] - level)
        levels[:, column] = level

    def mean(week: int, day: int) -> np.ndarray:
        return np.asarray(levels[:, max(week - world.first_week, 3)] / 7 * rules.protection_days)

    return mean


def blended(world: World, rules: Rules, weight: float) -> Mean:
    """The demand model's forecast, blended with the smoothed mean; before its first origin the latter."""
    average = smoothed(world, rules)

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

    def __init__(self, world: World, rules: Rules, mean: Mean, weeks: int = 13) -> None:
        self._world, self._rules, self._mean, self._weeks = world, rules, mean, weeks
        self._seen: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def variance(self, week: int, expected: np.ndarray) -> np.ndarray:
        """Own and pooled error; only intervals that had ended by the week."""
        own = np.mean([np.square(np.subtract(*self._at(w))) for w in self._ended_weeks(week)], 0)
        size = np.digitize(expected, np.unique(np.quantile(expected, np.linspace(0, 1, _BINS + 1)[1:-1])))
        count = np.bincount(size, minlength=_BINS)
        ratio = np.bincount(size, own, _BINS) / np.maximum(np.bincount(size, expected, _BINS), 1e-9)
        pooled = np.where(count > 0, ratio, 1.0)[size] * expected
        return np.asarray((1 - _POOLED) * own + _POOLED * pooled)

    def ratio_quantiles(self, week: int, classes: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """What came over what was expected, of the items of each one's class: (shares, items)."""
        came, expected = (
            np.stack(part) for part in zip(*map(self._at, self._ended_weeks(week)), strict=True)
        )
        ratio, out = came / np.maximum(expected, 1e-3), np.ones((len(shares), len(classes)))
        for name in np.unique(classes):
            of_class = classes == name
            out[:, of_class] = np.quantile(ratio[:, of_class], shares)[:, None]
        return out

    def _ended_weeks(self, week: int) -> list[int]:
        """Weeks whose intervals have ended by this one."""
        whole = int(np.ceil(self._rules.protection_days / 7))
        first = self._world.first_week + 4
        last = week - max(_LATEST, whole)
        return [at for at in range(week - _LATEST - self._weeks + 1, last + 1) if at >= first]

    def _at(self, week: int) -> tuple[np.ndarray, np.ndarray]:
        """What came in the interval after a week, and what was expected."""
        if week not in self._seen:
            day = self._world.day(week + 1) - 1
            days = round(self._rules.protection_days)
            came = self._world.units[:, day + 1 : day + 1 + days].sum(1)
            self._seen[week] = came, self._mean(week, day)
        return self._seen[week]
