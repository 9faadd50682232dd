"""Periodic review with packs, random lead times and lost sales: many knobs, seeds and items at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Levels = Callable[[int], np.ndarray]
"""Order-up-to levels (knobs, items) in units, as known at the end of a day."""


@dataclass(frozen=True)
class Rules:
    """Order in whole packs up to the level at every review; what is not in stock is lost."""

    pack_units: float
    review_days: int
    lead_time_mean_days: float = 7.0
    lead_time_cv: float = 0.35

    @property
    def protection_days(self) -> float:
        """Days that a level must last: lead time and one review."""
        return self.lead_time_mean_days + self.review_days


def lead_times(rules: Rules, seeds: range, items: int, days: int) -> np.ndarray:
    """Gamma lead times in whole days, at least one, (seeds, items, days): of an order placed on that day.

    Every policy meets the same ones, so that a difference is the policy's and not luck's.
    """
    shape = 1 / rules.lead_time_cv**2
    drawn = [
        np.random.default_rng(seed).gamma(shape, rules.lead_time_mean_days / shape, (items, days))
        for seed in seeds
    ]
    return np.maximum(1, np.rint(drawn)).astype(np.int16)


def simulate(
    demand: np.ndarray, levels: Levels, leads: np.ndarray, rules: Rules, *, start: int, measure_from: int
) -> tuple[np.ndarray, np.ndarray]:
    """Units served and mean stock at the day's end, each (knobs, seeds, items), from `measure_from` on.

    Each day: receipts, then demand, then on a review day the order. It starts at the level, all of it in
    stock; the days before `measure_from` let that wear off.
    """
    level = levels(start)
    knobs, seeds, items, days = len(level), len(leads), *demand.shape
    stock = np.repeat((np.ceil(level / rules.pack_units) * rules.pack_units)[:, None], seeds, 1).astype("f4")
    slots = int(leads.max()) + 1
    coming = np.zeros((slots, knobs, seeds, items), "f4")
    due, served, held = np.zeros((3, knobs, seeds, items), "f4")
    for day in range(start, days):
        arriving = coming[day % slots]
        stock += arriving
        due -= arriving
        arriving[:] = 0
        sold = np.minimum(stock, demand[:, day])
        stock -= sold
        if day >= measure_from:
            served += sold
            held += stock
        if (day + 1) % rules.review_days == 0:
            lacking = np.maximum(levels(day)[:, None] - stock - due, 0)
            order = np.ceil(lacking / rules.pack_units) * rules.pack_units
            due += order
            at = (day + leads[:, :, day]) % slots
            for slot in np.unique(at):
                coming[slot] += order * (at == slot)
    return served, held / (days - max(start, measure_from))
