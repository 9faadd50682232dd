"""No action outside policy: bounds and routes against rules written down a second time, on random actions."""

import os
import random

import pytest

from governance.approvals import (
    ACTIONS,
    Recommendation,
    decide,
    find_recommendation,
    guardrail_violation,
    propose,
    route,
)
from governance.errors import ForbiddenError, InvalidDecisionError
from governance.store import audit
from tests.seeds import SEED, seeded

CASES = int(os.environ.get("STEELYARD_POLICY_CASES", "20000"))
NAN, INF = float("nan"), float("inf")


def _random(rng: random.Random, now) -> Recommendation:
    action = rng.choice([*ACTIONS, "reorder", "reorder", "undo_reorder", "undo_markdown", "give_away", ""])
    price = rng.choice([None, round(rng.uniform(0, 5), 2)])
    details = {
        "donor_free_units": rng.choice([None, rng.randint(0, 60), "many"]),
        "from_region": rng.choice([None, "East", "West"]),
        "depth": rng.choice([None, rng.uniform(-0.1, 0.9), 0.5]),
        "price": price,
        "floor_price": rng.choice([None, 0, round(rng.uniform(0, 5), 2)]),
        "data_age_days": rng.choice([0, 0, 3, 10, 11]),
        "buy_first": rng.choice([None, {}, {"over_budget": 0.0}, {"over_budget": 3.0}]),
        "fallback_reason": rng.choice(["", "", "stale model"]),
    }
    return Recommendation(
        recommendation_id="r", action=action, product_id="p", location_id=rng.choice(["1", "2"]),
        quantity_units=rng.choice([rng.randint(0, 80)] * 12 + [-1, NAN, INF]),
        state="proposed", proposed_by="svc-pipeline", created_at=now, updated_at=now, is_simulated=True,
        region=rng.choice(["East", "West", None]), department=rng.choice(["GROCERY", "DRUG GM", None]),
        expected_margin=_money(rng), expected_cash=_money(rng),
        confidence=rng.choice([None, rng.random(), 0.95, 1.2]) if rng.random() < 0.3 else rng.uniform(0.5, 1),
        from_location_id=rng.choice(["1", "2", None] if "transfer" in action else [None, None, "1"]),
        details=rng.choice([None, details, details, details]),
    )  # fmt: skip


def _money(rng: random.Random) -> float | None:
    return rng.choice([None, rng.uniform(-60, 60), rng.uniform(-150, 150), rng.uniform(-9e4, 9e4)])


def _allowed(r: Recommendation) -> bool:
    """The bounds again, in other words."""
    numbers = [r.quantity_units, r.expected_margin, r.expected_cash, r.confidence]
    if any(x is not None and not -INF < x < INF for x in numbers) or r.quantity_units < 0:
        return False
    if r.confidence is not None and r.confidence > 1:
        return False
    kind, details = r.action.replace("undo_", ""), r.details or {}
    if kind == "transfer":
        free = details.get("donor_free_units")
        return (
            r.from_location_id not in (None, r.location_id)
            and isinstance(free, int)
            and r.quantity_units <= free
        )
    if kind not in ACTIONS or r.from_location_id is not None:
        return False
    if kind == "markdown":
        parts = [details.get(name) for name in ("depth", "price", "floor_price")]
        return None not in parts and 0 <= parts[0] <= 0.5 and parts[1] >= parts[2] > 0
    return True


def _may_be_automatic(r: Recommendation, model_state: str) -> bool:
    """Small, sure, fresh, by the champion, of a kind that may be, and nobody's department."""
    money = [abs(x) for x in (r.expected_margin, r.expected_cash) if x is not None]
    details = r.details or {}
    return (
        r.action in ("reorder", "transfer")
        and bool(money)
        and max(money) < (50 if r.region == "West" else 100)
        and r.confidence is not None
        and r.confidence >= 0.7
        and model_state == "champion"
        and r.department != "DRUG GM"
        and details.get("data_age_days", 0) <= 10
        and not details.get("fallback_reason")
        and not (details.get("buy_first") or {}).get("over_budget")
        and (r.action != "transfer" or details.get("from_region") == r.region)
    )


def test_no_action_outside_policy(now) -> None:
    rng = seeded()
    automatic = refused = 0
    for _ in range(CASES):
        record = _random(rng, now)
        model_state = rng.choice(["champion"] * 6 + ["stale", "drifted", "missing"])
        outside = guardrail_violation(record)
        assert (outside is None) == _allowed(record), f"seed {SEED}: {outside} {record}"
        if outside:
            refused += 1
            continue
        way = route(record, model_state=model_state)
        assert (way.name == "automatic") == _may_be_automatic(record, model_state), (
            f"seed {SEED}: {way} {record}"
        )
        if record.action in ("markdown", "cancel"):
            assert way.name not in ("automatic", "planner")
        if ((record.details or {}).get("buy_first") or {}).get("over_budget"):
            assert way.name in ("finance_controller", "two_people")
        automatic += way.name == "automatic"
    assert automatic > CASES / 500 and refused > CASES / 10  # both kinds were met


def test_what_lies_outside_is_refused_and_the_audit_says_why(sqlite_store, pipeline, proposal, now) -> None:
    rows = [proposal("good"), proposal("odd", action="give_away"), proposal("less", quantity_units=-2.0)]
    assert [r.recommendation_id for r in propose(sqlite_store, pipeline, rows, now=now)] == ["good"]
    refusals = [e for e in audit.read(sqlite_store).items if e["action"] == "recommendation.refuse"]
    assert {e["object_id"]: e["reason"] for e in refusals} == {
        "recommendation.odd": "outside policy: no policy for the action 'give_away'",
        "recommendation.less": "outside policy: a quantity below zero",
    }


def test_an_override_stays_within_what_the_donor_can_spare(sqlite_store, proposed, people, now) -> None:
    details = {"donor_free_units": 24, "from_region": "East"}
    proposed(sqlite_store, action="transfer", from_location_id="9", details=details)
    planner = people["planner_east"]
    with pytest.raises(InvalidDecisionError, match="spare"):
        decide(sqlite_store, planner, "r1", "override", quantity=25, reason_code="space", now=now)
    decided = decide(sqlite_store, planner, "r1", "override", quantity=20, reason_code="space", now=now)
    assert decided.state == "overridden"


def test_a_planner_does_not_empty_another_regions_shelf(sqlite_store, proposed, people, now) -> None:
    details = {"donor_free_units": 24, "from_region": "West"}
    record = proposed(sqlite_store, action="transfer", from_location_id="9", details=details)
    assert record.policy_route == "category_manager"
    with pytest.raises(ForbiddenError) as refused:
        decide(sqlite_store, people["planner_east"], "r1", "reject", reason_code="space", now=now)
    assert "transfer-only-from-reach" in refused.value.policy_ids


def test_a_newer_proposal_on_the_same_subject_supersedes(sqlite_store, proposed) -> None:
    move = {
        "action": "transfer",
        "details": {"donor_free_units": 99, "from_region": "East"},
        "product_id": "p",
    }
    proposed(sqlite_store, "a", from_location_id="8", subject_id="p:8>367", **move)
    proposed(sqlite_store, "b", from_location_id="9", subject_id="p:9>367", **move)
    proposed(sqlite_store, "c", from_location_id="9", subject_id="p:9>367", **move, quantity_units=6.0)
    states = {key: find_recommendation(sqlite_store, key).state for key in "abc"}
    assert states == {"a": "in_review", "b": "expired", "c": "in_review"}


@pytest.mark.parametrize(
    ("changes", "outside"),
    [
        ({"depth": 0.0}, None),
        ({"depth": 0.5}, None),
        ({"depth": 0.5001}, "a markdown deeper than 50%, or of unknown depth"),
        ({"depth": -0.0001}, "a markdown deeper than 50%, or of unknown depth"),
        ({"depth": None}, "a markdown deeper than 50%, or of unknown depth"),
        ({"price": 2.0}, None),  # just the floor
        ({"price": 1.99}, "a price below the brand's floor"),
        ({"floor_price": 0.0}, "a price below the brand's floor"),
        ({"floor_price": None}, "a price below the brand's floor"),
    ],
)
def test_the_edges_of_a_markdown(proposal, pipeline, now, changes, outside):
    details = {"depth": 0.3, "price": 2.5, "floor_price": 2.0} | changes
    record = _record(proposal("m", action="markdown", details=details), now)
    assert guardrail_violation(record) == outside


@pytest.mark.parametrize(
    ("changes", "outside"),
    [
        ({}, None),
        ({"quantity_units": 10.0}, None),  # all that the donor has free
        ({"quantity_units": 10.5}, "more than the donor can spare"),
        ({"from_location_id": "367"}, "a transfer needs two places"),
        ({"from_location_id": None}, "a transfer needs two places"),
        ({"details": {}}, "more than the donor can spare"),
    ],
)
def test_the_edges_of_a_transfer(proposal, now, changes, outside):
    row = proposal("t", action="transfer", quantity_units=5.0, from_location_id="400") | {
        "details": {"donor_free_units": 10.0}
    }
    assert guardrail_violation(_record(row | changes, now)) == outside


def _record(row, now) -> Recommendation:
    stamps = {"state": "proposed", "proposed_by": "svc", "created_at": now, "updated_at": now}
    return Recommendation.from_row(row | stamps | {"is_simulated": True})
