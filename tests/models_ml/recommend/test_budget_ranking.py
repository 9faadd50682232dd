"""Open-to-buy: greedy by return is the exact linear optimum, and its shadow price is the dual."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from models_ml.recommend.budget_ranking import rank_orders, spend
from tests.seeds import SEED, generator


def test_greedy_equals_the_linear_programme_and_its_dual() -> None:
    rng = generator()
    for _ in range(150):
        size = int(rng.integers(1, 40))
        cost, gain = rng.uniform(0.2, 20, size), rng.uniform(-1, 8, size)
        budget = float(rng.choice([0, rng.uniform(0, cost.sum() * 1.2)]))
        ours = spend(cost, gain, budget)
        exact = linprog(-gain, A_ub=[cost], b_ub=[budget], bounds=(0, 1))
        assert (gain * ours.taken).sum() == pytest.approx(-exact.fun, abs=1e-7), f"seed {SEED}"
        assert (cost * ours.taken).sum() <= budget + 1e-9
        if budget and ours.taken.sum() % 1 > 0:  # a partial segment: the dual is unique
            assert ours.shadow_price == pytest.approx(-exact.ineqlin.marginals[0], abs=1e-7)


def test_the_shadow_price_is_what_one_more_dollar_brings() -> None:
    cost, gain = np.array([10.0, 10.0, 10.0]), np.array([9.0, 6.0, 3.0])
    done = spend(cost, gain, 15.0)
    more = spend(cost, gain, 16.0)
    assert done.taken.tolist() == [1.0, 0.5, 0.0]
    assert done.shadow_price == pytest.approx((gain * more.taken).sum() - (gain * done.taken).sum())
    assert spend(cost, gain, 99.0).shadow_price == 0
    assert spend(cost, gain, -5.0).taken.sum() == 0


def orders() -> pd.DataFrame:
    return pd.DataFrame({
        "region": ["East", "East", "West"], "department": "GROCERY", "case_pack_units": 2.0,
        "quantity_units": [4.0, 4.0, 4.0], "demand_mean": [6.0, 1.0, 6.0], "demand_variance": [6.0, 1.0, 6.0],
        "position": 0.0, "worth": 2.0, "unit_cost": 1.0,
    })  # fmt: skip


def test_the_budget_goes_where_it_returns_most_and_the_rest_says_so() -> None:
    budgets = pd.DataFrame({"region": ["East"], "department": ["GROCERY"], "budget": [7.0],
                            "spent": [2.0], "budget_month": ["2017-12-01"]})  # fmt: skip
    ranked = rank_orders(orders(), budgets)
    assert ranked["funded_units"].tolist() == [4.0, 0.0, 4.0]
    assert ranked["budget_rank"].tolist() == [1, 2, 1]
    assert ranked["budget_left"].tolist()[:2] == [5.0, 5.0]
    assert ranked["shadow_price"].iloc[0] > 0
    assert np.isnan(ranked["shadow_price"].iloc[2])  # no budget known: no limit, no price


def test_a_large_budget_funds_everything_at_no_price() -> None:
    budgets = pd.DataFrame({"region": ["East"], "department": ["GROCERY"], "budget": [100.0],
                            "spent": [0.0], "budget_month": ["2017-12-01"]})  # fmt: skip
    ranked = rank_orders(orders(), budgets)
    assert ranked["funded_units"].tolist() == [4.0, 4.0, 4.0]
    assert ranked["shadow_price"].tolist()[:2] == [0.0, 0.0]
