"""The replay against a plain loop over days, and its comparisons against numbers worked out by hand."""

from functools import partial

import numpy as np
import pytest

from models_ml.replay.compare import compare
from models_ml.replay.min_max import try_levels, tuned_by_cost, tuned_by_fill
from models_ml.replay.network import between_stores
from models_ml.replay.policies import (
    Shape,
    base_stock,
    blended,
    days_of_cover,
    known_week,
    moving_average,
    near_true_rate,
    perfect_foresight,
)
from models_ml.replay.run import Outcome, ReplaySettings, replay
from models_ml.replay.simulate import TRANSFER_DAYS, Rules, lead_times, simulate
from models_ml.replay.tuning import Choices, Tuning
from models_ml.replay.world import World
from tests.seeds import fixed_generator, generator


def by_hand(demand, level, lead, rules, *, start, measure_from):
    """One item, one knob, one seed."""
    stock = int(np.ceil(level(start) / rules.pack_units)) * rules.pack_units
    orders, served, mean_stock = [], 0, 0
    for day in range(start, len(demand)):
        stock += sum(units for due, units in orders if due == day)
        orders = [(due, units) for due, units in orders if due > day]
        sold = min(stock, demand[day])
        stock -= sold
        if day >= measure_from:
            served, mean_stock = served + sold, mean_stock + stock
        if (day + 1) % rules.review_days == 0:
            lacking = level(day) - stock - sum(units for _, units in orders)
            if lacking > 0:
                orders.append((day + lead[day], int(np.ceil(lacking / rules.pack_units)) * rules.pack_units))
    return served, mean_stock / (len(demand) - max(start, measure_from))


def _of(level, knob, item, day):
    return level[day, knob, item]


@pytest.mark.parametrize("case", range(20))
def test_equal_to_a_plain_loop(case):
    rng = generator(case)
    items, days, knobs, seeds = 5, 70, 3, 2
    rules = Rules(
        pack_units=int(rng.integers(1, 7)), review_days=int(rng.choice([1, 3, 7])), lead_time_mean_days=5
    )
    demand = rng.poisson(rng.uniform(0.1, 3), (items, days)).astype(np.float32)
    leads = lead_times(rules, range(case, case + seeds), items, days)
    level = rng.uniform(0, 40, (days, knobs, items)).round(2)
    start = int(rng.integers(0, 10))
    ran = simulate(demand, lambda d: level[d], leads, rules, start=start, measure_from=20)
    for knob, seed, item in np.ndindex(knobs, seeds, items):
        own = partial(_of, level, knob, item)
        expected = by_hand(demand[item], own, leads[seed, item], rules, start=start, measure_from=20)
        assert ran.served[knob, seed, item] == expected[0]
        assert ran.mean_stock[knob, seed, item] == pytest.approx(expected[1], rel=1e-6)
    assert not ran.moved.any()


def test_what_leaves_one_store_reaches_another_after_its_days():
    """Two stores, one empty: a plain count of what is on the shelves, day by day."""
    rules = Rules(pack_units=1, review_days=1, lead_time_mean_days=9)
    demand = np.zeros((2, 8), np.float32)
    demand[1] = 1
    seen = []

    def moves(day, stock, due):
        seen.append(stock[0, 0].tolist())
        out = np.zeros_like(stock)
        out[..., 0] = 3.0 if day == 1 else 0.0
        return out, out[..., ::-1]

    leads = np.full((1, 2, 8), 30, np.int16)
    level = np.array([[10.0, 0.0]])
    ran = simulate(demand, lambda d: level, leads, rules, start=0, measure_from=0, moves=moves)
    first = 1 + TRANSFER_DAYS  # the day on which they are there
    assert ran.served[0, 0].tolist() == [0, 3]
    assert ran.moved[0, 0].tolist() == [0, 3]
    after = [[10, 0]] * 2 + [[7, 0]] * (first - 2) + [[7, 2], [7, 1], [7, 0], [7, 0], [7, 0]]
    assert seen == after[:8]


def test_lead_times_are_shared_and_of_the_stated_size():
    rules = Rules(pack_units=1, review_days=1, lead_time_mean_days=7, lead_time_cv=0.35)
    drawn = lead_times(rules, range(3), 500, 100)
    assert np.array_equal(drawn[1:], lead_times(rules, range(1, 3), 500, 100))
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(7, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.35, rel=0.03)


@pytest.fixture(scope="module")
def world():
    rng = fixed_generator(7)
    items, weeks = 240, 52
    rate = rng.gamma(2, 0.6, items)
    season = 1 + 0.5 * np.sin(np.arange(weeks) / 52 * 2 * np.pi)
    units = rng.poisson(np.repeat(rate[:, None] * season, 7, 1)).astype(np.float32)
    planted_anomalies = np.pad(rate[:, None] * season * 7, ((0, 0), (0, 8)), mode="edge")
    forecasts = {week: planted_anomalies[:, week - 1 : week + 7] for week in range(29, 54)}
    names, goods = np.array([f"{i:03}" for i in range(items)]), np.array([f"{i % 40}" for i in range(items)])
    ones = np.ones(items)
    return World(
        "category", names, goods, names, units, 2, forecasts, rng.random(items) < 0.5, ones,
        np.full(items, "East"), 2 * ones, ones,
    )  # fmt: skip


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
        lambda w: base_stock(w, rules, blended(w, rules, 0.7), Shape(20, "empirical", 0.5)),
        lambda w: base_stock(w, rules, blended(w, rules, 0.7), Shape(kind="k_sigma")),
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
    tried, again = try_levels(world, rules, 2, 37), try_levels(changed, rules, 2, 37)
    for tuned in (tuned_by_fill, tuned_by_cost):
        levels = tuned(tried)
        assert np.array_equal(levels, tuned(again))
        assert (np.diff(levels.sum(1)) >= 0).all()  # a dearer lost unit never means less stock


def test_settings_are_chosen_on_their_weeks_only(world, rules):
    later = world.units.copy()
    later[:, world.day(38) :] = 99
    changed = World(**{**world.__dict__, "units": later})
    choices = Choices(blends=(1.0, 0.5), kinds=("k_sigma",), seeds=1)
    leads = lead_times(rules, range(1), *world.units.shape)
    result = [Tuning(w, rules, choices, leads, 37).choose() for w in (world, changed)]
    assert result[0] == result[1]
    assert result[0][0] == 1.0  # the forecasts are the truth here


def test_transfers_keep_every_unit_and_never_empty_a_donor(world, rules):
    rng = generator()
    moves = between_stores(world, rules, blended(world, rules, 1.0), 37)
    shape = (2, 3, len(world.units))
    stock, due = rng.integers(0, 30, shape).astype("f4"), rng.integers(0, 9, shape).astype("f4")
    out, into = moves(world.day(40), stock, due)
    assert out.sum() > 100
    for item in np.unique(world.items):
        same = world.items == item
        np.testing.assert_array_equal(out[..., same].sum(-1), into[..., same].sum(-1))
    assert (out <= stock).all()
    assert not ((out > 0) & (into > 0)).any()
    giving = out > 0
    assert (stock - out)[giving].min() >= 1


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
    served, still = np.array([[[8.0, 8.0]], [[10.0, 10.0]]]), np.zeros((2, 1, 2))
    base = Outcome("base", served, np.array([[[4.0, 4.0]], [[8.0, 8.0]]]), still)
    ours = Outcome("ours", served, np.array([[[3.0, 3.0]], [[6.0, 6.0]]]), still)
    result = compare(ours, base, demand, fill=0.9)
    assert result.stock_units == pytest.approx(4.5)
    assert result.stock_ratio == pytest.approx([4.5 / 6])
    assert result.lost_ratio == pytest.approx([0.0])  # at 6 units held it loses nothing
    assert np.isnan(compare(ours, base, demand, fill=0.7).stock_ratio).all()  # no knob goes so low
    slice_of = compare(ours, base, demand, fill=0.9, items=np.array([True, False]))
    assert slice_of.stock_ratio == pytest.approx([0.75])
