"""Policies at the same fill rate: stock needed, and sales lost at the same stock, by seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_ml.replay.run import Outcome


@dataclass(frozen=True)
class Comparison:
    """One policy against a baseline, on some items, at one fill rate.

    `stock_units` is mean units held an item at that fill rate; `stock_ratio` divides by the baseline's, one
    value a seed; `lost_ratio` are units lost at the baseline's stock, divided by the baseline's, one value
    a seed. NaN where a policy never reaches the fill rate.
    """

    policy: str
    stock_units: float
    stock_ratio: np.ndarray
    lost_ratio: np.ndarray


def compare(
    outcome: Outcome, baseline: Outcome, demand: np.ndarray, *, fill: float, items: np.ndarray | None = None
) -> Comparison:
    """`demand` is units demanded by item; `items` (mask or index) limits the comparison to a slice."""
    chosen = (
        np.arange(len(demand)) if items is None else np.flatnonzero(items) if items.dtype == bool else items
    )
    total = demand[chosen].sum()
    ours, theirs = _curves(outcome, chosen, total), _curves(baseline, chosen, total)
    stock = np.array([_at(f, s, fill) for f, s in ours])
    base = np.array([_at(f, s, fill) for f, s in theirs])
    reached = np.array([_at(s, f, b) for (f, s), b in zip(ours, base, strict=True)])
    return Comparison(outcome.policy, float(stock.mean()), stock / base, (1 - reached) / (1 - fill))


def stronger(outcomes: list[Outcome], demand: np.ndarray, fill: float) -> Outcome:
    """The one that needs least stock at the fill rate."""
    return min(outcomes, key=lambda o: compare(o, o, demand, fill=fill).stock_units)


def _curves(outcome: Outcome, chosen: np.ndarray, total: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """By seed: fill rate and mean stock an item, over the knobs."""
    fill = outcome.served[:, :, chosen].sum(2, dtype=float) / total
    stock = outcome.mean_stock[:, :, chosen].mean(2, dtype=float)
    return [(fill[:, seed], stock[:, seed]) for seed in range(fill.shape[1])]


def _at(along: np.ndarray, values: np.ndarray, point: float) -> float:
    """Value where the curve passes `point`, between neighbouring knobs; NaN outside."""
    order = np.argsort(along, kind="stable")
    return float(np.interp(point, along[order], values[order], left=np.nan, right=np.nan))
