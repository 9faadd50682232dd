"""The finance view adds what the proposals say, week by week; the weeks of one are what simulation brings."""

import numpy as np
import pytest

from models_ml.recommend.effects import by_week
from models_ml.recommend.impact import weekly_impact

SEED = 20170113


def proposal(action: str, *weeks: tuple[str, float, float, float], margin: float = 1.0) -> dict:
    made = [
        {"week_ending": day, "inventory_usd": stock, "payables_usd": owed, "cash_usd": cash,
         "working_capital_usd": stock - owed} for day, stock, owed, cash in weeks
    ]  # fmt: skip
    return {"action": action, "details": {"weekly": made}, "expected_margin_usd": margin,
            "expected_cash_usd": -5.0, "expected_units": 2.0, "is_simulated": True}  # fmt: skip


def test_weeks_are_added_where_they_fall() -> None:
    found = weekly_impact([
        proposal("reorder", ("2018-01-07", 100.0, 100.0, 0.0), ("2018-01-14", 60.0, 100.0, 50.0)),
        proposal("cancel", ("2018-01-14", -30.0, -10.0, 20.0)),
        {"action": "investigate", "details": {"weekly": []}, "expected_margin_usd": None},
    ])  # fmt: skip
    assert found["proposals"] == 3
    assert found["is_simulated"]
    first, second = found["weeks"]
    assert (first["week_ending"], first["working_capital_usd"]) == ("2018-01-07", 0.0)
    assert (second["inventory_usd"], second["payables_usd"], second["working_capital_usd"]) == (
        30.0,
        90.0,
        -60.0,
    )
    assert second["working_capital_by_action_usd"] == {"cancel": -20.0, "reorder": -40.0}
    assert found["one_off"]["reorder"]["expected_margin_usd"] == 1.0
    assert found["one_off"]["investigate"]["proposals"] == 1


def test_the_weeks_of_an_order_are_what_simulation_brings() -> None:
    """Stock left, payables and cash of 12 more units on 3, arriving in the first week, paid after four."""
    rng = np.random.default_rng(SEED)
    mean = np.full((1, 8), 2.0)
    one = [np.array([x]) for x in (3.0, 12.0, 5.0, 23.0, 1.5, 4.0)]
    position, quantity, arrives, terms, cost, price = one
    found = by_week(
        position, quantity, arrives_days=arrives, terms_days=terms, weekly_mean=mean, weekly_variance=mean,
        cost_usd=cost, price_usd=price,
    )  # fmt: skip
    wanted = rng.poisson(2.0, (300_000, 8)).cumsum(1)
    more = np.minimum(wanted, 15) - np.minimum(wanted, 3)
    np.testing.assert_allclose(found.inventory[0], ((12 - more) * 1.5).mean(0), atol=0.03)
    assert found.payables[0].tolist() == [18.0, 18.0, 18.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    paid = np.where(np.arange(8) >= 3, 18.0, 0.0)
    np.testing.assert_allclose(found.cash[0], (more * 4.0).mean(0) - paid, atol=0.05)
    assert found.working_capital[0, 0] == pytest.approx(found.inventory[0, 0] - 18.0)
