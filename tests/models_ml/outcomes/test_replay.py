# ruff: noqa: PLR0917
"""The vectorised replay equals one that walks day by day with lists, on many random small cases."""

from __future__ import annotations

import numpy as np
import pytest

from models_ml.outcomes.replay import MinMax, replay
from tests.seeds import generator


def by_hand(free, first, demand, arrivals, lead, least, most, pack):
    """One shop, one product, in plain words: goods come in, people buy, on review days one orders."""
    ordered = [(lead, first), *enumerate(arrivals)]
    stock, served, levels = max(free, 0), 0, []
    for day, wanted in enumerate(demand):
        if day > 0 and day % 7 == 0:
            position = stock + sum(units for due, units in ordered if due >= day)
            if position <= least:
                ordered.append((day + lead, max(-(-(most - position) // pack), 0) * pack))
        stock += sum(units for due, units in ordered if due == day)
        sold = min(stock, wanted)
        stock, served = stock - sold, served + sold
        levels.append(stock)
    return served, sum(levels) / len(levels)


def test_replay_equals_a_walk_by_hand():
    draw = generator()
    rows, days = 400, 28
    free, first = draw.integers(-2, 20, rows), draw.integers(0, 15, rows)
    demand, arrivals = draw.poisson(1.5, (rows, days)), draw.binomial(6, 0.04, (rows, days))
    lead, pack = draw.integers(1, 9, rows), draw.integers(1, 7, rows)
    least = draw.integers(0, 18, rows)
    most = least + draw.integers(1, 12, rows)
    done = replay(
        free=free, first_order=first.astype(float), demand=demand.astype(float),
        arrivals=arrivals.astype(float),
        lead_days=lead, policy=MinMax(least.astype(float), most.astype(float), pack.astype(float)),
    )  # fmt: skip
    for at in range(rows):
        served, stock_days = by_hand(
            int(free[at]), int(first[at]), demand[at].tolist(), arrivals[at].tolist(), int(lead[at]),
            int(least[at]), int(most[at]), int(pack[at]),
        )  # fmt: skip
        assert (done.served_units[at], done.mean_stock_units[at]) == (served, pytest.approx(stock_days)), at


def test_an_order_that_comes_after_the_window_changes_nothing():
    one = np.ones(1)
    policy = MinMax(one * -1, one * 0, one)
    for first in (0.0, 50.0):
        done = replay(
            free=one * 3, first_order=one * first, demand=np.ones((1, 5)), arrivals=np.zeros((1, 5)),
            lead_days=np.array([5]), policy=policy,
        )  # fmt: skip
        assert done.served_units.tolist() == [3.0]
