"""Periodic review with packs, random lead times and lost sales: many knobs, seeds and items at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Levels = Callable[[int], np.ndarray]
"""Order-up-to levels (knobs, items) in units, as known at the end of a day."""

Moves = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Units leaving and coming to each place (knobs, seeds, items), of stock and what is due at a day's end."""
TRANSFER_DAYS = 2


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


@dataclass(frozen=True)
class Ran:
    """Units served, mean stock at the day's end, units moved between places: each (knobs, seeds, items)."""

    served: np.ndarray
    mean_stock: np.ndarray
    moved: np.ndarray


def simulate(
    demand: np.ndarray, levels: Levels, leads: np.ndarray, rules: Rules, *, start: int, measure_from: int,
    moves: Moves | None = None,
) -> Ran:  # fmt: skip
    """What happened from `measure_from` on.

    Each day: receipts, then demand, then on a review day the transfers, which arrive after `TRANSFER_DAYS`,
    and the order. It starts at the level, all of it in stock; the days before `measure_from` let that wear
    off.
    """
    level = levels(start)
    knobs, seeds, items, days = len(level), len(leads), *demand.shape
    stock = np.repeat((np.ceil(level / rules.pack_units) * rules.pack_units)[:, None], seeds, 1).astype("f4")
    slots = max(int(leads.max()), TRANSFER_DAYS) + 1
    coming = np.zeros((slots, knobs, seeds, items), "f4")
    due, served, mean_stock, moved = np.zeros((4, knobs, seeds, items), "f4")
    for day in range(start, days):
        arriving = coming[day % slots]
        stock += arriving
        due -= arriving
        arriving[:] = 0
        sold = np.minimum(stock, demand[:, day])
        stock -= sold
        if day >= measure_from:
            served += sold
            mean_stock += stock
        if (day + 1) % rules.review_days:
            continue
        if moves is not None:
            out, into = moves(day, stock, due)
            stock -= out
            due += into
            coming[(day + TRANSFER_DAYS) % slots] += into
            moved += into if day >= measure_from else 0
        lacking = np.maximum(levels(day)[:, None] - stock - due, 0)
        order = np.ceil(lacking / rules.pack_units) * rules.pack_units
        due += order
        at = (day + leads[:, :, day]) % slots
        for slot in np.unique(at):
            coming[slot] += order * (at == slot)
    return Ran(served, mean_stock / (days - max(start, measure_from)), moved)
