"""What is not decided in time, and what is refused: every field that changes, and every word that is kept."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from governance.approvals import Limits, decide, escalate_due, find_recommendation, propose
from governance.approvals.limits import DEFAULT_LIMITS
from governance.errors import PolicyBrokenError
from governance.store import audit

HOUR = dt.timedelta(hours=1)
MONEY = {
    "planner": 500.0,
    "category_manager": 5_000.0,
    "finance_controller": 20_000.0,
    "two_people": 80_000.0,
}


@pytest.fixture
def limits():
    """48 hours for all, 24 in the banner Express, 12 in its West."""
    packaged = Limits.load()
    return replace(
        packaged,
        banners={"Express": {"escalate_after_hours": 24}},
        regions={"West": {"escalate_after_hours": 12}},
    )


def test_one_route_up_at_its_hour_and_a_new_hour(store, pipeline, proposal, limits, now):
    """The hours until the next step are those of the store's banner and region."""
    places = {"plain": {}, "banner": {"banner": "Express"}, "region": {"banner": "Express", "region": "West"}}
    hours = {"plain": 48, "banner": 24, "region": 12}
    propose(
        store, pipeline, [proposal(key, **place) for key, place in places.items()], now=now, limits=limits
    )
    assert {key: find_recommendation(store, key).escalate_at for key in places} == {
        key: now + hours[key] * HOUR for key in places
    }
    assert escalate_due(store, now=now + 12 * HOUR - dt.timedelta(seconds=1), limits=limits) == []
    at = now + 48 * HOUR
    moved = escalate_due(store, now=at.astimezone(ZoneInfo("Europe/Berlin")), limits=limits)
    assert sorted(moved) == sorted(places)
    for key in places:
        record = find_recommendation(store, key)
        assert (record.policy_route, record.state) == ("category_manager", "in_review")
        assert (record.escalate_at, record.updated_at) == (at + hours[key] * HOUR, at)


def test_the_audit_says_who_moved_what_from_where_to_where(sqlite_store, proposed, now):
    record = proposed(sqlite_store)
    assert escalate_due(sqlite_store, now=record.escalate_at, request_id="nightly") == ["r1"]
    row = audit.read(sqlite_store).items[0]
    columns = (
        "actor",
        "on_behalf_of",
        "role",
        "action",
        "object_id",
        "reason",
        "request_id",
        "before",
        "after",
    )
    assert {name: row[name] for name in columns} == {
        "actor": "service:escalation",
        "on_behalf_of": None,
        "role": None,
        "action": "recommendation.escalate",
        "object_id": "recommendation.r1",
        "reason": "not decided in time",
        "request_id": "nightly",
        "before": {"policy_route": "planner"},
        "after": {"policy_route": "category_manager"},
    }
    assert dt.datetime.fromisoformat(row["at"]) == record.escalate_at


def test_nothing_goes_above_finance_and_what_is_decided_stays(sqlite_store, proposed, people, now):
    for route, money in MONEY.items():
        assert proposed(sqlite_store, route, expected_cash=money).policy_route == route
    proposed(sqlite_store, "decided")
    decide(sqlite_store, people["planner_east"], "decided", "approve", now=now)
    steps = [escalate_due(sqlite_store, now=now + 48 * n * HOUR) for n in (1, 2, 3)]
    assert [sorted(step) for step in steps] == [["category_manager", "planner"], ["planner"], []]
    routes = {route: find_recommendation(sqlite_store, route).policy_route for route in MONEY}
    assert (
        set(routes.values()) == {"finance_controller", "two_people"} and routes["two_people"] == "two_people"
    )
    assert find_recommendation(sqlite_store, "decided").policy_route == "planner"


def test_what_policy_refuses_is_kept_in_the_audit_alone(sqlite_store, pipeline, proposal, now):
    bad = proposal(
        "deep", action="markdown", details={"share": 0.9, "markdown_share": 0.9}, quantity_units=-4.0
    )
    proposals = propose(sqlite_store, pipeline, [bad, proposal("good")], now=now, request_id="run-7")
    assert [record.recommendation_id for record in proposals] == ["good"]
    (row,) = [r for r in audit.read(sqlite_store).items if r["object_id"] == "recommendation.deep"]
    assert (row["actor"], row["action"], row["request_id"]) == (
        pipeline.actor,
        "recommendation.refuse",
        "run-7",
    )
    assert row["reason"].startswith("outside policy: ") and len(row["reason"]) > len("outside policy: ")
    (proposed,) = [r for r in audit.read(sqlite_store).items if r["object_id"] == "recommendation.good"]
    assert row["policy_ids"] == proposed["policy_ids"] != []
    assert row["after"] == {"action": "markdown", "product_id": "p-deep", "location_id": "367"}
    assert row["before"] is None


@pytest.mark.parametrize(
    ("action", "route"), [("reorder", "nobody"), ("give_away", "planner"), ("give_away", "nobody")]
)
def test_limits_know_actions_and_routes_alone(tmp_path, action, route):
    text = DEFAULT_LIMITS.read_text().replace("least_routes: {}", f"least_routes: {{{action}: {route}}}")
    (tmp_path / "limits.yaml").write_text(text)
    with pytest.raises(PolicyBrokenError, match=f"enterprise: least_routes says {action}: {route}") as broken:
        Limits.load(tmp_path / "limits.yaml")
    assert "two_people" in broken.value.hint and "markdown" in broken.value.hint


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"least_routes": {"markdown": "planner"}}, "least_routes from"),
        ({"least_routes": {"reorder": "planner", "cancel": "automatic"}}, "least_routes from"),
        ({"category_manager_departments": []}, "category_manager_departments from"),
        ({"minimum_confidence": 0.69}, "minimum_confidence from 0.7 to 0.69"),
        ({"planner_below": 2500.01}, "planner_below from 2500.0 to 2500.01"),
        ({"escalate_after_hours": 49}, "escalate_after_hours from 48.0 to 49.0"),
    ],
)
def test_a_lower_level_that_loosens_is_refused_by_name(changes, sentence):
    limits = replace(Limits.load(), regions={"North": changes})
    with pytest.raises(PolicyBrokenError, match=f"region North loosens {sentence}") as broken:
        limits.at(None, "North")
    assert broken.value.hint == "a lower level may only tighten"


def test_a_lower_level_may_say_the_same_or_tighten():
    own = Limits.load().enterprise
    same = {
        "minimum_confidence": own.minimum_confidence,
        "planner_below": own.planner_below,
        "category_manager_departments": sorted(own.category_manager_departments),
        "least_routes": dict(own.least_routes),
    }
    limits = replace(Limits.load(), banners={"Same": same}, regions={"East": {
        "least_routes": {"reorder": "planner"}, "category_manager_departments": ["DRUG GM", "MEAT"],
    }})  # fmt: skip
    assert limits.at("Same", None) == own
    east = limits.at("Same", "East")
    assert east.least_routes == {**own.least_routes, "reorder": "planner"}
    assert east.category_manager_departments == {"DRUG GM", "MEAT"}


@pytest.mark.parametrize("level", ["enterprise", "regions"])
def test_limits_that_nobody_knows_are_named(tmp_path, level):
    text = DEFAULT_LIMITS.read_text()
    at, where = (
        ("enterprise:\n", "enterprise") if level == "enterprise" else ("regions:\n  West:\n", "region West")
    )
    indent = "  " if level == "enterprise" else "    "
    (tmp_path / "limits.yaml").write_text(text.replace(at, f"{at}{indent}zeal: 1\n{indent}awe: 2\n"))
    with pytest.raises(PolicyBrokenError, match=f"{where} has unknown limits: awe, zeal"):
        Limits.load(tmp_path / "limits.yaml")
