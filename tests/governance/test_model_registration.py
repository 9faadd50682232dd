"""Who trained what is in our own sealed record; what MLflow says is compared with it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from governance.approvals.model_registration import (
    ModelRegistration,
    check_registration,
    find_registration,
    record_registration,
)
from governance.errors import AuditBrokenError, ConflictError
from governance.store import OpsStore, audit
from governance.store.audit_keys import AuditKeys
from governance.store.chain import seal_of
from governance.store.migrate import upgrade

MADE = ModelRegistration("demand", "1", "svc-trainer", "d" * 64, "R1", "abc123", "f" * 64)


@pytest.fixture
def store(tmp_path):
    opened = OpsStore(f"sqlite:///{tmp_path}/ops.db", keys=AuditKeys.from_secrets(["secret"]))
    upgrade(opened)
    yield opened
    opened.close()


def test_what_was_recorded_first_counts(store, now):
    assert find_registration(store, "demand", "1") is None
    assert record_registration(store, MADE, now=now)
    assert not record_registration(store, replace(MADE, trained_by="somebody"), now=now)
    assert find_registration(store, "demand", "1") == MADE == check_registration(store, MADE)
    assert audit.verify(store).holds
    (entry,) = audit.read(store, object_id="model_version.demand/1").items
    assert (entry["actor"], entry["action"]) == ("svc-trainer", "model.register")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("trained_by", "who trained it is 'x' in MLflow and 'svc-trainer' in our record"),
        ("artifact_digest", "its artifact is 'x'"),
        ("release_id", "the data release is 'x'"),
        ("code_version", "the code version is 'x'"),
        ("fingerprint", "the fingerprint of its training is 'x'"),
    ],
)
def test_each_difference_from_mlflow_is_named(store, now, field, message):
    record_registration(store, MADE, now=now)
    with pytest.raises(ConflictError, match=message):
        check_registration(store, replace(MADE, **{field: "x"}))


def test_a_version_without_a_record_names_the_command(store):
    with pytest.raises(ConflictError, match="no record of who trained it") as refusal:
        check_registration(store, MADE)
    assert "steelyard model train" in refusal.value.hint


@pytest.mark.parametrize("how", ["edited", "edited and hashed", "inserted"])
def test_a_record_that_no_key_of_ours_sealed_is_not_believed(store, now, how):
    record_registration(store, MADE, now=now)
    with closing(sqlite3.connect(store.engine.url.database, isolation_level=None)) as con:
        con.row_factory = sqlite3.Row
        con.execute("DROP TRIGGER audit_log_no_update")
        row = dict(con.execute("SELECT * FROM audit_log WHERE action = 'model.register'").fetchone())
        row["after"] = json.dumps(json.loads(row["after"]) | {"trained_by": "nobody"})
        if how == "inserted":
            version = "2"
            row |= {
                "seq": row["seq"] + 1,
                "previous_hash": row["hash"],
                "object_id": "model_version.demand/2",
            }
            row |= {"key_id": None, "rows": None}
            row["hash"] = seal_of(row, None)
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            con.execute(f"INSERT INTO audit_log ({names}) VALUES ({marks})", list(row.values()))
        else:
            version = "1"
            digest = row["hash"] if how == "edited" else seal_of(row, None)
            con.execute('UPDATE audit_log SET "after" = ?, hash = ?', [row["after"], digest])
    with pytest.raises(AuditBrokenError, match="not sealed by a key of ours"):
        find_registration(store, "demand", version)
