"""The queue's sums, choices and ranking are of everything that fits, against pandas on the same rows."""

import datetime as dt
import math

import pandas as pd
import pytest

from governance.approvals import (
    FACETS,
    OPEN,
    may_decide,
    priority,
    propose,
    rank_open,
)
from governance.errors import ForbiddenError
from governance.store import audit
from tests.seeds import sample, seeded

DAY = dt.date(2017, 12, 31)
ACTIONS = ("reorder", "markdown", "expedite", "transfer", "investigate")


def ranked(store, **more):
    given = {"reader": None, "as_of": DAY, "limit": 400} | more
    return rank_open(store, **given)


def drawn(rng, proposal, number):
    """A proposal with money, dates and places drawn, some of them missing."""
    money = rng.choice([None, round(rng.uniform(-50, 900), 2)])
    action = rng.choice(ACTIONS)
    return proposal(
        f"r{number:04}",
        action=action,
        product_id=f"p{number}",
        region=rng.choice(["East", "West", "South", None]),
        department=rng.choice(["GROCERY", "DRUG GM"]),
        order_by=rng.choice([None, DAY + dt.timedelta(days=rng.randint(-3, 30))]),
        expected_margin=money,
        expected_cash=rng.choice([None, round(rng.uniform(-900, 50), 2)]),
        at_stake=round(rng.uniform(1, 300), 2) if money is None and rng.random() < 0.5 else None,
        confidence=rng.choice([0.3, 0.6, 0.9]),
        quantity_units=12.0,
        details={"price": 1} if action == "markdown" else None,
    )


@pytest.fixture
def filled(store, pipeline, proposal, now):
    """Some hundred drawn proposals, on each engine."""
    rng = seeded("queue")
    rows = [drawn(rng, proposal, number) for number in range(sample(120, full=1500))]
    return [record for record in propose(store, pipeline, rows, now=now) if record.state in OPEN]


def frame(fitting):
    return pd.DataFrame([record.as_dict() for record in fitting])


def check(answer, fitting, *, by_money=True):
    """Totals, and the ranking before the cut, against pandas and `priority`."""
    assert answer.totals.open == len(fitting)
    due = [r for r in fitting if r.order_by is not None and r.order_by <= DAY + dt.timedelta(days=1)]
    assert answer.totals.due == len(due)
    for total, column in (
        (answer.totals.margin, "expected_margin"),
        (answer.totals.cash, "expected_cash"),
    ):
        amounts = frame(fitting)[column].astype(float) if fitting else pd.Series(dtype=float)
        expected = amounts.sum(min_count=1)
        assert (total is None and (not by_money or math.isnan(expected))) or total == pytest.approx(expected)
    ids = [record.recommendation_id for record in answer.records]
    if by_money:
        order = sorted(fitting, key=lambda r: (-priority(r, DAY), r.recommendation_id))
    else:
        order = sorted(fitting, key=lambda r: (r.order_by or dt.date.max, r.recommendation_id))
    assert ids == [record.recommendation_id for record in order][: len(ids)]


@pytest.mark.parametrize("limit", [7, 5000])
def test_totals_and_order_are_of_all_however_few_are_listed(store, filled, limit):
    answer = ranked(store, limit=limit)
    assert len(answer.records) == min(limit, len(filled))
    check(answer, filled)


@pytest.mark.parametrize("facet", FACETS)
def test_choices_are_those_of_all_and_filters_narrow_the_totals(store, filled, facet):
    values = sorted({v for r in filled if (v := getattr(r, facet))})
    answer = ranked(store, limit=3)
    assert list(answer.choices[facet]) == values and len(values) > 1
    for value in values:
        fitting = ranked(store, limit=3, wanted={facet: value})
        check(fitting, [r for r in filled if getattr(r, facet) == value])
        assert fitting.choices == answer.choices


def test_a_reader_sees_sums_and_choices_of_what_is_theirs(store, filled, people):
    answer = ranked(store, reader=people["planner_east"])
    check(answer, [record for record in filled if record.region == "East"])
    assert answer.choices["region"] == ("East",)


def test_only_what_one_may_decide_is_summed_as_a_whole(store, filled, people):
    planner = people["planner_west"]
    answer = ranked(
        store,
        reader=planner,
        limit=2,
        only=lambda record: may_decide(planner, record),
    )
    fitting = [r for r in filled if r.region == "West" and may_decide(planner, r)]
    assert 2 < len(fitting) < len([r for r in filled if r.region == "West"])
    check(answer, fitting)
    assert len(answer.records) == 2


def test_order_sums_and_choices_tell_nothing_of_money_to_those_who_may_not_see_it(store, filled, people):
    manager = people["store_manager"]
    answer = ranked(store, reader=manager)
    filled = [record for record in filled if record.region == "South"]
    assert len(filled) > 5 and "policy_route" not in answer.choices
    with pytest.raises(ForbiddenError, match="policy_route"):
        ranked(store, reader=manager, wanted={"policy_route": "planner"})
    assert (answer.totals.margin, answer.totals.cash) == (None, None)
    check(answer, filled, by_money=False)


def test_nothing_open_has_no_sum(store):
    answer = ranked(store)
    assert answer.totals.open == 0
    assert (answer.totals.margin, answer.totals.cash) == (None, None)


def test_approval_by_policy_is_audited_with_its_rule_and_limit(store, proposed):
    record = proposed(store, "auto", expected_cash=-40.0, expected_margin=9.0, confidence=0.9)
    assert (record.state, record.policy_route) == ("approved", "automatic")
    approved, put = audit.read(store, object_id="recommendation.auto").items
    assert put["action"] == "recommendation.propose"
    assert (approved["action"], approved["actor"]) == ("recommendation.approve_by_policy", "service:policy")
    assert approved["reason"] == "$40 at stake, below $100"
    assert approved["after"] == {
        "state": "approved",
        "quantity_units": record.quantity_units,
        "policy_route": "automatic",
        "rule": "automatic_below",
        "limit": 100.0,
        "at_stake": 40.0,
        "minimum_confidence": 0.7,
        "confidence": 0.9,
    }
    assert audit.verify(store).holds


def test_the_rule_is_that_of_the_place(store, proposed):
    proposed(store, "west", region="West", expected_cash=-40.0, expected_margin=9.0, confidence=0.9)
    (approved, _) = audit.read(store, object_id="recommendation.west").items
    assert approved["after"]["limit"] == 50.0  # tightened there


def test_what_waits_for_a_person_has_no_approval_by_policy(store, proposed):
    proposed(store, "waits", expected_cash=-900.0, confidence=0.9)
    actions = [entry["action"] for entry in audit.read(store, object_id="recommendation.waits").items]
    assert actions == ["recommendation.propose"]
