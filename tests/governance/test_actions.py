"""One registry of actions: everything that lists them reads it, or is held to it here."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import WithJsonSchema

from api.review import labels
from api.routes import recommendations as recommendation_routes
from governance.approvals import ACTIONS, DECISIONS, ROUTE_LABELS, ROUTES, STATES, action_of, unit_sign
from governance.approvals.actions import recorded_names
from governance.approvals.guardrails import _GUARDRAILS
from governance.approvals.limits import default_limits
from governance.errors import PolicyBrokenError
from governance.policy.engine import POLICIES
from integrations.contracts import contract
from models_ml.recommend.reproduce import FORMULAS

ROOT = Path(__file__).parents[2]
BY_HAND = {  # name: label, least route, units that an agreed one adds to what comes to the location
    "reorder": ("Order", "automatic", 1),
    "transfer": ("Move", "automatic", 1),
    "markdown": ("Mark down", "category_manager", 0),
    "expedite": ("Expedite", "planner", 0),
    "defer": ("Defer", "planner", 0),
    "cancel": ("Cancel", "category_manager", -1),
    "investigate": ("Look into", "planner", 0),
}


def test_actions_by_hand():
    registered = {
        a.name: (labels.verb(a.name), default_limits().enterprise.least_route(a.name), unit_sign(a.name))
        for a in ACTIONS.values()
    }
    assert registered == BY_HAND
    assert {name for name, action in ACTIONS.items() if action.moves_stock} == {"reorder", "transfer"}
    assert {name for name in ACTIONS if not labels.has_quantity(name)} == {"investigate"}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_compensation_is_the_opposite(name):
    assert action_of(f"undo_{name}") is ACTIONS[name] is action_of(name)
    assert unit_sign(f"undo_{name}") == -unit_sign(name)
    assert labels.verb(f"undo_{name}") == f"Undo {labels.verb(name).lower()}"


def test_what_is_no_action_has_no_rights():
    assert action_of("buy_first") is None and unit_sign("buy_first") == 0
    assert default_limits().enterprise.least_route("buy_first") == "two_people"


def test_contracts_and_dbt_say_what_the_registries_say():
    """Written again, nothing changes; if it does, `python .ci/write_vocabularies.py` is to be run."""
    command = [sys.executable, ROOT / ".ci/write_vocabularies.py", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), f"run .ci/write_vocabularies.py: {done.stdout}"


def test_the_written_values_are_those_that_are_read():
    """By another way than the writer's: as YAML."""
    columns = {c.name: c for c in contract("recommendations").columns}
    assert tuple(columns["action"].allowed_values) == recorded_names()
    assert tuple(columns["state"].allowed_values) == STATES
    assert tuple(columns["policy_route"].allowed_values) == ROUTES
    models = yaml.safe_load((ROOT / "dbt_project/models/marts/decisions/fct_recommendations.yml").read_text())
    tests = {
        column["name"]: [t for t in column.get("data_tests", ()) if "accepted_values" in t]
        for column in models["models"][0]["columns"]
    }
    assert tests["action"][0]["accepted_values"]["arguments"]["values"] == list(recorded_names())
    assert tests["state"][0]["accepted_values"]["arguments"]["values"] == list(STATES)


def test_dbt_and_dashboards_name_no_other_action():
    """Conditions such as `action = 'transfer'`, wherever they are written."""
    files = [*(ROOT / "dbt_project").rglob("*.sql"), *(ROOT / "dbt_project/models").rglob("*.yml")]
    files += (ROOT / "dashboards").rglob("*.yaml")
    named = {
        name
        for file in files
        for name in re.findall(r"\baction\s*(?:=|<>|!=)\s*'(\w+)'", file.read_text(encoding="utf-8"))
    }
    assert named and named <= set(recorded_names())


def test_filters_and_formulas_know_the_same_actions():
    schema = next(m for m in recommendation_routes.ActionName.__metadata__ if isinstance(m, WithJsonSchema))
    assert schema.json_schema["enum"] == list(ACTIONS)
    assert recommendation_routes.RecommendationRow.model_fields["action"].examples == list(ACTIONS)
    assert set(FORMULAS) == set(ACTIONS)
    assert set(ROUTE_LABELS) == set(ROUTES)
    body = recommendation_routes.DecisionBody.model_fields["decision"]
    assert get_args(body.annotation) == DECISIONS


def test_every_guardrail_is_one_that_is_checked():
    assert {action.guardrail for action in ACTIONS.values()} <= set(_GUARDRAILS)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_level_may_only_tighten_what_an_action_asks_for(action):
    enterprise = default_limits().enterprise
    own = ROUTES.index(ACTIONS[action].least_route)
    for position, route in enumerate(ROUTES):
        if position < own:
            with pytest.raises(PolicyBrokenError, match="loosens least_routes"):
                enterprise.tightened({"least_routes": {action: route}}, "region North")
        else:
            tightened = enterprise.tightened({"least_routes": {action: route}}, "region North")
            assert tightened.least_route(action) == route
            assert replace(tightened, least_routes={}) == enterprise


def test_every_action_has_its_policy_cases():
    """At least one that lets somebody decide on it; and no case is about what is not an action."""
    cases = yaml.safe_load((POLICIES / "cases.yaml").read_text(encoding="utf-8"))["cases"]
    proposals = [case | case["on"]["Proposal"] for case in cases if "Proposal" in case.get("on", ())]
    named = {case["on"]["Proposal"]["action"] for case in proposals}
    allowed = {case["on"]["Proposal"]["action"] for case in proposals if case["expect"] == "allow"}
    assert allowed == named == set(ACTIONS)
