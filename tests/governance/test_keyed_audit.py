"""Who can write the database but has no key cannot forge: entries, nor any row that decides something."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Boolean, Date, DateTime, Float, LargeBinary

from governance.approvals import decide, escalate_due, expire_due, propose, transition
from governance.approvals.model_review import review_model
from governance.disclosure.disclosed import Disclosure, DisclosureHistory
from governance.disclosure.history import StoredHistory
from governance.errors import AuditBrokenError, StoreUnavailableError
from governance.identity import Directory, issue_service_key, revoke_service_key
from governance.store import OpsStore, audit
from governance.store.audit_keys import AuditKeys
from governance.store.bound_rows import BOUND
from governance.store.migrate import upgrade
from governance.store.schema import audit_log, metadata
from semantic.plan.suppression_probe import BUCKETS
from tests.faults.scene_decide import choice, proposals
from tests.governance.conftest import NOW

KEYS = AuditKeys.from_secrets(["first secret"])
LATER = NOW + dt.timedelta(days=2)


def fill(store):
    """A row or more in every table that decides something, by the product's own way of writing each."""
    directory = Directory.load()
    service = replace(directory.service("pipeline"), scopes=frozenset({"propose", "execute"}))
    planner, reviewer = directory.user("planner_east"), directory.user("ml_reviewer")
    propose(store, service, proposals(6), now=NOW)
    for i in range(3):
        what, more = choice(i)
        decide(store, planner, f"r{i}", what, now=NOW, idempotency_key=f"key-{i}", **more)
    transition(store, service, "r0", "executing", now=NOW)
    escalate_due(store, now=LATER)
    for _ in range(2):
        key = issue(store, directory, NOW)
    revoke_service_key(store, key.split(".")[1], revoked_by="operator:x", now=NOW)
    for version in "12":
        review(store, reviewer, version, NOW)
    for fact in ("sales", "returns"):
        groups = [Disclosure(np.full(BUCKETS, n + 1, dtype=np.uint64), True) for n in range(3)]
        StoredHistory(store).add(DisclosureHistory(2), "planner_east", fact, groups, now=NOW)
    expire_due(store, now=LATER + dt.timedelta(days=30))


def issue(store, directory, now):
    life, scopes = dt.timedelta(days=9), {"propose"}
    return issue_service_key(
        store, "pipeline", scopes=scopes, lifetime=life, created_by="operator:x", directory=directory, now=now
    )


def review(store, reviewer, version, now):
    review_model(
        store,
        reviewer,
        model_name="demand",
        model_version=version,
        trained_by="svc-trainer",
        decision="approve",
        reason="good",
        evidence={"artifact_digest": "d" * 64},
        now=now,
    )


def open_store(tmp_path, **more):
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db", **{"keys": KEYS, **more})
    upgrade(store)
    return store


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder with a store that `fill` has filled, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    opened = open_store(folder)
    fill(opened)
    with raw(opened) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.close()
    return folder


@pytest.fixture
def store(filled, tmp_path):
    for name in ("ops.db", "ops.db.audit-anchor"):
        shutil.copy(filled / name, tmp_path)
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def raw(store):
    """The database as an intruder has it: no guard of the table's own, no foreign keys."""
    con = sqlite3.connect(store.engine.url.database, isolation_level=None)
    for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        con.execute(f"DROP TRIGGER {name}")
    return closing(con)


def test_what_the_product_writes_holds(store):
    report = audit.verify(store)
    assert report.holds and report.keyed_from == 1, report
    with store.read() as conn:
        for name, table in BOUND.items():
            assert conn.execute(table.select()).first() is not None, f"{name} has no row: it is not tested"


def test_every_table_is_bound_or_is_the_chain():
    assert set(metadata.tables) == set(BOUND) | {audit_log.name}


def changed(column):
    if isinstance(column.type, DateTime) or "DateTime" in type(column.type).__name__:
        return "'2031-01-01 00:00:00.000000'"
    if isinstance(column.type, Date):
        return "'2031-01-01'"
    if isinstance(column.type, Float):
        return f"coalesce({column.name}, 0) + 1"
    if isinstance(column.type, Boolean):
        return f"NOT {column.name}"
    if isinstance(column.type, LargeBinary):
        return "X'00'"
    return "'\"forged\"'"


@pytest.mark.parametrize(
    ("table", "column"),
    [(t.name, c.name) for t in BOUND.values() for c in t.columns],
)
def test_an_update_of_any_column_is_found(store, table, column):
    with raw(store) as con:
        value = "99" if column == "number" else changed(BOUND[table].columns[column])
        first = f"(SELECT min(rowid) FROM {table})"
        con.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = {first}")
    report = audit.verify(store)
    assert not report.holds and table in report.problem, report
    assert report.first_broken is None and report.changed


@pytest.mark.parametrize("table", BOUND)
def test_an_insert_is_found(store, table):
    with raw(store) as con:
        columns = [c.name for c in BOUND[table].columns]
        key = next(iter(BOUND[table].primary_key)).name
        other = "(SELECT max(number) + 7 FROM shown_groups)" if key == "number" else "'forged'"
        if table == "shown_groups":
            columns_sql = [other if c == key else "'f'" if c == "fingerprint" else c for c in columns]
        else:
            columns_sql = [other if c == key else c for c in columns]
        con.execute(f"INSERT INTO {table} SELECT {', '.join(columns_sql)} FROM {table} LIMIT 1")
    report = audit.verify(store)
    assert not report.holds and table in report.problem and "no entry" in report.problem


@pytest.mark.parametrize("table", BOUND)
def test_a_deletion_and_an_emptied_table_are_found(store, table):
    with raw(store) as con:
        con.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
        report = audit.verify(store)
        assert not report.holds and table in report.problem, report
        con.execute(f"DELETE FROM {table}")
    assert not audit.verify(store).holds


@pytest.mark.parametrize("table", BOUND)
def test_yesterdays_copy_of_a_table_is_found(tmp_path, table):
    store = open_store(tmp_path)
    fill(store)
    with raw(store) as con:
        con.execute(f"CREATE TABLE yesterday AS SELECT * FROM {table}")
    directory = Directory.load()
    service = replace(directory.service("pipeline"), scopes=frozenset({"propose", "execute"}))
    fresh = [
        row | {"recommendation_id": f"n{i}", "product_id": f"q{i}"} for i, row in enumerate(proposals(2))
    ]
    propose(store, service, fresh, now=LATER)
    decide(store, directory.user("planner_east"), "n0", "approve", now=LATER, idempotency_key="later")
    issue(store, directory, LATER)
    review(store, directory.user("ml_reviewer"), "3", LATER)
    groups = [Disclosure(np.full(BUCKETS, 9, dtype=np.uint64), True)]
    StoredHistory(store).add(DisclosureHistory(2), "executive", "sales", groups, now=LATER)
    assert audit.verify(store).holds, audit.verify(store)
    with raw(store) as con:
        con.execute(f"DELETE FROM {table}")
        con.execute(f"INSERT INTO {table} SELECT * FROM yesterday")
    report = audit.verify(store)
    assert not report.holds and table in report.problem
    store.close()


def test_yesterdays_copy_of_everything_is_found_by_the_second_anchor(tmp_path):
    second = tmp_path / "elsewhere" / "heads"
    store = open_store(tmp_path, second_anchor=second)
    fill(store)
    with raw(store) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    names = ("ops.db", "ops.db.audit-anchor")
    yesterday = {name: (tmp_path / name).read_bytes() for name in names}
    with store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("x", "y", "z"), now=LATER)
    assert audit.verify(store).holds
    store.close()
    for name, body in yesterday.items():
        (tmp_path / name).write_bytes(body)
    for log in ("ops.db-wal", "ops.db-shm"):
        (tmp_path / log).unlink(missing_ok=True)
    assert audit.verify(open_store(tmp_path)).holds, "beside it nothing shows"
    report = audit.verify(open_store(tmp_path, second_anchor=second))
    assert not report.holds and "tail was cut" in report.problem


def test_a_second_anchor_that_cannot_be_written_stops_the_write(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db", keys=KEYS, second_anchor=blocked / "heads")
    with pytest.raises(StoreUnavailableError, match="anchor"):
        upgrade(store)


def test_an_entry_with_its_own_plain_hash_does_not_pass(store):
    """What was enough to forge before: append a row, hash it, and write its head into the anchor."""
    from governance.store.chain import seal_of

    with raw(store) as con:
        con.row_factory = sqlite3.Row
        last = dict(con.execute("SELECT * FROM audit_log ORDER BY seq DESC LIMIT 1").fetchone())
        for key_id in (None, last["key_id"]):
            forged = last | {
                "seq": last["seq"] + 1,
                "previous_hash": last["hash"],
                "object_id": "recommendation.r5",
            }
            forged |= {"key_id": key_id, "rows": None}
            forged["hash"] = seal_of(forged, None)
            names = ", ".join(f'"{name}"' for name in forged)
            con.execute(f"INSERT INTO audit_log ({names}) VALUES ({', '.join('?' * len(forged))})",
                        list(forged.values()))  # fmt: skip
            with store.anchor.path.open("a") as file:
                file.write(f"{forged['seq']} {forged['hash']}\n")
            report = audit.verify(store)
            assert not report.holds and report.first_broken == forged["seq"], report
            con.execute("DELETE FROM audit_log WHERE seq = ?", [forged["seq"]])
            lines = store.anchor.path.read_text().splitlines()[:-1]
            store.anchor.path.write_text("\n".join(lines) + "\n")


def test_a_chain_rewritten_with_another_key_does_not_pass(store):
    other = AuditKeys.from_secrets(["an intruder's own"])
    store.keys = AuditKeys((*other.keys, *KEYS.keys))  # even if the intruder's key were trusted for rows
    from governance.store.chain import seal_of

    with raw(store) as con:
        con.row_factory = sqlite3.Row
        row = dict(con.execute("SELECT * FROM audit_log ORDER BY seq DESC LIMIT 1").fetchone())
        row |= {"key_id": other.current.key_id, "actor": "nobody"}
        con.execute("UPDATE audit_log SET key_id = ?, actor = 'nobody', hash = ? WHERE seq = ?",
                    [row["key_id"], seal_of(row, other.current), row["seq"]])  # fmt: skip
        store.anchor.path.write_text(f"{row['seq']} {seal_of(row, other.current)}\n")
    assert "which no entry has named" in audit.verify(store).problem


def test_without_the_key_nothing_is_verified_or_written(store, tmp_path):
    for keys in (None, AuditKeys.from_secrets(["another"])):
        blind = OpsStore(store.url, keys=keys)
        report = audit.verify(blind)
        assert not report.holds and KEYS.current.key_id in report.problem
        with pytest.raises(AuditBrokenError, match=KEYS.current.key_id), blind.write() as transaction:
            audit.append(transaction, audit.AuditEntry("x", "y", "z"), now=NOW)
        blind.close()
    assert audit.verify(store).holds


def test_an_unkeyed_chain_is_closed_by_the_first_keyed_entry(tmp_path):
    plain = open_store(tmp_path, keys=None)
    fill(plain)
    before = audit.verify(plain)
    assert before.holds and before.keyed_from is None
    plain.close()
    store = open_store(tmp_path)
    with store.write() as transaction:
        seq = audit.append(transaction, audit.AuditEntry("x", "first keyed", "z"), now=NOW)
    assert seq == before.rows + 2
    report = audit.verify(store)
    assert report.holds and report.keyed_from == before.rows + 1 and report.rows == seq
    closing_entry = next(e for e in audit.read(store, limit=5).items if e["action"] == "audit.close_unkeyed")
    assert closing_entry["after"]["verified_rows"] == before.rows
    with raw(store) as con:
        con.execute("UPDATE decisions SET quantity_units = 9999999")
    assert "decisions" in audit.verify(store).problem, "rows of before are bound by the closing entry"
    with raw(store) as con:
        con.execute("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2")
    assert audit.verify(store).first_broken == 2
    store.close()


def test_a_broken_chain_is_not_closed(tmp_path):
    plain = open_store(tmp_path, keys=None)
    fill(plain)
    with raw(plain) as con:
        con.execute("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2")
    store = open_store(tmp_path)
    with pytest.raises(AuditBrokenError, match="Audit row 2"), store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("x", "y", "z"), now=NOW)


def test_a_key_is_followed_by_another_and_the_old_one_still_verifies(store):
    before = audit.verify(store).rows
    store.keys = AuditKeys.from_secrets(["first secret", "second secret"])
    with store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("x", "y", "z"), now=NOW)
    report = audit.verify(store)
    assert report.holds and report.rows == before + 2
    newest = audit.read(store, limit=2).items
    assert [e["key_id"] for e in newest] == [store.keys.current.key_id, KEYS.current.key_id]
    assert newest[1]["action"] == "audit.rotate_key"
    store.keys = AuditKeys.from_secrets(["second secret"])
    assert KEYS.current.key_id in audit.verify(store).problem, "the retired key is needed for what it sealed"


def test_a_refused_transaction_leaves_no_entry(store):
    before = audit.verify(store)
    with pytest.raises(ZeroDivisionError), store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("x", "y", "z"), now=NOW)
        raise ZeroDivisionError
    assert audit.verify(store) == before
