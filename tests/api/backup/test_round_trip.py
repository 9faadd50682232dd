"""What is backed up is what is restored: in place, elsewhere, while others write."""

from __future__ import annotations

import datetime as dt
import json
import os
import tarfile
import threading

import pytest

from api.backup import restore_backup, write_backup
from api.backup.manifest import MANIFEST
from api.doctor import DEEP_CHECKS, Level
from api.errors import BackupFailedError, StateNotEmptyError
from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.store import OpsStore
from governance.store.audit import AuditEntry, append, verify
from governance.store.migrate import upgrade
from integrations.errors import LandingBusyError
from integrations.ingest import only_writer
from models_ml.demand.bundle import load_bundle
from models_ml.lifecycle.champion import find_champion
from tests.api.backup.conftest import contents
from tests.postgres import Cluster
from tests.services import postgres_binaries

NOW = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
MADE_AGAIN = ("logs", "cache")


def failures(settings):
    return [f for check in DEEP_CHECKS for f in check(settings) if f.level is Level.FAILED]


def elsewhere(tmp_path, **more):
    return Settings(var_dir=tmp_path / "other place" / "var", **more)


def test_every_file_comes_back(state, tmp_path):
    report = write_backup(state, tmp_path)
    assert report.archive.stat().st_mode & 0o777 == 0o600
    before = contents(state.var_dir)
    restored = restore_backup(state, report.archive, force=True)
    after = contents(state.var_dir)
    assert {n: h for n, h in after.items() if not n.endswith(".db")} == {
        n: h for n, h in before.items() if not n.endswith(".db")
    }
    (aside,) = restored.moved_aside
    assert contents(type(tmp_path)(aside)) == before
    assert (state.var_dir / "keys" / "review_forms").stat().st_mode & 0o777 == 0o600
    assert failures(state) == []
    left = {path.name for path in tmp_path.iterdir()} - {"running", report.archive.name}
    assert left == set()


def test_a_state_goes_on_in_another_folder(state, tmp_path):
    report = write_backup(state, tmp_path / "x.tar")
    place = elsewhere(tmp_path)
    restored = restore_backup(place, report.archive)
    assert restored.moved_aside == ()
    register = {"tracking_uri": place.mlflow_uri, "artifact_root": place.mlflow_artifacts}
    champion = find_champion("demand", load_bundle, **register, last_week=53)
    assert champion.model is not None and champion.note == ""
    assert failures(place) == []
    store = open_ops_store(place)
    assert verify(store).holds and verify(store).rows > 5
    store.close()


def test_the_store_is_consistent_while_somebody_writes(state, tmp_path):
    store, stop = OpsStore(state.ops_store_url), threading.Event()
    written = []

    def write():
        while not stop.is_set():
            with store.write() as transaction:
                written.append(append(transaction, AuditEntry("service:x", "wrote", "test"), now=NOW))

    upgrade(store)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 20:
            pass
        archives = [write_backup(state, tmp_path / f"{i}.tar").archive for i in range(3)]
    finally:
        stop.set()
        writer.join()
        store.close()
    for i, archive in enumerate(archives):
        place = Settings(var_dir=tmp_path / f"restored{i}")
        restore_backup(place, archive)
        copy = OpsStore(place.ops_store_url)
        report = verify(copy)
        copy.close()
        assert report.holds and report.rows >= 20, report
        assert failures(place) == []


def test_secrets_are_left_out_on_request(state, tmp_path):
    report = write_backup(state, tmp_path / "plain.tar", secrets=False)
    with tarfile.open(report.archive) as tar:
        names = tar.getnames()
    assert not [name for name in names if "/keys/" in name]
    assert "ops/ops.db.audit-anchor" in names, "without its anchor no audit holds"
    place = elsewhere(tmp_path)
    assert restore_backup(place, report.archive).includes_secrets is False
    assert not (place.var_dir / "keys").exists()


def test_settings_are_listed_without_what_is_secret(state, tmp_path):
    secret = state.model_copy(update={
        "oidc_client_secret": "hush-1",  # pragma: allowlist secret
        "source": "postgresql://reader:hush-2@host/shop",  # pragma: allowlist secret
        "rate_limit_storage": "redis://:hush-3@host",
    })  # fmt: skip
    report = write_backup(secret, tmp_path / "x.tar")
    with tarfile.open(report.archive) as tar:
        text = tar.extractfile(MANIFEST).read().decode()
    assert "hush" not in text
    listed = json.loads(text)["settings"]
    assert listed["source"] == "postgresql://reader:***@host/shop" and listed["mode"] == "demo"


def test_an_ops_store_elsewhere_is_part_of_it(state, tmp_path):
    outside = tmp_path / "database" / "decisions.db"
    outside.parent.mkdir()
    for name in ("ops.db", "ops.db.audit-anchor"):
        (state.var_dir / name).rename(outside.parent / name.replace("ops.db", "decisions.db"))
    there = state.model_copy(update={"ops_url": f"sqlite:///{outside}"})
    archive = write_backup(there, tmp_path / "x.tar").archive
    with pytest.raises(StateNotEmptyError, match="ops store"):
        restore_backup(Settings(var_dir=tmp_path / "new", ops_url=there.ops_url), archive)
    place = elsewhere(tmp_path, ops_url=f"sqlite:///{tmp_path}/second/decisions.db")
    restore_backup(place, archive)
    store = open_ops_store(place)
    assert verify(store).holds and verify(store).rows > 5
    store.close()
    assert not (place.var_dir / "ops.db").exists()
    moved = restore_backup(place, archive, force=True).moved_aside
    assert any("decisions.db.before-restore-" in name for name in moved)


def test_where_a_backup_may_not_go(state, tmp_path):
    with pytest.raises(BackupFailedError, match="lost with what it is to save"):
        write_backup(state, state.var_dir / "x.tar")
    (tmp_path / "there.tar").touch()
    with pytest.raises(BackupFailedError, match="is there already"):
        write_backup(state, tmp_path / "there.tar")
    with pytest.raises(BackupFailedError, match="no state"):
        write_backup(elsewhere(tmp_path), tmp_path / "x.tar")
    with only_writer(state.landing), pytest.raises(LandingBusyError):
        write_backup(state, tmp_path / "x.tar")
    assert not (tmp_path / "x.tar").exists() and not list(tmp_path.glob(".*"))


def test_postgresql_without_its_tools_says_what_to_install(state, tmp_path, monkeypatch):
    monkeypatch.setattr("api.backup.databases.shutil.which", lambda tool: None)
    there = state.model_copy(update={"ops_url": "postgresql+psycopg://x@127.0.0.1:1/ops"})
    with pytest.raises(BackupFailedError, match="pg_dump is not installed") as refusal:
        write_backup(there, tmp_path / "x.tar")
    assert "postgresql-client" in refusal.value.hint


def test_postgresql_comes_back_and_the_old_schema_is_moved_aside(state, tmp_path, monkeypatch):
    binaries = postgres_binaries()
    if not (binaries / "pg_dump").exists():
        pytest.skip(f"{binaries} has no pg_dump")
    monkeypatch.setenv("PATH", str(binaries), prepend=os.pathsep)
    cluster = Cluster()
    cluster.start()
    try:
        there = state.model_copy(update={"ops_url": cluster.fresh_database()})
        store = OpsStore(there.ops_url)
        upgrade(store)
        with store.write() as transaction:
            append(transaction, AuditEntry("service:x", "wrote", "test"), now=NOW)
        archive = write_backup(there, tmp_path / "x.tar").archive
        with store.write() as transaction:
            append(transaction, AuditEntry("service:x", "later", "test"), now=NOW)
        store.close()
        with pytest.raises(StateNotEmptyError):
            restore_backup(Settings(var_dir=tmp_path / "new", ops_url=there.ops_url), archive)
        moved = restore_backup(there, archive, force=True).moved_aside
        assert any(name.startswith("schema before_restore_") for name in moved)
        store = OpsStore(there.ops_url)
        assert verify(store, require_anchor=False).rows == 1
        store.close()
        fresh = Settings(var_dir=tmp_path / "fresh", ops_url=cluster.fresh_database())
        assert restore_backup(fresh, archive).moved_aside == ()
        assert failures(fresh) == []
    finally:
        cluster.remove()
