"""Which questions are drawn: metrics that go together, with keys and filters that all of them have."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from .hand_sql import Combined, Mart, Metric
from .questions import Condition, Key, Question, condition, expression, in_days, of_dimension, on_time, period


def draw(
    rng: random.Random, mart: Mart, values: Mapping[str, Sequence[str]], by_hour: frozenset[str] = frozenset()
) -> Question:
    """A question of one to three metrics. `by_hour` are those that are known by the hour."""
    names = list(mart.metrics)
    first = rng.choice(names)
    way = _way(mart, first)
    alike = [n for n in names if (_way(mart, n) in (way, "plain") and _way(mart, n) == way) or n == first]
    if way in ("days", "months"):
        alike += [n for n in names if _way(mart, n) == "plain"]
    chosen = tuple(dict.fromkeys([first, *rng.sample(alike, min(len(alike), rng.choice([0, 0, 1, 2])))]))
    days = (mart.first_day, mart.last_day)
    keys: list[Key] = []
    conditions: list[Condition] = []
    ranged = None
    hourly = set(chosen) <= by_hour
    match way:
        case "days":
            keys.append(period(rng, rng.choice(["day", "week"])))
        case "months":
            keys.append(period(rng, "month"))
        case "running":
            keys.append(period(rng, "day"))
        case _:
            roll = rng.random()
            if roll < 0.55:
                grains = [
                    "day",
                    "week",
                    "month",
                    "month",
                    "quarter",
                    "year",
                    *(["hour"] * 3 if hourly else []),
                ]
                keys.append(period(rng, rng.choice(grains)))
            elif roll < 0.8:
                keys.append(expression(rng, days))
    dimensions = _dimensions(mart, chosen)
    keys += [
        of_dimension(rng, d) for d in rng.sample(dimensions, min(len(dimensions), rng.choice([0, 0, 1, 2])))
    ]
    rng.shuffle(keys)
    filtered = [d for d in dimensions if d in values]
    for name in rng.sample(filtered, min(len(filtered), rng.choice([0, 1, 1, 2]))):
        conditions.append(condition(rng, name, list(values[name])))
    if way == "plain" and rng.random() < 0.5:
        if rng.random() < 0.5:
            conditions.append(on_time(rng, days, finest="hour" if hourly else "day"))
        else:
            ranged, by_days = in_days(rng, days)
            conditions.append(by_days)
    return Question(chosen, tuple(keys), tuple(conditions), ranged)


def _way(mart: Mart, name: str) -> str:
    """How a metric goes with time: only such that go the same way are asked together, or with plain ones."""
    parts = _parts(mart, name)
    if any(m.window is not None for m in parts):
        return "running"
    if any(m.months_back for m in parts):
        return "months"
    return "days" if any(m.days_back for m in parts) else "plain"


def _parts(mart: Mart, name: str) -> tuple[Metric, ...]:
    metric = mart.metrics[name]
    return metric.inputs if isinstance(metric, Combined) else (metric,)


def _dimensions(mart: Mart, names: Sequence[str]) -> list[str]:
    """The dimensions that all facts of some metrics have."""
    sets = [set(part.fact.dimensions) for name in names for part in _parts(mart, name)]
    return sorted(set.intersection(*sets))
