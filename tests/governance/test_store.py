"""Migrations, proposing twice, pages under a scope."""

import datetime as dt

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from governance.approvals import find_recommendation, list_recommendations, propose_recommendations
from governance.errors import InvalidCursorError, NotFoundError, StoreUnavailableError
from governance.store import OpsStore, audit
from governance.store.migrate import newest_revision, revision_of, upgrade
from governance.store.schema import metadata
from tests.conftest import ROOT


def _rows(proposal, count, **changes):
    stamps = {"proposed_by": "service:x"}
    return [proposal(f"r{n:03}", expected_margin=float(n % 7), **changes) | stamps for n in range(count)]


def test_migrations_lead_to_the_declared_schema_and_run_twice(store):
    upgrade(store)
    with store.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_revisions_are_alembic_s_although_alembic_is_not_asked(store, tmp_path):
    fresh = OpsStore(f"sqlite:///{tmp_path / 'fresh.db'}")
    assert revision_of(fresh) is None
    fresh.close()
    migrations = ScriptDirectory(str(ROOT / "governance" / "store" / "migrations"))
    with store.read() as conn:
        current = MigrationContext.configure(conn).get_current_revision()
    assert newest_revision() == migrations.get_current_head() == current == revision_of(store)


def test_proposing_again_proposes_nothing(store, proposal, now):
    rows = _rows(proposal, 20)
    assert len(propose_recommendations(store, rows, now=now)) == 20
    assert propose_recommendations(store, rows, now=now) == []
    assert len(audit.read(store, limit=100).items) == 20


def test_a_newer_one_for_the_same_item_supersedes(store, proposal, now):
    propose_recommendations(store, _rows(proposal, 1), now=now)
    newer = proposal("new", product_id="p-r000") | {"proposed_by": "service:x"}
    propose_recommendations(store, [newer], now=now)
    old = find_recommendation(store, "r000")
    assert (old.state, old.superseded_by) == ("expired", "new")
    assert find_recommendation(store, "new").state == "proposed"


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_pages_hold_each_row_once_the_most_valuable_first(store, proposal, now, limit):
    rows = _rows(proposal, 40)
    rows[5]["expected_margin"] = None
    propose_recommendations(store, rows, now=now)
    seen, cursor = [], None
    while True:
        page = list_recommendations(store, cursor=cursor, limit=limit)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(r.recommendation_id for r in seen) == [f"r{n:03}" for n in range(40)]
    margins = [-1.0 if r.expected_margin is None else r.expected_margin for r in seen]
    assert margins == sorted(margins, reverse=True)


def test_scope_and_filters(store, proposal, people, now):
    rows = [*_rows(proposal, 4), proposal("w", region="West") | {"proposed_by": "x"}]
    rows += [proposal("n", region=None) | {"proposed_by": "x"}]
    rows += [proposal("d", department="PRODUCE") | {"proposed_by": "x"}]
    propose_recommendations(store, rows, now=now)

    def seen(user, **filters):
        page = list_recommendations(store, reader=people[user], **filters)
        return {r.recommendation_id for r in page.items}

    assert seen("planner_west") == {"w"}
    assert seen("planner_east") == {"r000", "r001", "r002", "r003", "d"}
    assert seen("executive") == seen("planner_east") | {"w", "n"}
    assert seen("category_manager") == seen("executive") - {"d"}
    assert seen("data_steward") == set()
    assert seen("executive", region="West", state=["proposed"]) == {"w"}
    assert seen("executive", action="transfer") == set()
    with pytest.raises(NotFoundError):
        find_recommendation(store, "w", reader=people["planner_east"])


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "WzEsMl0", "bnVsbA", "é", "W10", "' OR 1=1"])
def test_a_made_up_cursor_is_refused(sqlite_store, cursor):
    with pytest.raises(InvalidCursorError):
        list_recommendations(sqlite_store, cursor=cursor)


def test_times_come_back_as_instants(store, proposal):
    local = dt.datetime(2026, 1, 5, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    propose_recommendations(store, _rows(proposal, 1), now=local)
    created_at = find_recommendation(store, "r000").created_at
    assert (created_at, created_at.tzinfo) == (local, dt.UTC)


def test_a_store_that_cannot_be_opened_says_so(tmp_path):
    for url in ("nonsense", "oracle://x", f"sqlite:///{tmp_path}/ops.db/below/ops.db"):
        with pytest.raises(StoreUnavailableError):
            (tmp_path / "ops.db").write_text("")
            upgrade(OpsStore(url))
