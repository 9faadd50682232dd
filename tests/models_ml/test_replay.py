"""The replay against a plain loop over days, and its comparisons against numbers worked out by hand."""

import os
import random
from functools import partial

import numpy as np
import pytest

from models_ml.replay.compare import compare
from models_ml.replay.min_max import tuned_by_cost, tuned_by_fill
from models_ml.replay.policies import (
    base_stock,
    blended,
    days_of_cover,
    known_week,
    moving_average,
    near_true_rate,
    perfect_foresight,
)
from models_ml.replay.run import Outcome, ReplaySettings, replay
from models_ml.replay.simulate import Rules, lead_times, simulate
from models_ml.replay.world import World

SEED = int(os.environ.get("STEELYARD_TEST_SEED", random.randrange(10**9)))


def by_hand(demand, level, lead, rules, *, start, measure_from):
    """One item, one knob, one seed."""
    stock = int(np.ceil(level(start) / rules.pack_units)) * rules.pack_units
    orders, served, held = [], 0, 0
    for day in range(start, len(demand)):
        stock += sum(units for due, units in orders if due == day)
        orders = [(due, units) for due, units in orders if due > day]
        sold = min(stock, demand[day])
        stock -= sold
        if day >= measure_from:
            served, held = served + sold, held + stock
        if (day + 1) % rules.review_days == 0:
            lacking = level(day) - stock - sum(units for _, units in orders)
            if lacking > 0:
                orders.append((day + lead[day], int(np.ceil(lacking / rules.pack_units)) * rules.pack_units))
    return served, held / (len(demand) - max(start, measure_from))


def _of(level, knob, item, day):
    return level[day, knob, item]


@pytest.mark.parametrize("case", range(20))
def test_equal_to_a_plain_loop(case):
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED + case)
    items, days, knobs, seeds = 5, 70, 3, 2
    rules = Rules(
        pack_units=int(rng.integers(1, 7)), review_days=int(rng.choice([1, 3, 7])), lead_time_mean_days=5
    )
    demand = rng.poisson(rng.uniform(0.1, 3), (items, days)).astype(np.float32)
    leads = lead_times(rules, range(case, case + seeds), items, days)
    level = rng.uniform(0, 40, (days, knobs, items)).round(2)
    start = int(rng.integers(0, 10))
    served, held = simulate(demand, lambda d: level[d], leads, rules, start=start, measure_from=20)
    for knob, seed, item in np.ndindex(knobs, seeds, items):
        own = partial(_of, level, knob, item)
        expected = by_hand(demand[item], own, leads[seed, item], rules, start=start, measure_from=20)
        assert served[knob, seed, item] == expected[0]
        assert held[knob, seed, item] == pytest.approx(expected[1], rel=1e-6)


def test_lead_times_are_shared_and_of_the_stated_size():
    rules = Rules(pack_units=1, review_days=1, lead_time_mean_days=7, lead_time_cv=0.35)
    drawn = lead_times(rules, range(3), 500, 100)
    assert np.array_equal(drawn[1:], lead_times(rules, range(1, 3), 500, 100))
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(7, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.35, rel=0.03)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(7)
    items, weeks = 240, 52
    rate = rng.gamma(2, 0.6, items)
    season = 1 + 0.5 * np.sin(np.arange(weeks) / 52 * 2 * np.pi)
    units = rng.poisson(np.repeat(rate[:, None] * season, 7, 1)).astype(np.float32)
    truth = np.pad(rate[:, None] * season * 7, ((0, 0), (0, 8)), mode="edge")
    forecasts = {week: truth[:, week - 1 : week + 7] for week in range(29, 54)}
    names = np.array([f"{i:03}" for i in range(items)])
    return World("category", names, names, names, units, 2, forecasts, rng.random(items) < 0.5)


@pytest.fixture(scope="module")
def rules():
    return Rules(pack_units=4, review_days=7)


def test_nothing_later_than_the_day_is_known(world, rules):
    """Changing what comes later changes no level of a policy that may not see it."""
    day = world.day(45) + 6
    later = world.units.copy()
    later[:, day + 1 :] = 99
    changed = World(**{**world.__dict__, "units": later})
    assert known_week(world, day) == 45
    assert known_week(world, day - 1) == 44
    for policy in (
        lambda w: base_stock(w, rules, moving_average(w, rules)),
        lambda w: base_stock(w, rules, blended(w, rules, 0.7)),
        lambda w: days_of_cover(w, rules),
    ):
        assert np.array_equal(policy(world)(day), policy(changed)(day))
    for policy in (
        lambda w: base_stock(w, rules, near_true_rate(w, rules)),
        lambda w: perfect_foresight(w, rules),
    ):
        assert not np.array_equal(policy(world)(day), policy(changed)(day))


def test_min_max_is_tuned_on_its_weeks_only(world, rules):
    other = world.units.copy()
    other[:, world.day(38) :] = 99
    changed = World(**{**world.__dict__, "units": other})
    for tuned in (tuned_by_fill, tuned_by_cost):
        levels = tuned(world, rules, 2, 37)
        assert np.array_equal(levels, tuned(changed, rules, 2, 37))
        assert (np.diff(levels.sum(1)) >= 0).all()  # a dearer lost unit never means less stock


def test_a_known_season_beats_the_fixed_rule_and_perfect_foresight_beats_all(world, rules):
    outcomes = {o.policy: o for o in replay(world, rules, ReplaySettings(seeds=2))}
    demand = world.units[:, world.day(38) : world.day(53)].sum(1)
    tuned = outcomes["min-max tuned per item, to a cost"]
    stock = {name: compare(o, tuned, demand, fill=0.95).stock_units for name, o in outcomes.items()}
    assert stock["ours"] < stock["min-max tuned per item, to a cost"]
    foresight = stock.pop("perfect foresight")
    assert foresight < 0.8 * np.nanmin(list(stock.values()))


def test_comparison_by_hand():
    """Two knobs, one seed, two items: stock at 90 % fill lies halfway, lost sales at that stock too."""
    demand = np.array([10.0, 10.0])
    base = Outcome("base", np.array([[[8.0, 8.0]], [[10.0, 10.0]]]), np.array([[[4.0, 4.0]], [[8.0, 8.0]]]))
    ours = Outcome("ours", np.array([[[8.0, 8.0]], [[10.0, 10.0]]]), np.array([[[3.0, 3.0]], [[6.0, 6.0]]]))
    found = compare(ours, base, demand, fill=0.9)
    assert found.stock_units == pytest.approx(4.5)
    assert found.stock_ratio == pytest.approx([4.5 / 6])
    assert found.lost_ratio == pytest.approx([0.0])  # at 6 units held it loses nothing
    assert np.isnan(compare(ours, base, demand, fill=0.7).stock_ratio).all()  # no knob goes so low
    slice_of = compare(ours, base, demand, fill=0.9, items=np.array([True, False]))
    assert slice_of.stock_ratio == pytest.approx([0.75])
