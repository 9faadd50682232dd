"""Decisions are reported once each, in their order, and again if reporting failed."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path):
    opened = OpsStore(f"sqlite:///{tmp_path / 'ops.db'}")
    upgrade(opened)
    yield opened
    opened.close()


def _decide(store, number, action="approve"):
    after = {"decision_id": f"d{number}", "state": "approved"} if action == "approve" else {"state": action}
    entry = audit.AuditEntry(
        "planner_east", f"recommendation.{action}", f"recommendation.r{number}", after=after
    )
    with store.write() as transaction:
        audit.append(transaction, entry, now=NOW)


def _reported(settings):
    path = settings.var_dir / "openlineage" / "events.ndjson"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        (e["job"]["name"], e["inputs"][0]["name"], e["outputs"][0]["name"])
        for e in events
        if e["eventType"] == "COMPLETE"
    ]


def test_each_decision_is_told_once(store, tmp_path):
    settings = Settings(var_dir=tmp_path)
    for number in range(3):
        _decide(store, number)
    assert LineageEvents(settings).decided(store) == 3
    assert LineageEvents(settings).decided(store) == 0
    _decide(store, 1, "executed")
    assert LineageEvents(settings).decided(store) == 1
    assert _reported(settings) == [
        *(("decision.approve", f"r{number}", f"d{number}") for number in range(3)),
        ("decision.executed", "r1", "r1/executed"),
    ]


def test_what_could_not_be_told_is_told_later(store, tmp_path):
    settings = Settings(var_dir=tmp_path)
    _decide(store, 1)
    away = LineageEvents(settings.model_copy(update={"openlineage_url": "http://127.0.0.1:9"}))
    assert away.decided(store) == 0
    assert LineageEvents(settings).decided(store) == 1


def test_a_decision_over_http_is_told(client, sign_in, settings):
    headers = sign_in("category_manager")
    rows = client.get("/v1/recommendations", params={"limit": 1}, headers=headers).json()["items"]
    if not rows:
        _propose(settings)
        rows = client.get("/v1/recommendations", params={"limit": 1}, headers=headers).json()["items"]
    key = rows[0]["recommendation_id"]
    body = {"decision": "reject", "reason_code": "forecast-too-high"}
    answer = client.post(f"/v1/recommendations/{key}/decisions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert ("decision.reject", key, answer.json()["decision_id"]) in _reported(settings)


def _propose(settings):
    from governance.approvals import propose
    from governance.identity import Directory

    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    store = OpsStore(settings.ops_store_url)
    row = {
        "recommendation_id": "told-1", "action": "reorder", "product_id": "1", "location_id": "1",
        "region": "East", "department": "GROCERY", "category": "MILK", "quantity_units": 4.0,
        "expected_units": 1.0, "expected_margin": 2.0, "expected_cash": -700.0,
        "expected_service": 0.9,
        "confidence": 0.2,
        "reason": "Order 4.", "drivers": {}, "model_name": "demand", "model_version": "1", "release_id": "r",
        "is_simulated": True,
    }  # fmt: skip
    propose(
        store, service, [row], now=dt.datetime.now(dt.UTC), model_state="champion", authors=("svc-trainer",)
    )
    store.close()
