"""Markdowns: the programme equals exhaustive search, and elasticities are what planted data say."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models_ml.recommend.inputs.elasticity import learn_elasticities
from models_ml.recommend.inputs.lots import endangered_lots
from models_ml.recommend.markdown_programme import Item, best_plan, hold_price
from tests.models_ml.stock_to_clear import many_items
from tests.seeds import SEED, generator

DEPTHS = (0.0, 0.2, 0.4)


def mass(mean: float, variance: float, count: int) -> float:
    if variance > 1.02 * mean:
        return float(stats.nbinom.pmf(count, mean**2 / (variance - mean), mean / variance))
    return float(stats.poisson.pmf(count, mean))


def exhaustive(case: dict, week: int, stock: int) -> float:
    """Try every depth in every week and after every demand; nothing is remembered."""
    if week == case["weeks"] or stock == 0:
        return stock * case["salvage"]
    values = []
    for depth in DEPTHS:
        if depth > case["deepest"]:
            continue
        lift = (1 - depth) ** case["elasticity"]
        mean, variance = case["mean"][week] * lift, case["variance"][week] * lift
        price, value, left = case["price"] * (1 - depth), 0.0, 1.0
        for sold in range(stock):
            chance = mass(mean, variance, sold)
            value += chance * (price * sold + exhaustive(case, week + 1, stock - sold))
            left -= chance
        values.append(value + left * price * stock)
    return max(values)


def random_case(rng: np.random.Generator) -> dict:
    weeks = int(rng.integers(1, 4))
    mean = rng.uniform(0.2, 3, weeks)
    return {
        "stock": int(rng.integers(1, 6)), "weeks": weeks, "mean": mean,
        "variance": mean * rng.choice([1.0, 1.8]), "price": rng.uniform(0.5, 5),
        "salvage": rng.choice([0.0, rng.uniform(0, 0.5)]), "elasticity": -rng.uniform(0.3, 4),
        "deepest": rng.choice([0.2, 0.4]),
    }  # fmt: skip


def item_of(cases: list[dict]) -> Item:
    weeks = max(case["weeks"] for case in cases)
    pad = [
        np.pad(np.array([case["mean"], case["variance"]]), ((0, 0), (0, weeks - case["weeks"])))
        for case in cases
    ]
    column = partial(_column, cases)
    return Item(
        column("stock"), np.array([p[0] for p in pad]), np.array([p[1] for p in pad]), column("price"),
        column("salvage"), column("elasticity"), column("deepest"), column("weeks").astype(int),
    )  # fmt: skip


def _column(cases: list[dict], name: str) -> np.ndarray:
    return np.array([float(case[name]) for case in cases])


def test_the_programme_equals_exhaustive_search() -> None:
    rng = generator()
    cases = [random_case(rng) for _ in range(60)]
    result = best_plan(item_of(cases), np.array(DEPTHS))
    for case, value, depth in zip(cases, result.value, result.depth.max(1), strict=True):
        assert value == pytest.approx(exhaustive(case, 0, case["stock"]), abs=1e-7), f"seed {SEED}: {case}"
        assert depth <= case["deepest"]


def test_the_plan_is_what_simulation_brings() -> None:
    """The price held, the expected takings and units are the mean of many draws."""
    rng = generator(1)
    case = {"stock": 9, "weeks": 3, "mean": np.array([2.0, 1.0, 3.0]), "variance": np.array([4.0, 2.0, 6.0]),
            "price": 3.0, "salvage": 0.2, "elasticity": -2.0, "deepest": 0.4}  # fmt: skip
    at_price = hold_price(item_of([case]))
    left, takings = np.full(200_000, 9), np.zeros(200_000)
    for mean, variance in zip(case["mean"], case["variance"], strict=True):
        sold = np.minimum(rng.negative_binomial(mean**2 / (variance - mean), mean / variance, 200_000), left)
        left, takings = left - sold, takings + 3.0 * sold
    assert at_price.value[0] == pytest.approx((takings + 0.2 * left).mean(), rel=0.005)
    assert at_price.units[0] == pytest.approx(9 - left.mean(), rel=0.005)


def test_inelastic_goods_keep_their_price_and_doomed_ones_do_not() -> None:
    base = {"weeks": 2, "mean": np.array([1.0, 1.0]), "variance": np.array([1.0, 1.0]), "price": 2.0,
            "salvage": 0.0, "deepest": 0.4}  # fmt: skip
    cases = [base | {"stock": 2, "elasticity": -0.3}, base | {"stock": 12, "elasticity": -3.0}]
    result = best_plan(item_of(cases), np.array(DEPTHS))
    assert result.first_depth.tolist() == [0.0, 0.4]
    assert result.value[1] > hold_price(item_of(cases)).value[1]


def test_two_thousand_items_in_seconds() -> None:
    import time

    items = many_items(generator(2), 2000)
    started = time.process_time()
    best_plan(items, np.array([0, 0.1, 0.2, 0.3, 0.5]))
    assert time.process_time() - started < 15


def test_elasticities_are_found_and_drawn_together() -> None:
    """Planted slopes come back; a category with few rows is drawn to its department."""
    rng = generator(3)
    truth = {"MILK": -1.0, "SODA": -3.0, "SOUP": -2.0, "RARE": -2.0}
    rows = []
    for category, slope in truth.items():
        for _ in range(12 if category == "RARE" else 600):
            price, display = rng.choice([0.0, -0.1, -0.3]), float(rng.random() < 0.3)
            lift = slope * price + 0.4 * display + rng.normal(0, 0.3)
            rows.append(("GROCERY", category, lift, price, display, 0.0, 10.0))
    columns = ["department", "category", "lift", "price", "display", "mailer", "weight"]
    result = learn_elasticities(pd.DataFrame(rows, columns=columns)).set_index("category")
    for category in ("MILK", "SODA", "SOUP"):
        assert result.loc[category, "elasticity"] == pytest.approx(truth[category], abs=0.3), f"seed {SEED}"
    assert np.isnan(result.loc["RARE", "raw"])
    assert result.loc["RARE", "elasticity"] == result.loc["RARE", "department_mean"]
    assert abs(result.loc["SODA", "elasticity"] + 2) <= abs(result.loc["SODA", "raw"] + 2)


def test_the_lots_that_will_not_sell_in_time() -> None:
    """First expired, first sold: what expires by a day, against what sells until then."""
    lots = pd.DataFrame({
        "location_id": "A", "product_id": ["p", "p", "p", "q"], "days_left": [2.0, 5.0, 30.0, 9.0],
        "units": [3.0, 9.0, 10.0, 4.0],
    })  # fmt: skip
    daily = pd.DataFrame({"location_id": "A", "product_id": ["p", "q", "r"], "daily_mean": [1.0, 1.0, 1.0]})
    result = endangered_lots(lots, daily)
    assert result.to_dict("records") == [
        {"location_id": "A", "product_id": "p", "lot_units": 12.0, "lot_days_left": 5.0}
    ]
