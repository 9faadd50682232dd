"""`steelyard doctor`: sound on the demo, and every planted ailment found and named."""

import json
import shutil
import socket
from datetime import UTC, datetime

import pytest

from api.auth.secret import secret_in
from api.doctor import CHECKS, Level, examine
from api.doctor.machine import check_packages, check_ports, check_superset
from api.doctor.models import check_forecasts, check_models
from api.doctor.safety import check_secrets, check_settings
from api.doctor.state import check_audit, check_release, check_store
from api.services.ops_store import audit_keys
from api.settings import Settings
from governance.store import OpsStore
from governance.store.audit import AuditEntry, append
from governance.store.migrate import newest_revision, upgrade


@pytest.fixture
def ours(settings, tmp_path):
    """The demo's releases and models beside a state folder that a test may damage."""
    for name in ("releases", "mlflow", "current"):
        (tmp_path / name).symlink_to((settings.var_dir / name).resolve())
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(f"releases/{(settings.var_dir / 'current').resolve().name}")
    return Settings(var_dir=tmp_path)


def only(check, settings):
    (finding,) = check(settings)
    return finding


def failed(findings):
    return [f.subject for f in findings if f.level is Level.FAILED]


def test_the_demo_is_sound(cli):
    status, out, _ = cli("doctor")
    findings = json.loads(out)["findings"]
    assert status == 0, [f for f in findings if f["level"] != "ok"]
    assert {"release", "packages", "ops store", "model demand", "forecasts"} <= {
        f["subject"] for f in findings
    }
    assert {f["level"] for f in findings if f["subject"] in {"release", "model demand"}} == {"ok"}


def test_nothing_built_is_told_with_the_next_step_and_nothing_is_made(tmp_path):
    empty = Settings(var_dir=tmp_path / "var", api_port=1, mlflow_port=1, superset_port=1)
    findings = list(examine(empty))
    assert failed(findings) == ["release"]
    assert "make pipeline" in next(f.hint for f in findings if f.subject == "release")
    assert not empty.var_dir.exists()


def test_a_check_that_cannot_look_says_so(ours, monkeypatch):
    monkeypatch.setattr("api.doctor.machine.shutil.disk_usage", lambda _: 1 / 0)
    findings = [f for f in examine(ours) if f.subject == "machine"]
    assert [f.level for f in findings] == [Level.FAILED] and "ZeroDivisionError" in findings[0].message
    assert len(CHECKS) > 5


def test_a_package_of_another_version(ours, tmp_path, monkeypatch):
    pins = tmp_path / "pins.txt"
    pins.write_text(
        "# pinned\nduckdb==0.0.1\nno-such-package==1.0\nwindows-only==1 ; sys_platform == 'win32'\n"
    )
    monkeypatch.setattr("api.doctor.machine._PINS", pins)
    finding = only(check_packages, ours)
    assert finding.level is Level.FAILED
    assert "(pinned 0.0.1)" in finding.message and "no-such-package missing" in finding.message
    assert "windows-only" not in finding.message


def test_superset_missing(ours, tmp_path):
    finding = only(check_superset, ours.model_copy(update={"superset_venv": tmp_path / "none"}))
    assert finding.level is Level.WARNING and "make setup-superset" in finding.hint


def test_a_taken_port(ours):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        finding = only(
            check_ports, ours.model_copy(update={"api_port": port, "mlflow_port": 1, "superset_port": 1})
        )
    assert (
        finding.level is Level.WARNING
        and str(port) in finding.message
        and "STEELYARD_API_PORT" in finding.hint
    )


def test_settings_that_let_anybody_in(ours):
    assert failed(check_settings(ours)) == []
    assert failed(check_settings(ours.model_copy(update={"host": "0.0.0.0"}))) == ["settings"]  # noqa: S104
    assert failed(examine(ours.model_copy(update={"mode": "production"})))[0] == "settings"


def test_a_secret_that_others_can_read(ours):
    path = ours.var_dir / "keys" / "review_forms"
    secret_in(path)
    assert failed(check_secrets(ours)) == []
    path.chmod(0o644)
    finding = only(check_secrets, ours)
    assert finding.level is Level.FAILED and "chmod 600" in finding.hint and "review_forms" in finding.message


def test_a_damaged_release(ours, release_dir):
    releases = ours.var_dir / "releases"
    releases.unlink()
    shutil.copytree(
        release_dir, releases / release_dir.name, ignore=shutil.ignore_patterns("warehouse.duckdb")
    )
    (releases / release_dir.name / "warehouse.duckdb").symlink_to(release_dir / "warehouse.duckdb")
    assert failed(check_release(ours)) == []
    older = releases / "20000101T000000-00000000"
    shutil.copytree(releases / release_dir.name, older, symlinks=True)
    seal = older / "release.json"
    seal.write_text(seal.read_text().replace(release_dir.name, older.name))
    assert [f.level for f in check_release(ours)] == [Level.OK]
    (older / "manifest.json").write_text("{}")
    sound, unsound = check_release(ours)
    assert sound.level is Level.OK and unsound.level is Level.WARNING and older.name in unsound.message
    (releases / release_dir.name / "manifest.json").write_text("{}")
    assert "release" in failed(examine(ours))


def test_a_store_of_an_older_version_and_an_audit_that_was_changed(ours):
    assert only(check_store, ours).message == "not there yet"
    assert list(check_audit(ours)) == []
    store = OpsStore(ours.ops_store_url)
    upgrade(store, "0001")
    finding = only(check_store, ours)
    assert (
        finding.level is Level.WARNING
        and "schema 0001" in finding.message
        and str(newest_revision()) in finding.message
    )
    upgrade(store)
    assert only(check_store, ours).level is Level.OK
    with store.write() as transaction:
        append(transaction, AuditEntry("planner", "looked", "test"), now=datetime.now(UTC))
    finding = only(check_audit, ours)
    assert finding.level is Level.WARNING and "no key has sealed them" in finding.message
    store.keys = audit_keys(ours)
    with store.write() as transaction:
        append(transaction, AuditEntry("planner", "looked", "test"), now=datetime.now(UTC))
    assert only(check_audit, ours).level is Level.OK
    with store.engine.begin() as connection:
        for trigger in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).scalars():
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        connection.exec_driver_sql("UPDATE audit_log SET actor = 'somebody'")
    store.close()
    assert only(check_audit, ours).level is Level.FAILED


def test_no_model_means_the_rule(ours):
    assert {f.level for f in check_models(ours)} == {Level.OK}
    assert only(check_forecasts, ours).level is Level.OK
    (ours.var_dir / "mlflow").unlink()
    for finding in check_models(ours):
        assert finding.level is Level.WARNING and "steelyard model review" in finding.hint
