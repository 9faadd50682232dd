"""Keys of services at the door: what each scope opens, for whom a service may ask, and ways around it."""

import datetime as dt
import stat

import pytest

from api.auth.service_keys import service_key_file
from governance.approvals import propose
from governance.identity import issue_service_key, list_service_keys, revoke_service_key
from governance.store import audit
from tests.governance.conftest import proposal  # noqa: F401

HOUR = dt.timedelta(hours=1)
FOR = "Steelyard-On-Behalf-Of"
QUERY = {"metrics": ["net_sales"], "group_by": ["location__region"]}


@pytest.fixture(scope="module")
def services(client):
    return client.app.state.services


@pytest.fixture(scope="module")
def key(services):
    def issue(service="svc-superset", scopes=("delegate",), *, issued=None, lifetime=HOUR):
        return issue_service_key(
            services.store,
            service,
            scopes=scopes,
            lifetime=lifetime,
            created_by="data_steward",
            directory=services.directory,
            now=issued or dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1),
        )

    return issue


def bearer(credential, *people):
    return [("Authorization", f"Bearer {credential}"), *((FOR, person) for person in people)]


def query(client, headers, body=QUERY):
    return client.post("/v1/query", json=body, headers=headers)


def operations(client):
    for path, methods in client.app.openapi()["paths"].items():
        for method in methods:
            yield method, path.replace("{", "").replace("}", "")


def test_a_service_reads_with_the_rights_of_the_person_and_of_nobody_else(client, key, sign_in):
    own_key = key()
    for person in ("planner_east", "executive", "store_manager"):
        through = query(client, bearer(own_key, person))
        assert through.status_code == 200
        assert through.json() == query(client, sign_in(person)).json()
    assert [row[0] for row in query(client, bearer(own_key, "planner_east")).json()["rows"]] == ["East"]


def test_a_key_that_may_only_delegate_does_nothing_for_itself(client, key):
    own_key, tried = key(), 0
    for method, path in operations(client):
        if path in ("/healthz", "/readyz"):
            continue
        answer = client.request(method, path, json={}, headers=bearer(own_key))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
        tried += 1
    assert tried >= 12


@pytest.mark.parametrize(
    ("service", "scopes", "status"),
    [
        ("erp", ["read"], 200),
        ("erp", ["execute"], 403),
        ("pipeline", ["propose"], 403),
        ("pipeline", ["ingest", "execute"], 403),
        ("pipeline", ["read"], 200),
    ],
)
def test_a_key_reads_only_where_it_was_issued_to(client, key, service, scopes, status):
    headers = bearer(key(service, scopes))
    for answer in (
        query(client, headers, {"metrics": ["net_sales"]}),
        client.post("/v1/sql", json={"sql": "SELECT MEASURE(net_sales) FROM metrics"}, headers=headers),
        client.get("/v1/metrics", headers=headers),
        client.get("/v1/recommendations", headers=headers),
        client.get("/metrics", headers=headers),
    ):
        assert answer.status_code == status


def test_a_route_that_changes_something_and_names_no_scope_is_closed_to_services(client, services, key):
    from fastapi import APIRouter
    from fastapi.testclient import TestClient

    from api.app import create_app
    from api.deps import CurrentUser

    forgotten = APIRouter()

    @forgotten.post("/v1/forgotten")
    def _change(user: CurrentUser) -> str:
        return user.user

    app = create_app(services.settings)
    app.include_router(forgotten)
    reading = key("pipeline", ["read", "propose", "execute", "ingest"])
    with TestClient(app) as opened:
        assert opened.post("/v1/forgotten", headers=bearer(reading)).status_code == 403
        assert opened.post("/v1/forgotten", headers=bearer(key(), "executive")).status_code == 403


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(["integrator"], id="a role that the service may not act for"),
        pytest.param(["nobody"], id="unknown"),
        pytest.param(["guest_user"], id="what a dashboard calls a guest"),
        pytest.param(["svc-superset"], id="itself"),
        pytest.param(["pipeline"], id="another service, to chain"),
        pytest.param([""], id="empty"),
        pytest.param(["planner_east, executive"], id="two in one"),
        pytest.param(["planner_east,executive"], id="two in one, close"),
        pytest.param(["planner_east;role=auditor"], id="parameters"),
        pytest.param(["executive\x00"], id="a zero byte"),
        pytest.param(["EXECUTIVE"], id="another case"),
        pytest.param(["planner%5Feast"], id="percent-encoded"),
        pytest.param(["planner_east", "executive"], id="sent twice"),
        pytest.param(["planner_east", "planner_east"], id="sent twice, the same"),
        pytest.param(["", "executive"], id="empty, then a name"),
    ],
)
def test_for_whom_a_service_may_not_ask(client, key, people):
    answer = query(client, bearer(key(), *people))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_unknown_person_and_a_forbidden_one_answer_alike(client, key):
    own_key = key()
    forbidden, unknown = (query(client, bearer(own_key, who)).json() for who in ("integrator", "integratos"))
    alike = forbidden["detail"].replace("integrator", "X"), unknown["detail"].replace("integratos", "X")
    assert alike[0] == alike[1]
    assert forbidden["hint"] == unknown["hint"]


def test_look_alike_headers_are_not_the_header(client, key):
    for name in ("Steelyard_On_Behalf_Of", "X-Steelyard-On-Behalf-Of", "Steelyard-On-Behalf-Of2"):
        headers = [("Authorization", f"Bearer {key()}"), (name, "executive")]
        assert query(client, headers).status_code == 403


def test_a_person_cannot_act_for_another(client, sign_in):
    own_key = sign_in("store_manager")["Authorization"]
    for person in ("executive", "store_manager", "nobody", ""):
        answer = query(client, [("Authorization", own_key), (FOR, person)])
        assert answer.status_code == 403, person


def test_only_named_services_act_for_people(client, key):
    assert query(client, bearer(key("erp", ["read"]), "executive")).status_code == 403
    assert query(client, bearer(key("pipeline", ["read", "propose"]), "executive")).status_code == 403


def test_two_credentials_are_none(client, key, sign_in):
    theirs = sign_in("executive")["Authorization"]
    for pair in ([theirs, f"Bearer {key()}"], [f"Bearer {key()}", theirs], [theirs, theirs]):
        headers = [("Authorization", one) for one in pair]
        assert query(client, [*headers, (FOR, "executive")]).status_code == 401
        assert query(client, headers).status_code == 401


def test_keys_that_no_longer_hold(client, services, key):
    own_key = key()
    _, key_id, secret = own_key.split(".")
    expired = key(issued=dt.datetime.now(dt.UTC) - 2 * HOUR)
    future = key(issued=dt.datetime.now(dt.UTC) + HOUR)
    mangled = [f"steelyard.{key_id}.{secret[:-1]}", f"steelyard.{key_id}.", "steelyard..", "steelyard"]
    mangled += [f"steelyard.{'0' * 16}.{secret}", f"Steelyard.{key_id}.{secret}", f"{own_key}.x", secret]
    for wrong in (expired, future, *mangled, f"steelyard.' OR 1=1 --.{secret}"):
        answer = query(client, bearer(wrong, "executive"))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), wrong
        assert "key" not in answer.json()["detail"].replace("The service key is not valid", "")
    assert query(client, bearer(own_key, "executive")).status_code == 200
    revoke_service_key(services.store, key_id, revoked_by="data_steward", now=dt.datetime.now(dt.UTC))
    assert query(client, bearer(own_key, "executive")).status_code == 401


@pytest.fixture
def waiting(services, proposal):  # noqa: F811
    """A reorder that waits for a planner of the East."""
    from dataclasses import replace

    agent = replace(services.directory.service("pipeline"), scopes=frozenset({"propose"}))
    key = f"over-http-{dt.datetime.now(dt.UTC).timestamp()}"
    (record,) = propose(services.store, agent, [proposal(key)], now=dt.datetime.now(dt.UTC))
    return record.recommendation_id


def test_dashboards_read_and_never_decide(client, services, key, waiting):
    headers = bearer(key(), "planner_east")
    assert client.get(f"/v1/recommendations/{waiting}", headers=headers).status_code == 200
    refused = client.post(
        f"/v1/recommendations/{waiting}/decisions", json={"decision": "approve"}, headers=headers
    )
    assert refused.status_code == 403
    assert [e["action"] for e in _entries(services, waiting)] == ["recommendation.propose"]


def test_the_audit_names_the_service_and_the_person(client, services, key, waiting, monkeypatch):
    monkeypatch.setitem(services.directory.services["svc-superset"], "scopes", ["delegate", "decide"])
    headers = bearer(key(scopes=["delegate", "decide"]), "planner_east")
    decided = client.post(
        f"/v1/recommendations/{waiting}/decisions", json={"decision": "approve"}, headers=headers
    )
    assert decided.status_code == 200, decided.text
    entry = _entries(services, waiting)[0]
    assert (entry["actor"], entry["on_behalf_of"]) == ("svc-superset", "planner_east")
    assert (decided.json()["decided_by"], decided.json()["on_behalf_of"]) == ("svc-superset", "planner_east")


def test_a_scope_taken_from_the_directory_is_taken_from_its_keys(client, services, key, monkeypatch):
    own_key = key("erp", ["read", "execute"])
    assert client.get("/v1/metrics", headers=bearer(own_key)).status_code == 200
    monkeypatch.setitem(services.directory.services["erp"], "scopes", ["execute"])
    assert client.get("/v1/metrics", headers=bearer(own_key)).status_code == 403


def _entries(services, recommendation_id):
    return audit.read(services.store, object_id=f"recommendation.{recommendation_id}").items


def test_the_key_file_is_private_kept_and_renewed(services):
    def key_file():
        return service_key_file(
            services.settings.var_dir / "keys",
            "svc-superset",
            ["delegate"],
            store=services.store,
            directory=services.directory,
        )

    path = key_file()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("svc-superset.key", 0o600)
    first = path.read_text()
    assert key_file().read_text() == first
    key_id = first.split(".")[1]
    revoke_service_key(services.store, key_id, revoked_by="data_steward", now=dt.datetime.now(dt.UTC))
    renewed = key_file().read_text()
    assert renewed != first
    assert not any(
        renewed.strip().split(".")[2] in str(vars(row)) for row in list_service_keys(services.store)
    )


def test_keys_on_the_command_line(cli, client, settings, tmp_path):
    status, key, _ = cli(
        "auth", "key", "issue", "svc-superset", "--scope", "delegate", "--as", "data_steward", as_json=False
    )
    assert status == 0
    assert query(client, bearer(key.strip(), "executive")).status_code == 200
    (row,) = [r for r in cli.answer("auth", "key", "list") if r["key_id"] == key.split(".")[1]]
    assert (row["state"], row["created_by"], row["scopes"]) == ("live", "data_steward", ["delegate"])
    assert cli("auth", "key", "revoke", row["key_id"], "--as", "planner_east")[0] == 1
    assert cli("auth", "key", "revoke", row["key_id"])[0] == 0
    assert query(client, bearer(key.strip(), "executive")).status_code == 401
    for wrong in (
        ["svc-superset", "--scope", "decide"],
        ["executive", "--scope", "read"],
        ["erp", "--scope", "x"],
    ):
        assert cli("auth", "key", "issue", *wrong)[0] == 1
    file = tmp_path / "erp.key"
    assert cli("auth", "key", "issue", "erp", "--scope", "read", "--file", str(file))[0] == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert client.get("/v1/metrics", headers=bearer(file.read_text().strip())).status_code == 200


def test_production_knows_nobody_of_the_demo(settings):
    from api.auth.sign_in import directory_of
    from api.settings import Settings

    directory = directory_of(Settings(mode="production", var_dir=settings.var_dir))
    assert (dict(directory.users), "svc-superset" in directory.services) == ({}, True)
