"""Stores of both kinds, a fixed clock, the demo's people, and proposals to decide on."""

import datetime as dt
import getpass
import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from governance.approvals import propose
from governance.identity import Directory
from governance.store import OpsStore

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
_POSTGRES_USER = "postgres" if getpass.getuser() == "root" else getpass.getuser()


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="session")
def directory():
    return Directory.load()


@pytest.fixture(scope="session")
def people(directory):
    return {name: directory.user(name) for name in directory.users}


@pytest.fixture(scope="session")
def pipeline(directory):
    """The service that proposes, with the scope to."""
    from dataclasses import replace

    return replace(directory.service("pipeline"), scopes=frozenset({"propose", "execute"}))


@pytest.fixture(scope="session")
def postgres():
    """A private cluster on a Unix socket, gone afterwards."""
    binaries = _postgres_binaries()
    if binaries is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs PostgreSQL's binaries and the psycopg driver")
    home = Path(tempfile.mkdtemp(prefix="pg"))
    home.chmod(0o777)
    socket = home / "socket"
    socket.mkdir(mode=0o777)
    socket.chmod(0o777)
    data = home / "data"
    try:
        _as_postgres(f"{binaries}/initdb -D {data} -U steelyard --auth=trust -E UTF8")
        options = (
            f"-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off -c max_connections=150"
        )
        _as_postgres(f"{binaries}/pg_ctl -D {data} -w -l {home}/log -o '{options}' start")
        yield f"postgresql+psycopg://steelyard@/postgres?host={socket}"
    finally:
        if (data / "postmaster.pid").exists():
            _as_postgres(f"{binaries}/pg_ctl -D {data} -m immediate stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """An empty store at this version, on each engine."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ops.db"
    else:
        url = _fresh_database(request.getfixturevalue("postgres"))
    opened = OpsStore(url, anchor=tmp_path / "anchor")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path):
    opened = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def proposal():
    """Fields of a reorder in the East; keywords change them."""

    def make(key: str = "r1", **changes):
        row = {
            "recommendation_id": key,
            "action": "reorder",
            "product_id": f"p-{key}",
            "product_name": "Milk",
            "location_id": "367",
            "region": "East",
            "department": "GROCERY",
            "quantity_units": 24.0,
            "expected_margin_usd": 90.0,
            "expected_cash_usd": 500.0,
            "confidence": 0.9,
            "model_name": "demand",
            "model_version": "3",
        }
        return row | changes

    return make


@pytest.fixture
def proposed(pipeline, proposal):
    """Propose one reorder into a store, with a planner's money unless changed."""

    def put(store, key: str = "r1", *, authors=(), model_state="champion", **changes):
        rows = [proposal(key, **changes)]
        (record,) = propose(store, pipeline, rows, now=NOW, authors=authors, model_state=model_state)
        return record

    return put


def _postgres_binaries() -> str | None:
    found = [str(p.parent) for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    return found[-1] if found else str(Path(on_path).parent) if on_path else None


def _as_postgres(command: str) -> None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        command = f'su {_POSTGRES_USER} -s /bin/sh -c "{command}"'
    subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)  # noqa: S602


def _fresh_database(url: str) -> str:
    import sqlalchemy as sa

    name = f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.replace("/postgres?", f"/{name}?")
