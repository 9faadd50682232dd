"""Stores of one region help each other out: before ordering, spare packs go where the shelf runs dry."""

from __future__ import annotations

import numpy as np

from models_ml.recommend.count_distributions import quantile
from models_ml.replay.money import TRANSFER_COST, worth
from models_ml.replay.policies import Mean, known_week
from models_ml.replay.simulate import TRANSFER_DAYS, Moves, Rules
from models_ml.replay.world import World

DONOR_SERVICE = 0.95


def between_stores(world: World, rules: Rules, mean: Mean, last_known: int) -> Moves:
    """Moves between the stores of a region that hold the same item.

    A store asks for what is wanted, with a probability that is worth a transfer, until the next one or an
    order placed now could be there, beyond what it has and is due. A store gives single units beyond its own
    protection interval's demand at `DONOR_SERVICE`. Who sells most is served first. Demand varies as it did
    up to the week `last_known`.
    """
    weekly = world.weekly[:, : last_known - world.first_week + 1]
    variance_ratio = np.maximum(weekly.var(1) / np.maximum(weekly.mean(1), 1e-9), 1)
    order, starts = _groups(world)
    pays = np.clip(1 - TRANSFER_COST / np.maximum(worth(world), 1e-9), 0, 0.999)
    days = rules.protection_days
    horizon = min(rules.lead_time_mean_days, TRANSFER_DAYS + rules.review_days)
    cached: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def limits(day: int) -> tuple[np.ndarray, np.ndarray]:
        week = known_week(world, day)
        if week not in cached:
            cached.clear()
            full = np.maximum(mean(week, day), 1e-3)
            soon = full * horizon / days
            asked = np.where(pays > 0.5, quantile(np.maximum(pays, 0.5), soon, soon * variance_ratio), 0)
            own = quantile(np.full(len(full), DONOR_SERVICE), full, full * variance_ratio)
            cached[week] = asked, own
        return cached[week]

    def moves(day: int, stock: np.ndarray, due: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked, own = limits(day)
        lacking = np.floor(np.maximum(asked - stock - due, 0))
        spare = np.floor(np.maximum(stock - np.maximum(own, 1), 0)) * (lacking == 0)
        lacking, spare = lacking[..., order], spare[..., order]
        asked_before, given_before = _before(lacking, starts), _before(spare, starts)
        total = np.minimum(_sums(lacking, starts), _sums(spare, starts))
        into, out = np.empty_like(stock), np.empty_like(stock)
        into[..., order] = np.clip(total - asked_before, 0, lacking)
        out[..., order] = np.clip(total - given_before, 0, spare)
        return out, into

    return moves


def _groups(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Items by region and name, those that sell most first; where each group starts."""
    _, group = np.unique(np.char.add(np.char.add(world.regions, "/"), world.items), return_inverse=True)
    order = np.lexsort((-world.units.sum(1), group))
    return order, np.flatnonzero(np.diff(group[order], prepend=-1))


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum of each group, at every one of its members."""
    size = np.diff(np.append(starts, values.shape[-1]))
    return np.repeat(np.add.reduceat(values, starts, -1), size, -1)


def _before(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum of the group's members before each."""
    total = np.cumsum(values, -1, dtype=float)
    size = np.diff(np.append(starts, values.shape[-1]))
    base = np.repeat((total - values)[..., starts], size, -1)
    return np.asarray(total - values - base)
