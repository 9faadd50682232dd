"""An override over HTTP is judged on the money of the decided quantity, for every action."""

import datetime as dt
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.sign_in import local_issuer
from api.settings import Settings
from governance.approvals import ACTIONS, find_recommendation, propose
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade

NOW = dt.datetime.now(dt.UTC)
ONLY = {
    "transfer": {
        "from_location_id": "400",
        "details": {"donor_free_units": 10**9, "from_region": "East"},
    },
    "markdown": {"details": {"depth": 0.2, "price": 2.0, "floor_price": 1.0}},
}


@pytest.fixture
def settings(tmp_path):
    return Settings(var_dir=tmp_path)


@pytest.fixture
def store(settings):
    """One unit of each action for $6.51, which nobody but a planner or a manager has to see."""
    opened = OpsStore(settings.ops_store_url)
    upgrade(opened)
    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    row = {
        "product_id": "P1", "location_id": "367", "region": "East", "banner": "Steelyard",
        "department": "GROCERY", "quantity_units": 1.0, "expected_cash": 6.51, "confidence": 0.6,
    }  # fmt: skip
    rows = [row | {"recommendation_id": name, "action": name} | ONLY.get(name, {}) for name in ACTIONS]
    assert len(propose(opened, service, rows, now=NOW)) == len(ACTIONS)
    yield opened
    opened.close()


def test_millions_of_units_do_not_pass_at_the_price_of_one(settings, store):
    issuer = local_issuer(settings)
    with TestClient(create_app(settings)) as client:

        def override(name, user, quantity):
            return client.post(
                f"/v1/recommendations/{name}/decisions",
                json={"decision": "override", "quantity_units": quantity, "reason_code": "local-event"},
                headers={"Authorization": f"Bearer {issuer.issue(user, now=NOW)}"},
            )

        for name in ACTIONS:
            before = find_recommendation(store, name)
            refused = override(name, "planner_east", 9_999_999)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), name
            assert find_recommendation(store, name) == before
            own = "planner_east" if before.policy_route == "planner" else "category_manager"
            assert override(name, own, 2).json()["state"] == "overridden", name
