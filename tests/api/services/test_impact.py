"""The finance view over HTTP: sums of what the reader may see, nothing for those without margin rights."""

import datetime as dt
from dataclasses import replace

import pytest

from governance.approvals import propose
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def proposed(settings):
    """One order in the East and one in the West, ten and a hundred dollars of stock."""
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    week = {"week_ending": "2018-01-07", "payables": 0.0, "cash": 0.0}
    rows = [
        {
            "recommendation_id": f"impact-{region}", "action": "reorder", "product_id": "p",
            "location_id": region, "region": region, "department": "GROCERY",
            "quantity_units": 2.0, "expected_margin": 900.0,
            "expected_cash": -stock, "confidence": 0.9, "is_simulated": True,
            "details": {"weekly": [week | {"inventory": stock, "working_capital": stock}]},
        } for region, stock in (("East", 10.0), ("West", 100.0))
    ]  # fmt: skip
    propose(store, service, rows, now=NOW)
    yield
    store.close()


def sums(client, headers, **parameters):
    answer = client.get("/v1/recommendations/impact", headers=headers, params=parameters)
    assert answer.status_code == 200, answer.text
    weeks = {week["week_ending"]: week["working_capital"] for week in answer.json()["weeks"]}
    return weeks.get("2018-01-07", 0.0)


def test_everyone_sums_what_they_may_see(proposed, client, sign_in) -> None:
    both = sums(client, sign_in("finance_controller"))
    east, west = (sums(client, sign_in("finance_controller"), region=name) for name in ("East", "West"))
    assert both >= 110.0
    assert sums(client, sign_in("planner_east")) == east
    assert sums(client, sign_in("planner_west")) == west
    assert sums(client, sign_in("planner_east"), region="West") == 0.0


def test_no_margin_rights_no_money(proposed, client, sign_in) -> None:
    refused = client.get("/v1/recommendations/impact", headers=sign_in("store_manager"))
    assert refused.status_code == 403
    visible = client.get("/v1/recommendations/impact-East", headers=sign_in("finance_controller")).json()
    assert visible["details"]["weekly"][0]["inventory"] == 10.0
