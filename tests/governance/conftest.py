"""Stores of both kinds, a fixed clock, the demo's people, and proposals to decide on."""

import datetime as dt

import pytest

from governance.approvals import propose
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade
from tests.postgres import Cluster

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="session")
def directory():
    return Directory.load()


@pytest.fixture(scope="session")
def people(directory):
    return {name: directory.user(name) for name in directory.users}


@pytest.fixture(scope="session")
def pipeline(directory):
    """The service that proposes, with the scope to."""
    from dataclasses import replace

    return replace(directory.service("pipeline"), scopes=frozenset({"propose", "execute"}))


@pytest.fixture(scope="session")
def postgres():
    """A private cluster, gone afterwards."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """An empty store at this version, on each engine."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ops.db"
    else:
        url = request.getfixturevalue("postgres").fresh_database()
    opened = OpsStore(url, anchor=tmp_path / "anchor")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path):
    opened = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def proposal():
    """Fields of a reorder in the East; keywords change them."""

    def make(key: str = "r1", **changes):
        row = {
            "recommendation_id": key,
            "action": "reorder",
            "product_id": f"p-{key}",
            "product_name": "Milk",
            "location_id": "367",
            "region": "East",
            "department": "GROCERY",
            "quantity_units": 24.0,
            "expected_margin": 90.0,
            "expected_cash": 500.0,
            "confidence": 0.9,
            "model_name": "demand",
            "model_version": "3",
        }
        return row | changes

    return make


@pytest.fixture
def proposed(pipeline, proposal):
    """Propose one reorder into a store, with a planner's money unless changed."""

    def put(store, key: str = "r1", *, authors=(), model_state="champion", **changes):
        rows = [proposal(key, **changes)]
        (record,) = propose(store, pipeline, rows, now=NOW, authors=authors, model_state=model_state)
        return record

    return put
