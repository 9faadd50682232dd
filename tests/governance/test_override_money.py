"""An override's money is that of the decided quantity: no limit is passed at the proposal's money."""

import pytest

from governance.approvals import (
    ACTIONS,
    ROUTES,
    Recommendation,
    compensate,
    decide,
    find_recommendation,
    money_at_stake,
    transition,
)
from governance.approvals.routing import decision_route
from governance.errors import ConflictError, ForbiddenError
from governance.store import audit
from tests.seeds import SEED, seeded

REASON = {"reason_code": "local-event"}
DETAILS = {
    "transfer": {"donor_free_units": 10**9, "from_region": "East"},
    "markdown": {"depth": 0.2, "price": 2.0, "floor_price": 1.0},
}
MORE = {"transfer": {"from_location_id": "400"}}
DECIDERS = ("planner_east", "category_manager", "finance_controller")


@pytest.fixture
def small(sqlite_store, proposed):
    """A proposal of one unit for $6.51, of any action, below everybody's limit."""

    def put(action, key="r1", **changes):
        row = {
            "quantity_units": 1.0,
            "expected_cash": 6.51,
            "expected_margin": 2.0,
            "confidence": 0.6,
        }
        row |= {"details": DETAILS.get(action), **MORE.get(action, {})} | changes
        return proposed(sqlite_store, key, action=action, **row)

    return put


def _override(store, person, quantity, now, key="r1"):
    return decide(store, person, key, "override", quantity=quantity, now=now, **REASON)


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_alone_decides_on_millions_at_the_price_of_one(sqlite_store, small, people, now, action):
    """$65 million: not the planner at all, the category manager only as the first of two."""
    record = small(action)
    with pytest.raises(ForbiddenError):
        _override(sqlite_store, people["planner_east"], 9_999_999.0, now)
    assert find_recommendation(sqlite_store, "r1") == record
    assert audit.read(sqlite_store).items[0]["action"] == "recommendation.propose"
    assert _override(sqlite_store, people["category_manager"], 9_999_999.0, now).state == "in_review"


@pytest.mark.parametrize("action", ACTIONS)
def test_the_limit_is_met_to_the_cent(sqlite_store, small, people, now, action):
    """The planner decides below $2,500, or below what the action asks for, and not a unit more."""
    small(action)
    own = find_recommendation(sqlite_store, "r1").policy_route
    person = people["planner_east" if own == "planner" else "category_manager"]
    most = {"planner": 384, "category_manager": 1536}[own]  # 384 × 6.51 = 2,499.84; 1,536 × 6.51 = 9,999.36
    with pytest.raises(ForbiddenError):
        _override(sqlite_store, person, most + 1.0, now)
    assert _override(sqlite_store, person, float(most), now).state == "overridden"


def test_the_limits_by_hand_on_random_money(sqlite_store, proposal, people, now):
    """Against the limits and each person's own, written down a second time."""
    rng = seeded("override money")
    stamps = {
        "state": "in_review",
        "proposed_by": "x",
        "created_at": now,
        "updated_at": now,
        "is_simulated": True,
    }
    for _ in range(3_000):
        units = rng.choice([0.0, 1.0, 24.0, rng.uniform(0.1, 300)])
        cash, margin = rng.uniform(-4e3, 4e3), rng.choice([None, 0.0, rng.uniform(-4e3, 4e3)])
        quantity = rng.choice([0.0, units, rng.uniform(0, 400), 10.0**7])
        route = rng.choice(ROUTES)
        row = proposal(quantity_units=units, expected_cash=cash, expected_margin=margin, policy_route=route)
        record = Recommendation.from_row(row | stamps)
        proposed_money = max(abs(cash), abs(margin or 0.0))
        if quantity == units:
            money, expected = proposed_money, route
        elif units == 0:
            money, expected = None, max(route, "category_manager", key=ROUTES.index)
        else:
            money = proposed_money * quantity / units
            steps = [100, 2500, 10_000, 50_000]
            by_money = ROUTES[sum(money >= below for below in steps)]
            expected = max(route, by_money, key=ROUTES.index)
        assert money_at_stake(record, quantity) == (None if money is None else pytest.approx(money)), SEED
        if money is None or all(abs(money - below) > 1e-6 for below in (100, 2500, 10_000, 50_000)):
            assert decision_route(record, quantity) == expected, f"seed {SEED}: {record} {quantity}"


@pytest.mark.parametrize("changes", [
    {"quantity_units": 0.0},
    {"expected_cash": None, "expected_margin": None},
    {"expected_cash": 0.0, "expected_margin": 0.0},
])  # fmt: skip
def test_without_a_money_of_one_unit_no_one_decides_on_another_quantity(
    sqlite_store, small, people, now, changes
):
    small("reorder", **changes)
    for name in DECIDERS:
        with pytest.raises(ForbiddenError):
            _override(sqlite_store, people[name], 2.0, now)


def test_what_needs_two_people_now_is_decided_by_two(sqlite_store, small, people, now):
    """$60,000 instead of $600: the first leaves it in review, on the route of two; the second agrees."""
    small("reorder", expected_cash=600.0)
    planner, manager, finance = (people[name] for name in DECIDERS)
    with pytest.raises(ForbiddenError):
        _override(sqlite_store, planner, 100.0, now)
    assert _override(sqlite_store, manager, 100.0, now).state == "in_review"
    moved = find_recommendation(sqlite_store, "r1")
    assert (moved.policy_route, moved.state) == ("two_people", "in_review")
    entry = audit.read(sqlite_store).items[0]
    assert (entry["before"]["policy_route"], entry["after"]["policy_route"]) == ("planner", "two_people")
    with pytest.raises(ConflictError):
        decide(sqlite_store, finance, "r1", "approve", now=now)
    with pytest.raises(ForbiddenError):
        _override(sqlite_store, manager, 100.0, now)
    assert _override(sqlite_store, finance, 100.0, now).state == "overridden"


def test_deciding_on_less_is_judged_on_less(sqlite_store, small, people, now):
    """A smaller quantity does not ease the route that the proposal has."""
    small("reorder", expected_cash=3_000.0)
    with pytest.raises(ForbiddenError):
        _override(sqlite_store, people["planner_east"], 0.5, now)
    assert _override(sqlite_store, people["category_manager"], 0.5, now).state == "overridden"


def test_a_compensation_has_the_money_of_what_was_decided(sqlite_store, small, people, pipeline, now):
    small("reorder")
    _override(sqlite_store, people["planner_east"], 300.0, now)
    for state in ("executing", "executed"):
        transition(sqlite_store, pipeline, "r1", state, now=now)
    undo = compensate(sqlite_store, people["planner_east"], "r1", reason="wrong store", now=now)
    assert (undo.quantity_units, undo.expected_cash) == (300.0, pytest.approx(300 * 6.51))
    assert money_at_stake(undo, 9_999_999.0) == pytest.approx(9_999_999 * 6.51)
