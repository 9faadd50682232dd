"""The finance view adds what the proposals say, week by week; the weeks of one are what simulation brings."""

import numpy as np
import pytest

from models_ml.recommend.effects import Arrival, by_week, missed_before, until_sold
from models_ml.recommend.impact import weekly_impact
from tests.seeds import SEED, generator


def proposal(action: str, *weeks: tuple[str, float, float, float], margin: float = 1.0) -> dict:
    rows = [
        {"week_ending": day, "inventory": stock, "payables": owed, "cash": cash,
         "working_capital": stock - owed} for day, stock, owed, cash in weeks
    ]  # fmt: skip
    return {"action": action, "details": {"weekly": rows}, "expected_margin": margin,
            "expected_cash": -5.0, "expected_units": 2.0, "is_simulated": True}  # fmt: skip


def test_weeks_are_added_where_they_fall() -> None:
    impact = weekly_impact([
        proposal("reorder", ("2018-01-07", 100.0, 100.0, 0.0), ("2018-01-14", 60.0, 100.0, 50.0)),
        proposal("cancel", ("2018-01-14", -30.0, -10.0, 20.0)),
        {"action": "investigate", "details": {"weekly": []}, "expected_margin": None},
    ])  # fmt: skip
    assert impact["proposals"] == 3
    assert impact["is_simulated"]
    first, second = impact["weeks"]
    assert (first["week_ending"], first["working_capital"]) == ("2018-01-07", 0.0)
    assert (second["inventory"], second["payables"], second["working_capital"]) == (
        30.0,
        90.0,
        -60.0,
    )
    assert second["working_capital_by_action"] == {"cancel": -20.0, "reorder": -40.0}
    assert impact["one_off"]["reorder"]["expected_margin"] == 1.0
    assert impact["one_off"]["investigate"]["proposals"] == 1


def test_the_weeks_of_an_order_are_what_simulation_brings() -> None:
    """Stock left, payables and cash of 12 more units on 3, arriving in the first week, paid after four."""
    rng = generator()
    mean = np.full((1, 8), 2.0)
    one = [np.array([x]) for x in (3.0, 12.0, 5.0, 23.0, 1.5, 4.0)]
    position, quantity, arrives, terms, cost, price = one
    impact = by_week(Arrival(position, quantity, arrives, terms, mean, mean, cost, price))
    wanted = rng.poisson(2.0, (300_000, 8)).cumsum(1)
    more = np.minimum(wanted, 15) - np.minimum(wanted, 3)
    np.testing.assert_allclose(impact.inventory[0], ((12 - more) * 1.5).mean(0), atol=0.03)
    assert impact.payables[0].tolist() == [18.0, 18.0, 18.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    paid = np.where(np.arange(8) >= 3, 18.0, 0.0)
    np.testing.assert_allclose(impact.cash[0], (more * 4.0).mean(0) - paid, atol=0.05)
    assert impact.working_capital[0, 0] == pytest.approx(impact.inventory[0, 0] - 18.0)


def test_an_order_to_an_empty_shelf_serves_only_what_is_wanted_once_it_is_there() -> None:
    """Units and margin of eight weeks, against customers drawn one by one: those before it comes are lost."""
    rng = generator(1)
    draws, weeks, rate = 100_000, 8, 3.0
    position, quantity, days, cost, margin, carrying = 2.0, 10.0, 9.0, 1.5, 0.8, 0.22
    mean = np.full((1, weeks), rate)
    one = [np.array([x]) for x in (position, quantity, days, 30.0)]
    missed = missed_before(one[0], one[2], mean, mean)
    order = Arrival(*one, mean, mean, np.array([cost]), np.array([3.0]), missed)
    units, gained = until_sold(order, np.array([margin]), carrying)
    early = rng.poisson(rate * days / 7, draws)
    left = np.maximum(position - early, 0)
    first = rng.poisson(rate * (14 - days) / 7, draws)  # the rest of the week in which it comes
    wanted = np.concatenate([first[:, None], rng.poisson(rate, (draws, weeks - 2))], 1).cumsum(1)
    more = np.minimum(wanted, (left + quantity)[:, None]) - np.minimum(wanted, left[:, None])
    stock = (quantity - more) * cost  # at the ends of weeks 2 to 8
    assert units[0] == pytest.approx(more[:, -1].mean(), abs=0.05), SEED
    expected = more[:, -1].mean() * margin - stock.mean(0).sum() * carrying * 7 / 365
    assert gained[0] == pytest.approx(expected, abs=0.05), SEED
