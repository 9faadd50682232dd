"""Sync looks into Superset's metadata before it says that nothing is to be done."""

import sqlite3
import sys
from types import SimpleNamespace

import pytest

from dashboards.superset_steelyard import provision as module

PEOPLE = [{"name": "executive", "role": "executive", "password": "x"}]


@pytest.fixture
def sync(monkeypatch, tmp_path, specs, context):
    """Run it where Superset's own part is replaced by one that makes the table and its rows."""
    calls = []

    def make(*arguments):
        calls.append(arguments)
        with sqlite3.connect(tmp_path / "superset.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS dashboards (slug TEXT)")
            connection.execute("DELETE FROM dashboards")
            connection.executemany("INSERT INTO dashboards VALUES (?)", [(spec.slug,) for spec in specs])
        return []

    days = {spec.period_of: context.recorded for spec in specs}
    monkeypatch.setattr(module, "fetch", lambda *_: (context, days))
    monkeypatch.setattr(module.Client, "from_environment", lambda: None)
    monkeypatch.setattr(module, "superset_version", lambda: "6.1.0")
    monkeypatch.setattr(module.metadata, "version", lambda _: "0.1.0")
    monkeypatch.delenv("SUPERSET_DATABASE_URL", raising=False)
    state = SimpleNamespace(provision=make)
    monkeypatch.setitem(sys.modules, "dashboards.superset_steelyard.superset_state", state)
    monkeypatch.setattr(sys.modules["dashboards.superset_steelyard"], "superset_state", state, raising=False)

    def run():
        before = len(calls)
        report = module.provision(tmp_path, PEOPLE, "http://api")
        assert report["changed"] == (len(calls) > before)
        return report["changed"]

    run.calls = calls
    run.database = tmp_path / "superset.db"
    return run


def is_prepared(call):
    """Whether the metadata's schema was taken to be there."""
    return call[5]


def test_nothing_is_done_twice(sync):
    assert sync()
    assert not is_prepared(sync.calls[-1])
    assert not sync()


def test_a_dashboard_that_was_deleted_is_made_again(sync):
    sync()
    with sqlite3.connect(sync.database) as connection:
        connection.execute("DELETE FROM dashboards WHERE slug = 'stock'")
    assert sync()
    assert is_prepared(sync.calls[-1])
    assert not sync()


def test_metadata_that_was_deleted_is_made_again_from_the_schema_on(sync):
    sync()
    sync.database.unlink()
    assert sync()
    assert not is_prepared(sync.calls[-1])


def test_a_database_that_was_emptied_is_made_again_from_the_schema_on(sync, monkeypatch):
    """As a server's, which has no file to look for."""
    sync()
    with sqlite3.connect(sync.database) as connection:
        connection.execute("DROP TABLE dashboards")
    monkeypatch.setenv("SUPERSET_DATABASE_URL", f"sqlite:///{sync.database}")
    assert sync()
    assert not is_prepared(sync.calls[-1])
