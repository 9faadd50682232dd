"""A store of the first version, with rows, is brought to this version: all rows stay, and twice is once."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from governance.approvals import decide
from governance.identity import Directory
from governance.store import OpsStore, audit
from governance.store.first_names import FIRST_NAMES
from governance.store.migrate import upgrade
from governance.store.schema import metadata
from tests.faults.scene_decide import proposals
from tests.postgres import Cluster

FIRST = "0001"
NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def postgres():
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """A store at the first version, with a row or more in every table."""
    url = f"sqlite:///{tmp_path}/ops.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").fresh_database()
    store = OpsStore(url, anchor=tmp_path / "anchor")
    upgrade(store, FIRST)
    _fill(store)
    yield store
    store.close()


def test_rows_of_the_first_version_survive(old):
    before = _rows(old)
    assert before["recommendations"] and before["audit_log"] and all(before.values())
    for _ in range(2):
        upgrade(old)
        after = _rows(old)
        for table, rows in before.items():
            first = [_first_named(row) if table == "recommendations" else row for row in after[table]]
            as_before = [{name: row[name] for name in rows[0]} for row in first]
            assert as_before == rows, table
    with old.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    assert audit.verify(old).holds


def test_what_was_open_before_can_be_decided_after(old):
    upgrade(old)
    decision = decide(old, Directory.load().user("planner_east"), "r1", "approve", now=NOW)
    assert decision.state == "approved"
    assert audit.verify(old).holds


def _fill(store: OpsStore) -> None:
    """Proposals as the first version knew them, one audit row, and in every other table a row made up."""
    with store.write() as transaction:
        schema = sa.MetaData()
        schema.reflect(transaction.conn)
        entry = audit.AuditEntry("service:x", "test", "object.1", after={"n": 1})
        audit.append(transaction, entry, now=NOW)
        table = schema.tables["recommendations"]
        moment = NOW.replace(tzinfo=None)
        stamps = {
            "state": "in_review", "proposed_by": "service:pipeline", "created_at": moment,
            "updated_at": moment, "is_simulated": False, "policy_route": "planner",
        }  # fmt: skip
        for row in proposals(3):
            transaction.conn.execute(table.insert().values({**_first_named(row), **stamps}))
        for table in schema.sorted_tables:
            if table.name not in ("recommendations", "audit_log", "alembic_version"):
                transaction.conn.execute(table.insert().values({c.name: _made_up(c) for c in table.columns}))


def _first_named(row: dict[str, object]) -> dict[str, object]:
    """A row of the recommendations under the column names of the first version."""
    return {FIRST_NAMES.get(name, name): value for name, value in row.items()}


def _made_up(column: sa.Column) -> object:
    if column.foreign_keys:
        return "r0"
    kind = column.type.python_type
    values = {str: "[]", int: 1, float: 1.5, bool: True, bytes: b"x", dt.datetime: NOW.replace(tzinfo=None)}
    return values[kind]


def _rows(store: OpsStore) -> dict[str, list[dict]]:
    with store.read() as conn:
        schema = sa.MetaData()
        schema.reflect(conn)
        return {
            table.name: [
                dict(row) for row in conn.execute(table.select().order_by(*table.primary_key)).mappings()
            ]
            for table in schema.sorted_tables
            if table.name != "alembic_version"
        }
