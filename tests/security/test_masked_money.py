"""Who may not see money learns nothing of it: whatever is hidden, all answers of all routes are equal.

The hidden values are changed in the store, and with them what was computed from them when a proposal was made
(its sentence, its drivers, who decides and why). Every GET route of the application is asked, a new one too.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select, update

import api.cli.recommendation
from api.app import create_app
from api.auth.secret import secret_in
from api.auth.sign_in import local_issuer
from api.review.session import password_file
from api.settings import Settings
from api.wiring import Services
from governance.approvals import ACTIONS, MASKED, ROUTES, propose, sees_money
from governance.identity import Directory
from governance.store import audit
from governance.store.schema import recommendations
from tests.security.small_release import write_release
from tests.seeds import sample, seeded

NOW = dt.datetime.now(dt.UTC)
DIRECTORY = Directory.load()
PEOPLE = {name: DIRECTORY.user(name) for name in DIRECTORY.users}
MASKED_READERS = sorted(name for name, person in PEOPLE.items() if not sees_money(person))
NOT_ABOUT_RECOMMENDATIONS = {
    "/metrics": "counts what was asked, in this process",
    "/v1/models": "needs a registry of models",
    "/v1/models/{name}": "needs a registry of models",
    "/review/oidc": "leads to the identity provider",
    "/review/oidc/callback": "comes from the identity provider",
}
CHANGING = (  # what differs between two equal answers
    (re.compile(r'name="(csrf|key)" value="[^"]*"'), r"\1"),
    (re.compile(r"urn:uuid:[0-9a-f-]{36}"), "instance"),
)


def proposals():
    """One of each action and state of money, at a store of the store manager's region."""
    row = {
        "product_id": "p1", "product_name": "CHEESE", "location_id": "367", "region": "South",
        "quantity_units": 4.0,
        "banner": "Steelyard", "department": "GROCERY", "category": "CHEESE", "confidence": 0.6,
        "expected_units": 2.5, "expected_service": 0.9, "expected_cash": -6.5, "is_simulated": True,
    }  # fmt: skip
    rows = []
    for number, action in enumerate([*ACTIONS, "reorder", "reorder"]):
        details = {
            "as_of": "2017-12-31",
            "weekly": [],
            "price": 3.0,
            "floor_price": 1.0,
            "depth": 0.2,
        }
        details |= {"donor_free_units": 10**6, "from_region": "South"} if action == "transfer" else {}
        rows.append(
            row
            | {
                "recommendation_id": f"r{number}",
                "action": action,
                "subject_id": f"s{number}",
                "from_location_id": "400" if action == "transfer" else None,
                "order_by": dt.date(2018, 1, 1 + number % 3),
                "expected_margin": None if action == "investigate" else 3.0 + number,
                "at_stake": 198.0 if action == "investigate" else None,
                "reason": f"Order 4, for ${3 + number}.69 more.",
                "drivers": {"unit_cost": 1.5, "on_hand_units": 3},
                "details": details,
            }
        )
    return rows


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    var = tmp_path_factory.mktemp("masked")
    write_release(var, "20170108T000000-small", lineage={"nodes": [], "edges": [], "unresolved": []})
    return Settings(var_dir=var)


@pytest.fixture(scope="module")
def store(settings):
    opened = Services.from_settings(settings).store
    service = replace(DIRECTORY.service("pipeline"), scopes=frozenset({"propose"}))
    assert len(propose(opened, service, proposals(), now=NOW)) == len(proposals())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(settings, store):
    with TestClient(
        create_app(settings), raise_server_exceptions=False, base_url="http://localhost"
    ) as client:
        yield client


@pytest.fixture(scope="module")
def headers(settings):
    issuer = local_issuer(settings)
    return {user: {"Authorization": f"Bearer {issuer.issue(user, now=NOW)}"} for user in PEOPLE}


def change_hidden(store, draw):
    """Other money everywhere, and other words and routes that would follow from it."""
    with store.write() as transaction:
        table = recommendations
        stored = select(table.c.recommendation_id, table.c.details)
        for key, details in transaction.conn.execute(stored).all():
            money = [draw.choice([None, round(draw.uniform(-900, 900), 2)]) for _ in range(3)]
            neutral = {name: details[name] for name in ("as_of", "from_region") if name in details}
            values = dict(zip(("expected_margin", "expected_cash", "at_stake"), money, strict=True))
            values |= {
                "reason": f"Order 4, for ${draw.random():.2f} more.",
                "drivers": draw.choice([None, {"unit_cost": draw.random()}]),
                "details": neutral | {"weekly": [{"cash": draw.random()}], "price": draw.random()},
                "policy_route": draw.choice(ROUTES),
                "policy_reasons": [f"${draw.randrange(900)} at stake, below ${draw.randrange(9000)}"],
            }
            assert {*values} == {*MASKED}
            transaction.conn.execute(update(table).where(table.c.recommendation_id == key).values(values))
            transaction.touch(table, key)


def routes_of(router):
    """Every route of the application, those of its parts too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif part := getattr(route, "original_router", None):
            yield from routes_of(part)


def addresses(app):
    """Every GET route with values for its parameters. An unknown parameter has to be given some here."""
    keys = [row["recommendation_id"] for row in proposals()]
    values = {
        "recommendation_id": [*keys, "none"],
        "node": [f"recommendation.{key}" for key in keys] + ["metric.units_delivered"],
        "node:path": [f"recommendation.{key}" for key in keys] + ["metric.units_delivered"],
        "name": ["units_delivered", "drift_demand.html"],
        "release": ["20170108T000000-small"],
        "slug": ["executive"],
    }
    for route in routes_of(app):
        path = route.path
        if "GET" not in route.methods or path in NOT_ABOUT_RECOMMENDATIONS:
            continue
        paths = [path]
        for name in re.findall(r"{([^}]*)}", path):
            assert name in values, f"say in this test what {{{name}}} of {path} can be"
            paths = [one.replace(f"{{{name}}}", value) for one in paths for value in values[name]]
        yield from paths


def answers(client, headers, user, password):
    """Status, headers and body of every route, and of every page of each list."""
    client.cookies.clear()
    form = {"user": user, "password": password}
    assert client.post("/review/sign-in", data=form, follow_redirects=False).status_code == 303
    asked = list(addresses(client.app))
    asked += ["/v1/recommendations?limit=2", "/v1/recommendations?limit=3&state=approved&state=in_review"]
    asked += ["/review?mine=1", "/review/queue?policy_route=planner", "/review?action=reorder"]
    seen = {}
    while asked:
        address = asked.pop()
        answer = client.get(address, headers=headers[user], follow_redirects=False)
        text = answer.text
        for pattern, instead in CHANGING:
            text = pattern.sub(instead, text)
        sent_headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("x-request-id", "content-length")
        }
        seen[address] = (answer.status_code, sent_headers, text)
        if "limit=" in address and answer.is_success and (cursor := answer.json().get("next_cursor")):
            asked.append(f"{address.partition('&cursor=')[0]}&cursor={cursor}")
    for decision in ("approve", "reject"):
        body = {"decision": decision, "reason_code": "supplier-issue"}
        body = body if decision == "reject" else {"decision": decision}
        answer = client.post("/v1/recommendations/r0/decisions", json=body, headers=headers[user])
        seen[decision] = (answer.status_code, {}, answer.json().get("detail", ""), answer.json().get("hint"))
    return seen


def test_some_readers_are_masked_and_see_recommendations(client, headers):
    assert MASKED_READERS == ["data_steward", "integrator", "store_manager"]
    rows = client.get("/v1/recommendations", headers=headers["store_manager"]).json()["items"]
    assert {row["recommendation_id"] for row in rows} >= {"r1", "r2"}
    for row in rows:
        money = [row[name] for name in MASKED if name not in ("details", "reason")]
        assert money == [None] * 6 and "$" not in json.dumps(row) and row["reason"].endswith(".")
        assert row["details"].keys() <= {"as_of", "from_region"}


@pytest.mark.parametrize("user", MASKED_READERS)
def test_all_answers_are_equal_whatever_is_hidden(settings, store, client, headers, user):
    password = secret_in(password_file(settings))
    before = answers(client, headers, user, password)
    assert len(before) > 60 and "/review/items/r1/lineage" in before
    for case in range(sample(2, full=20)):
        change_hidden(store, seeded("masked", user, case))
        after = answers(client, headers, user, password)
        assert after.keys() == before.keys()
        assert [address for address in before if after[address] != before[address]] == []


def test_who_sees_money_sees_the_change(settings, store, client, headers):
    password = secret_in(password_file(settings))
    before = answers(client, headers, "executive", password)
    change_hidden(store, seeded("masked", "executive"))
    after = answers(client, headers, "executive", password)
    changed = {address for address in before if after.get(address) != before[address]}
    assert {"/v1/recommendations", "/v1/recommendations/r1", "/review", "/review/items/r1"} <= changed


def test_the_command_line_tells_a_masked_reader_no_more(settings, store, monkeypatch, capsys):
    services = Services.from_settings(settings)
    monkeypatch.setattr(api.cli.recommendation, "services", lambda: services)
    monkeypatch.setattr("api.cli.services.services", lambda: services)

    def printed():
        for as_json in (True, False):
            api.cli.recommendation.list_(limit=2, as_user="store_manager", as_json=as_json)
            api.cli.recommendation.show("r1", as_user="store_manager", as_json=as_json)
        return capsys.readouterr().out

    before = printed()
    change_hidden(store, seeded("masked", "cli"))
    capsys.readouterr()
    assert printed() == before and "r1" in before
    assert "$" not in before.replace("margin $", "").replace("cash $", "")
    services.close()


def test_a_cursor_is_opaque_and_nobody_elses(client, headers, store):
    """Made up, turned, of another reader, list or filter: refused in words, whatever it is."""
    page = client.get("/v1/recommendations?limit=2", headers=headers["executive"]).json()
    cursor = page["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"r" not in raw or b'"' not in raw  # no JSON to be read
    again = client.get(f"/v1/recommendations?limit=9&cursor={cursor}", headers=headers["executive"])
    assert again.status_code == 200 and page["items"][0] not in again.json()["items"]
    forged = [
        base64.urlsafe_b64encode(json.dumps([5.0, "r1"]).encode()).decode().rstrip("="),
        "x" * 500,
        "%00",
    ]
    draw = seeded("cursor")
    for _ in range(sample(20, full=200)):
        turned = bytearray(raw)
        turned[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        forged.append(base64.urlsafe_b64encode(turned).decode().rstrip("="))
    trail = audit.read(store, limit=1, reader=PEOPLE["auditor"].reader_key)
    tries = [("executive", f"cursor={one}") for one in [*forged, trail.next_cursor]]
    tries += [("auditor", f"cursor={cursor}"), ("store_manager", f"cursor={cursor}")]
    tries += [("executive", f"action=reorder&cursor={cursor}")]
    for user, query in tries:
        refused = client.get(f"/v1/recommendations?{query}", headers=headers[user])
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid-cursor"), query
        assert "next_cursor" in refused.json()["hint"]
    other = client.get(f"/v1/audit?cursor={cursor}", headers=headers["auditor"])
    assert other.status_code == 400
