"""Reorder quantities against brute force and stockpyl on small random cases."""

import numpy as np
import pytest
from scipy import stats
from stockpyl.newsvendor import newsvendor_poisson

from models_ml.recommend.count_distributions import expected_served, quantile, share_within
from models_ml.recommend.inputs.demand_over import over_interval
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.quantity import base_stock, order_quantity, service_target
from tests.seeds import SEED, generator


def _counts(mean: float, variance: float, upto: int) -> np.ndarray:
    """Probabilities of 0…upto, from the textbook's mass function."""
    if variance <= 1.02 * mean:
        return stats.poisson.pmf(np.arange(upto + 1), mean)
    return stats.nbinom.pmf(np.arange(upto + 1), mean**2 / (variance - mean), mean / variance)


def test_base_stock_is_stockpyls_newsvendor() -> None:
    rng = generator()
    for _ in range(1000):
        mean, over, under = rng.uniform(0.3, 30), rng.uniform(0.1, 2), rng.uniform(2, 20)
        best, _ = newsvendor_poisson(holding_cost=over, stockout_cost=under, demand_mean=mean)
        ours = base_stock(np.array([under / (under + over)]), np.array([mean]), np.array([mean]))
        assert ours[0] == best, f"seed {SEED}: mean {mean}, over {over}, under {under}"


def test_base_stock_has_the_least_cost_by_brute_force() -> None:
    rng = generator(1)
    for _ in range(300):
        mean = rng.uniform(0.3, 12)
        variance = mean * rng.uniform(1.1, 4)
        over, under = rng.uniform(0.2, 2), rng.uniform(1, 8)
        mass, demand = _counts(mean, variance, 400), np.arange(401)
        cost = [
            (mass * (over * np.maximum(s - demand, 0) + under * np.maximum(demand - s, 0))).sum()
            for s in range(120)
        ]
        ours = base_stock(np.array([under / (under + over)]), np.array([mean]), np.array([variance]))[0]
        assert cost[int(ours)] <= min(cost) + 1e-9


def test_expected_served_is_the_sum() -> None:
    rng = generator(2)
    for _ in range(200):
        mean, units = rng.uniform(0.2, 20), rng.integers(0, 30)
        variance = mean * rng.uniform(0.8, 4)
        mass = _counts(mean, variance, 600)
        direct = (mass * np.minimum(np.arange(601), units)).sum()
        got = expected_served(np.array([float(units)]), np.array([mean]), np.array([variance]))[0]
        assert got == pytest.approx(direct, abs=1e-8)
        within = share_within(np.array([float(units)]), np.array([mean]), np.array([variance]))[0]
        assert within == pytest.approx(mass[: units + 1].sum(), abs=1e-9)


def test_order_quantity_is_the_least_that_suffices() -> None:
    """Brute force over all multiples of the pack, within what sells while it keeps."""
    rng = generator(3)
    for _ in range(1000):
        pack, least = int(rng.integers(1, 7)), int(rng.integers(1, 9))
        position, level = int(rng.integers(-3, 20)), int(rng.integers(0, 25))
        sellable = float(rng.choice([1e9, rng.uniform(0, 30)]))
        options = [q for q in range(0, 121, pack) if q == 0 or q >= min(least, pack)]
        room = [q for q in options if max(position, 0) + q <= sellable]
        if position <= 0 and pack <= 2 * sellable:
            room = sorted({*room, pack})
        enough = [q for q in options if position + q >= level and (q == 0 or q >= least)]
        wanted = min(enough)
        expected = wanted if wanted in room else max(q for q in [0, *room] if q <= wanted)
        arrays = [np.array([float(x)]) for x in (position, level, pack, least, sellable)]
        got = order_quantity(*arrays)[0]
        assert got == expected, f"seed {SEED}: {position=} {level=} {pack=} {least=} {sellable=}"


def test_open_orders_are_netted() -> None:
    """What is confirmed is not proposed again: position at the level means no order."""
    level, pack, one = np.array([12.0]), np.array([4.0]), np.array([1.0])
    first = order_quantity(np.array([3.0]), level, pack, one, np.array([np.inf]))
    assert first[0] == 12
    assert order_quantity(3 + first, level, pack, one, np.array([np.inf]))[0] == 0


def test_never_the_median() -> None:
    parameters = ReorderParameters()
    zero, one = np.zeros(1), np.ones(1)
    target = service_target(
        price=zero,
        margin=zero,
        cost=one,
        interval_days=one * 7,
        shelf_days=one,
        mean=one,
        parameters=parameters,
    )
    assert target[0] == parameters.least_service > 0.5


def test_perishables_aim_lower_than_lasting_goods() -> None:
    parameters = ReorderParameters(least_service=0.01, greatest_service=0.9999)
    two = np.ones(2)
    lasting, perishable = service_target(
        price=3 * two, margin=two, cost=2 * two, interval_days=5 * two, shelf_days=np.array([np.inf, 6.0]),
        mean=two, parameters=parameters,
    )  # fmt: skip
    assert perishable < lasting


def test_interval_demand_equals_simulation() -> None:
    """Mean and variance over a random lead time, against draws."""
    rng = generator(4)
    weekly, spread, lead, sd, review = 21.0, 30.0, 5.0, 1.5, 2.0
    mean, variance = over_interval(
        np.full((1, 8), weekly), np.full((1, 8), spread), np.array([lead]), np.array([sd]), np.array([review])
    )
    days = rng.normal(lead, sd, 200_000) + review
    draws = rng.normal(weekly / 7 * days, np.sqrt(np.maximum(spread / 7 * days, 0)))
    assert mean[0] == pytest.approx(draws.mean(), rel=0.01)
    assert variance[0] == pytest.approx(draws.var(), rel=0.02)


def test_many_pairs_at_once_are_the_same_as_one_by_one() -> None:
    rng = generator(5)
    mean = rng.gamma(1, 3, 100_000)
    variance = mean * rng.uniform(0.8, 4, len(mean))
    level = quantile(np.full(len(mean), 0.95), mean, variance)
    served = expected_served(level, mean, variance)
    for n in rng.choice(len(mean), 300, replace=False):
        alone = slice(n, n + 1)
        assert quantile(np.array([0.95]), mean[alone], variance[alone])[0] == level[n]
        assert expected_served(level[alone], mean[alone], variance[alone])[0] == served[n]
