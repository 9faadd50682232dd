"""The audit's key and anchors as settings name them, and a key that follows another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.doctor import Level
from api.doctor.state import check_audit, check_audit_key
from api.errors import SettingsInvalidError
from api.services.ops_store import audit_keys, open_ops_store
from api.settings import Settings
from governance.store.audit import AuditEntry, append, verify
from tests.conftest import ROOT
from tests.governance.conftest import NOW


@pytest.fixture
def demo(tmp_path):
    return Settings(var_dir=tmp_path / "var")


def write(settings):
    store = open_ops_store(settings)
    with store.write() as transaction:
        append(transaction, AuditEntry("x", "y", "z"), now=NOW)
    report = verify(store)
    store.close()
    return report


def test_the_demo_makes_its_key_and_says_that_it_is_beside(demo):
    assert audit_keys(demo, create=False) is None and not demo.var_dir.exists()
    assert write(demo).keyed_from == 1
    path = demo.var_dir / "keys" / "audit"
    assert path.stat().st_mode & 0o777 == 0o600
    (finding,) = check_audit_key(demo)
    assert finding.level is Level.OK and "beside" in finding.message
    (finding,) = check_audit_key(demo.model_copy(update={"mode": "production"}))
    assert finding.level is Level.WARNING and "STEELYARD_AUDIT_KEY_FILE" in finding.hint


def test_a_key_file_elsewhere(demo, tmp_path):
    path = tmp_path / "secrets" / "audit"
    production = demo.model_copy(update={"mode": "production", "audit_key_file": path})
    with pytest.raises(SettingsInvalidError, match="there is no file"):
        open_ops_store(production)
    path.parent.mkdir()
    path.write_text("a secret\n".replace(" ", "-"))
    path.chmod(0o644)
    with pytest.raises(SettingsInvalidError, match="can be read by others"):
        open_ops_store(production)
    path.chmod(0o600)
    assert write(production).keyed_from == 1
    (finding,) = check_audit_key(production)
    assert finding.level is Level.OK and "apart" in finding.message
    path.write_text("")
    with pytest.raises(SettingsInvalidError, match="empty"):
        open_ops_store(production)


def test_keys_from_the_environment_rotate_by_adding_one(demo):
    first = Settings(var_dir=demo.var_dir, audit_key="one")
    assert write(first).holds
    both = Settings(var_dir=demo.var_dir, audit_key="one two")
    report = write(both)
    assert report.holds and report.rows == 3
    assert not list((demo.var_dir).glob("keys/audit"))


def test_a_second_anchor_may_be_a_folder(demo, tmp_path):
    (tmp_path / "far").mkdir()
    write(demo.model_copy(update={"audit_anchor": tmp_path / "far"}))
    beside = demo.var_dir / "ops.db.audit-anchor"
    lines = (tmp_path / "far" / "ops.audit-anchor").read_text().splitlines()
    assert lines and lines[-1] == beside.read_text().splitlines()[-1]


def test_doctor_names_a_row_that_was_edited(demo):
    from governance.identity import Directory, issue_service_key
    from tests.governance.test_keyed_audit import raw

    store = open_ops_store(demo)
    import datetime as dt

    issue_service_key(
        store, "pipeline", scopes={"propose"}, lifetime=dt.timedelta(days=1), created_by="operator:x",
        directory=Directory.load(), now=NOW,
    )  # fmt: skip
    (finding,) = check_audit(demo)
    assert finding.level is Level.OK, finding
    with raw(store) as con:
        con.execute("UPDATE service_keys SET expires_at = '2099-01-01 00:00:00.000000'")
    store.close()
    (finding,) = check_audit(demo)
    assert finding.level is Level.FAILED and "service_keys" in finding.message


def steelyard(settings, *arguments):
    done = subprocess.run(
        [str(Path(sys.executable).parent / "steelyard"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"STEELYARD_VAR_DIR": str(settings.var_dir), "PYTHONPATH": str(ROOT), "PATH": os.defpath},
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands(demo):
    write(demo)
    status, out, err = steelyard(demo, "audit", "rotate-key", "--json")
    assert status == 0 and json.loads(out)["keys"] == 2, err
    status, out, err = steelyard(demo, "audit", "verify", "--json")
    report = json.loads(out)
    assert status == 0 and report["holds"] and report["rows"] == 3, err
    status, out, err = steelyard(demo, "audit", "verify")
    assert status == 0 and "sealed by a key from row 1" in out
    (demo.var_dir / "keys" / "audit").write_text("another")
    status, out, err = steelyard(demo, "audit", "verify")
    assert status == 1 and "not at hand" in out + err
