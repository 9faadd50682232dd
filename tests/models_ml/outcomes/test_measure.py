"""A transfer is measured at both ends, against two shops that are walked through day by day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models_ml.outcomes.measure import TRANSFER_DAYS, donors, less_costs, outcomes
from models_ml.outcomes.situation import Situation
from tests.models_ml.outcomes.test_replay import by_hand
from tests.seeds import generator

LAST = dt.datetime(2018, 1, 1)
SCENARIOS = ("decided", "proposed", "baseline")


def end(draw, free, demand_mean):
    """One shop and what it knew; 28 days of demand, nothing on its way."""
    rows = pd.DataFrame({
        "recommendation_id": ["t"], "as_of": [pd.Timestamp("2017-11-01")], "free_units": [float(free)],
        "unit_cost": [2.0], "unit_margin": [0.7], "pack_units": [3], "lead_days": [5],
        "daily_mean": [demand_mean], "daily_sd": [demand_mean], "proposed_units": [6.0],
        "decided_units": [4.0],
    })  # fmt: skip
    demand = draw.poisson(demand_mean, (1, 28)).astype(float)
    return Situation(rows, demand, np.zeros((1, 28)))


def walked(situation, gone, came, came_after):
    """(served, mean stock) of one end: `gone` units leave at once, `came` arrive, or the rule orders."""
    row = situation.rows.iloc[0]
    mean, lead, pack = row["daily_mean"], int(row["lead_days"]), int(row["pack_units"])
    least = int(np.ceil(mean * (lead + 7) + 1.645 * mean * np.sqrt(lead + 7)))
    most = least + int(np.ceil(mean * 7))
    free = int(row["free_units"]) - gone
    first = max(-(-(most - free) // pack), 0) * pack if free <= least else 0
    arrivals = [0] * 28
    if came is not None:
        first, arrivals[came_after] = 0, came
    return by_hand(free, first, situation.demand[0].tolist(), arrivals, lead, least, most, pack)


@pytest.mark.parametrize("case", range(25))
def test_both_ends_of_a_transfer_count(case):
    draw = generator(case)
    here, there = end(draw, draw.integers(0, 4), 0.6), end(draw, draw.integers(6, 30), 0.4)
    settled = pd.DataFrame({"recommendation_id": ["t"], "proposed_units": [6.0], "decided_units": [4.0]})
    measured = less_costs(outcomes(here, LAST, donors(there)), settled, np.array([0.9])).iloc[0]
    units = {"decided": 4, "proposed": 6, "baseline": 0}
    cost = {"decided": 0.9 * 4 / 6, "proposed": 0.9, "baseline": 0.0}
    for name in SCENARIOS:
        moved = units[name]
        ends = [
            walked(here, 0, moved if name != "baseline" else None, TRANSFER_DAYS),
            walked(there, moved, None, 0),
        ]
        served, stock = sum(e[0] for e in ends), sum(e[1] for e in ends) * 2.0
        assert measured[f"served_{name}_units"] == served
        assert measured[f"stock_value_{name}"] == pytest.approx(stock)
        margin = served * 0.7 - stock * 0.22 * 28 / 365 - cost[name]
        assert measured[f"margin_{name}"] == pytest.approx(margin)
    assert measured["demand_units"] == here.demand.sum() + there.demand.sum()
    assert measured["action_cost"] == pytest.approx(0.6)


def test_a_centre_that_gives_is_no_second_end():
    """Nothing was felt by a donor: the store's own lead time holds, and only its shelf counts."""
    draw = generator()
    here = end(draw, 1, 0.6)
    measured = outcomes(here, LAST).iloc[0]
    served, stock = walked(here, 0, 4, int(here.rows["lead_days"].iloc[0]))
    assert measured["served_decided_units"] == served
    assert measured["stock_value_decided"] == pytest.approx(stock * 2.0)
