"""A new kind of recommendation is a line in the registry and a file: it is proposed, listed, shown, decided.

The toy prints new shelf labels. No release is needed: whatever serves it knows the registry alone.
"""

import datetime as dt
import re
import runpy
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.secret import secret_in
from api.auth.sign_in import local_issuer
from api.review.session import password_file
from api.settings import Settings
from governance.approvals import ACTIONS, Action, find_recommendation, propose
from governance.identity import Directory
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Option, Run, details, frame, proposal_id
from tests.conftest import ROOT

NOW = dt.datetime.now(dt.UTC)
LINE = Action("relabel", "print a new shelf label", "Relabel", "none", "planner", unit="labels")


def kind(run):
    """What its file in `models_ml/recommend/kinds` would hold: rows in the form of every proposal."""
    option = Option("relabel", 12.0, 0.0, None, 4.0, 6.0, "print twelve")
    nothing = Option("nothing", 0.0, 0.0, None, 0.0, 0.0, "leave them")
    row = {
        "recommendation_id": proposal_id("relabel", "P1", "367", run.as_of, 12.0),
        "action": "relabel", "product_id": "P1", "product_name": "WHOLE MILK", "location_id": "367",
        "region": "East", "banner": "Steelyard", "department": "GROCERY", "quantity_units": 12.0,
        "expected_margin": 4.0, "expected_cash": 6.0, "confidence": 0.9, "is_simulated": True,
        "reason": "Twelve labels are worn.", "drivers": {"as_of": run.as_of.isoformat()},
        "details": details(run, option, [nothing]), "release_id": run.release_id,
    }  # fmt: skip
    return frame([row])


@pytest.fixture
def line(monkeypatch):
    monkeypatch.setitem(ACTIONS, LINE.name, LINE)


@pytest.fixture
def settings(tmp_path):
    return Settings(var_dir=tmp_path)


@pytest.fixture
def store(settings):
    opened = OpsStore(settings.ops_store_url)
    upgrade(opened)
    yield opened
    opened.close()


def proposed(store):
    run = Run("r", dt.date(2017, 12, 31), 0, None, ReorderParameters())
    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    rows = kind(run).astype(object).where(kind(run).notna(), None).to_dict("records")
    return propose(store, service, rows, now=NOW)


def test_without_its_line_it_is_refused(store):
    assert proposed(store) == []
    (refusal,) = audit.read(store).items
    assert refusal["reason"] == "outside policy: no policy for the action 'relabel'"


@pytest.mark.usefixtures("line")
def test_with_its_line_it_goes_all_the_way(settings, store):
    (record,) = proposed(store)
    assert (record.policy_route, record.policy_reasons) == (
        "planner",
        ["Relabel: a planner at least"],
    )
    with TestClient(create_app(settings)) as client:
        bearer = {"Authorization": f"Bearer {local_issuer(settings).issue('planner_east', now=NOW)}"}
        listed = client.get("/v1/recommendations?action=relabel", headers=bearer).json()["items"]
        assert [row["recommendation_id"] for row in listed] == [record.recommendation_id]
        assert client.get("/v1/recommendations?action=rename", headers=bearer).status_code == 422

        form = {"user": "planner_east", "password": secret_in(password_file(settings))}
        assert client.post("/review/sign-in", data=form, follow_redirects=False).status_code == 303
        assert "Relabel 12 · Whole milk" in client.get("/review").text
        page = client.get(f"/review/items/{record.recommendation_id}").text
        assert "Approve 12" in page and "Change quantity" in page

        decision = {
            "csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1],
            "key": re.search(r'name="key" value="([^"]+)"', page)[1],
            "decision": "override", "quantity": "10", "reason_code": "local-event",
        }  # fmt: skip
        done = client.post(f"/review/items/{record.recommendation_id}/decisions", data=decision)
        assert done.status_code == 200
    after = find_recommendation(store, record.recommendation_id)
    assert (after.state, after.decided_quantity_units) == ("overridden", 10.0)


@pytest.mark.usefixtures("line")
def test_its_words_are_written_into_contracts_and_dbt():
    written = runpy.run_path(str(ROOT / ".ci/write_vocabularies.py"))["written"]()
    naming = {path.name for path, text in written.items() if "relabel" in text}
    assert naming == {"recommendations.yaml", "fct_recommendations.yml", "stg_platform__recommendations.yml"}
