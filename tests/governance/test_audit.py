"""Every way to tamper with the trail is found, at the first row that shows it."""

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from governance.errors import AuditBrokenError, StoreUnavailableError
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade
from semantic.sql.quoting import literal

ROWS = 12


@pytest.fixture
def trail(sqlite_store, now):
    """Twelve rows in twelve commits; the database's own guard switched off, as an intruder would."""
    for number in range(1, ROWS + 1):
        with sqlite_store.write() as transaction:
            entry = audit.AuditEntry("planner_east", "test", f"object.{number}", after={"n": number})
            audit.append(transaction, entry, now=now)
    with _raw(sqlite_store) as con:
        con.execute("DROP TRIGGER audit_log_no_update")
        con.execute("DROP TRIGGER audit_log_no_delete")
    return sqlite_store


def _raw(store):
    return sqlite3.connect(store.engine.url.database)


def test_an_untouched_trail_holds(trail):
    assert audit.verify(trail) == audit.AuditReport(ROWS, True)


@pytest.mark.parametrize(
    "column",
    [
        *("at", "actor", "on_behalf_of", "role", "action", "object_id", "reason", "policy_ids", "request_id"),
        *("before", "after", "previous_hash", "hash"),
    ],
)
@pytest.mark.parametrize("row", [1, 6, ROWS])
def test_an_edit_of_any_field_is_found(trail, column, row):
    with _raw(trail) as con:
        con.execute(f"UPDATE audit_log SET {column} = 'x' WHERE seq = ?", [row])
    report = audit.verify(trail)
    assert (report.holds, report.first_broken) == (False, row)
    with pytest.raises(AuditBrokenError, match=f"Audit row {row}: {report.problem}") as broken:
        audit.check(trail)
    assert "compare it with a backup" in broken.value.hint


@pytest.mark.parametrize("row", [1, 6])
def test_a_deletion_is_found(trail, row):
    with _raw(trail) as con:
        con.execute("DELETE FROM audit_log WHERE seq = ?", [row])
    assert audit.verify(trail).first_broken == row


def test_a_closed_gap_is_found(trail):
    with _raw(trail) as con:
        con.execute("DELETE FROM audit_log WHERE seq = 6")
        con.execute("UPDATE audit_log SET seq = -seq WHERE seq > 6")
        con.execute("UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0")
    assert audit.verify(trail).first_broken == 6


def test_a_swap_is_found(trail):
    with _raw(trail) as con:
        for old, new in ((4, -1), (9, 4), (-1, 9)):
            con.execute("UPDATE audit_log SET seq = ? WHERE seq = ?", [new, old])
    assert audit.verify(trail).first_broken == 4


def test_an_insertion_is_found(trail):
    with _raw(trail) as con:
        con.execute("UPDATE audit_log SET seq = -seq WHERE seq > 6")
        con.execute("UPDATE audit_log SET seq = -seq + 1 WHERE seq < 0")
        con.execute(
            "INSERT INTO audit_log SELECT 7, at, actor, on_behalf_of, role, action, 'object.new', reason, "
            "policy_ids, request_id, before, after, hash, hash, NULL, NULL FROM audit_log WHERE seq = 6"
        )
    assert audit.verify(trail).first_broken == 7


@pytest.mark.parametrize("keep", [0, 1, ROWS - 1])
def test_a_cut_tail_is_found(trail, keep):
    with _raw(trail) as con:
        con.execute("DELETE FROM audit_log WHERE seq > ?", [keep])
    report = audit.verify(trail)
    assert (report.holds, report.first_broken) == (False, keep + 1)
    assert "tail was cut" in report.problem


@pytest.mark.parametrize("first", [1, 5, ROWS])
def test_a_rewritten_chain_is_found(trail, tmp_path, now, first):
    """The intruder knows the code and reseals every row from `first` on."""
    forged = OpsStore(f"sqlite:///{tmp_path}/forged/ops.db")
    upgrade(forged)
    for number in range(1, ROWS + 1):
        who = "planner_east" if number < first else "somebody_else"
        with forged.write() as transaction:
            entry = audit.AuditEntry(who, "test", f"object.{number}", after={"n": number})
            audit.append(transaction, entry, now=now)
    forged.close()
    with _raw(trail) as con:
        con.execute(f"ATTACH {literal(forged.engine.url.database)} AS forged")
        con.execute("DELETE FROM audit_log")
        con.execute("INSERT INTO audit_log SELECT * FROM forged.audit_log")
    report = audit.verify(trail)
    assert (report.holds, report.first_broken) == (False, first)
    assert "rewritten" in report.problem


def test_a_lost_or_forged_anchor_is_found(trail):
    path = Path(trail.anchor.path)
    anchored = path.read_text()
    path.unlink()
    assert not audit.verify(trail).holds
    path.write_text(anchored + f"3 {'0' * 64}\n")
    assert not audit.verify(trail).holds


def test_a_store_killed_before_its_first_head_was_anchored_holds(store, now, monkeypatch):
    monkeypatch.setattr(store, "_anchor", lambda head: None)  # as far as a killed process comes
    with store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("a", "b", "c"), now=now)
    assert audit.verify(store) == audit.AuditReport(1, True)
    Path(store.anchor.path).unlink()
    assert not audit.verify(store).holds


def test_a_trail_that_is_written_meanwhile_holds(sqlite_store, now, monkeypatch):
    """Somebody acts between the two reads of a verification: no false alarm."""

    def act():
        with sqlite_store.write() as transaction:
            audit.append(transaction, audit.AuditEntry("a", "b", "c"), now=now)

    act()
    leading_hashes, read = sqlite_store.anchor.leading_hashes, sqlite_store.read

    def leading_hashes_then_act():
        anchored = leading_hashes()
        act()
        return anchored

    def read_then_act():
        with read() as conn:
            yield conn
        act()

    monkeypatch.setattr(sqlite_store.anchor, "leading_hashes", leading_hashes_then_act)
    monkeypatch.setattr(sqlite_store, "read", contextlib.contextmanager(read_then_act))
    assert audit.verify(sqlite_store) == audit.AuditReport(2, True)


def test_the_database_itself_refuses_changes(store, now):
    with store.write() as transaction:
        audit.append(transaction, audit.AuditEntry("a", "b", "c"), now=now)
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises((StoreUnavailableError, SQLAlchemyError)), store.write() as transaction:
            transaction.conn.execute(text(statement))
    assert audit.verify(store) == audit.AuditReport(1, True)


def test_nothing_happens_when_the_anchor_cannot_be_written(tmp_path, now):
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db", anchor=blocked / "anchor")
    with pytest.raises(StoreUnavailableError):
        upgrade(store)


def test_ten_times_the_rows_take_about_ten_times_as_long_to_verify(sqlite_store, now):
    """Both counts in this run, processor time: 40 would already be far from linear, quadratic is 100."""
    took = []
    for added in (10_000, 90_000):
        entries = [audit.AuditEntry("service:x", "test", f"o.{n}", after={"n": n}) for n in range(added)]
        with sqlite_store.write() as transaction:
            audit.append_many(transaction, entries, now=now)
        started = time.process_time()
        report = audit.verify(sqlite_store)
        took.append(time.process_time() - started)
    assert report == audit.AuditReport(100_000, True)
    assert took[1] < 40 * took[0]


def test_pages_run_from_new_to_old(trail):
    first = audit.read(trail, limit=5)
    second = audit.read(trail, limit=20, cursor=first.next_cursor)
    assert [row["seq"] for row in (*first.items, *second.items)] == list(range(ROWS, 0, -1))
    assert second.next_cursor is None
