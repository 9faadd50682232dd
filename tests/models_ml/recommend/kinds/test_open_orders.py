"""Expedite, cancel and defer against simulation and by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.inputs.open_orders import OpenOrders, open_orders
from models_ml.recommend.kinds import cancel, defer, expedite
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run
from models_ml.recommend.reproduce import reproduce
from tests.seeds import generator

PARAMETERS = ReorderParameters()
RUN = Run("R", dt.date(2017, 12, 31), 0, None, PARAMETERS)


def pair(**changes) -> Needs:
    """One product in one store; 14 a week, Poisson; worth two dollars a unit, of which one is margin."""
    row = {
        "location_id": "A", "product_id": "p", "supplier_id": "S", "product_type": "SOUP",
        "package_size": "1", "region": "East", "banner": "Market", "department": "GROCERY",
        "category": "SOUP", "free": 4.0,
        "in_transit_units": 0.0, "position": 40.0, "worth": 2.0, "unit_margin": 1.0,
        "unit_cost": 3.0, "unit_price": 4.0, "lead_time_sd_days": 2.0, "payment_terms_days": 30.0,
        "daily_mean": 2.0, "shelf_life_days": 365.0, "service_target": 0.95, "demand_mean": 14.0,
        "method": "model", "fallback_reason": "", "model_name": "demand", "model_version": "1",
        "confidence": 0.9, "is_simulated": True,
    } | changes  # fmt: skip
    weekly = np.full((1, 8), 7 * row["daily_mean"])
    return Needs(pd.DataFrame([row]), weekly, weekly.copy())


def line(key: str = "L1", *, units: float = 20.0, days: float = 10.0) -> dict:
    return {
        "purchase_order_line_id": key, "purchase_order_id": "PO", "line_number": 1, "supplier_id": "S",
        "supplier_name": "Northfield", "location_id": "A", "product_id": "p", "ordered_on": RUN.as_of,
        "promised_on": pd.Timestamp(RUN.as_of) + pd.Timedelta(days=days), "open_units": units,
        "line_unit_cost": 3.0, "days_to_promise": days,
    }  # fmt: skip


def orders(needs: Needs, *lines: dict) -> OpenOrders:
    return open_orders(needs, pd.DataFrame(list(lines)), PARAMETERS)


def test_units_lost_before_arrival_are_what_simulation_loses() -> None:
    saved = expedite.saved_by(orders(pair(), line()), RUN).iloc[0]
    rng = generator()
    draws = rng.poisson(20.0, 400_000)  # ten days at two a day
    assert saved["lost_units"] == pytest.approx(np.maximum(draws - 4, 0).mean(), rel=0.005)
    assert saved["service_without"] == pytest.approx((draws <= 4).mean(), abs=0.002)


def test_the_saving_of_an_expedited_line_is_never_overstated() -> None:
    """Simulated day by day: what earlier arrival saves is at least what is promised."""
    rng = generator(1)
    for free, units, days in ((4.0, 20.0, 10.0), (0.0, 6.0, 8.0), (15.0, 30.0, 12.0)):
        open_lines = orders(pair(free=free), line(units=units, days=days))
        promised = expedite.saved_by(open_lines, RUN).iloc[0]
        daily = rng.poisson(2.0, (100_000, int(days)))
        served = []
        for arrives in (days, promised["sooner_days"]):
            stock, sold = np.full(len(daily), free), np.zeros(len(daily))
            for day in range(int(days)):
                stock = stock + (units if day == int(arrives) else 0)
                sale = np.minimum(daily[:, day], stock)
                stock, sold = stock - sale, sold + sale
            served.append(sold)
        saved = served[1] - served[0]
        noise = saved.std() / np.sqrt(len(saved))  # of the simulation itself
        assert saved.mean() >= promised["saved_units"] - 4.5 * noise


def test_expedite_what_is_worth_more_than_its_fee_only() -> None:
    empty = expedite.propose(orders(pair(), line()), RUN)
    assert len(empty) == 1
    row = empty.iloc[0]
    assert row["subject_id"] == "L1"
    assert row["expected_cash"] == -max(0.08 * 60, 0.5)
    assert expedite.propose(orders(pair(free=60.0), line()), RUN).empty
    assert expedite.propose(orders(pair(worth=0.05, unit_margin=0.05), line()), RUN).empty


def test_cancel_what_nobody_needs_for_weeks_and_what_pays() -> None:
    slow = pair(free=60.0, daily_mean=0.5)
    row = cancel.propose(orders(slow, line()), RUN).iloc[0]
    waits = (60 + 10) / 0.5
    carrying = 60 * PARAMETERS.carrying_rate * waits / 365
    assert row["expected_margin"] == pytest.approx(carrying - 0.05 * 60, abs=1e-3)
    assert row["expected_cash"] == pytest.approx(60 - 3)
    assert cancel.propose(orders(pair(free=20.0, daily_mean=0.5), line()), RUN).empty  # needed within weeks
    fast = pair(free=150.0, daily_mean=2.0)
    assert cancel.propose(
        orders(fast, line()), RUN
    ).empty  # needless for now, but soon sold: not worth the fee


def test_defer_what_can_wait_and_not_what_is_cancelled_or_late() -> None:
    calm = pair(free=90.0)
    row = defer.propose(orders(calm, line()), RUN).iloc[0]
    assert row["expected_cash"] == 0
    assert row["expected_margin"] == pytest.approx(60 * 0.22 * 14 / 365, rel=0.05)
    assert row["details"]["deferred"] == 60
    assert defer.propose(orders(pair(free=30.0), line()), RUN).empty
    assert defer.propose(orders(calm, line()), RUN, frozenset({"L1"})).empty
    assert defer.propose(orders(calm, line(days=-3.0)), RUN).empty


def test_lines_of_one_pair_see_each_other_in_the_order_of_arrival() -> None:
    open_lines = orders(
        pair(), line("late", units=5, days=-2.0), line("soon", units=7, days=4.0), line("far", days=20.0)
    )
    seen = open_lines.rows.set_index("purchase_order_line_id")
    assert seen["arrives_days"].to_dict() == {"late": 2.0, "soon": 4.0, "far": 20.0}
    assert seen["before_units"].to_dict() == {"late": 4.0, "soon": 9.0, "far": 16.0}
    assert seen["others_units"].to_dict() == {"late": 31.0, "soon": 29.0, "far": 16.0}


@pytest.mark.parametrize(
    "open_lines",
    [
        expedite.propose(orders(pair(), line()), RUN),
        cancel.propose(orders(pair(free=60.0, daily_mean=0.5, shelf_life_days=90.0), line()), RUN),
        defer.propose(orders(pair(free=90.0), line()), RUN),
    ],
    ids=["expedite", "cancel", "defer"],
)
def test_effects_come_out_of_what_is_stored(open_lines: pd.DataFrame) -> None:
    row = open_lines.iloc[0].to_dict()
    for name, value in reproduce(row).items():
        assert value == pytest.approx(row[name], abs=1e-4), name
