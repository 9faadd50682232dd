"""A private PostgreSQL cluster on a Unix socket, that a test may start and stop."""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

_USER = "postgres" if getpass.getuser() == "root" else getpass.getuser()


class Cluster:
    """`missing` says why there can be none here. Raises CalledProcessError where PostgreSQL refuses."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="pg"))
        self.home.chmod(0o777)
        self._socket, self._data = self.home / "socket", self.home / "data"
        self._socket.mkdir()
        self._socket.chmod(0o777)
        self._run(f"initdb -D {self._data} -U steelyard --auth=trust -E UTF8")

    @staticmethod
    def missing() -> str:
        """Empty where a cluster can be made."""
        if _binaries() is None or importlib.util.find_spec("psycopg") is None:
            return "needs PostgreSQL's binaries and the psycopg driver"
        return ""

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://steelyard@/postgres?host={self._socket}"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._socket}"
        options += " -c fsync=off -c max_connections=150"
        self._run(f"pg_ctl -D {self._data} -w -l {self.home}/log -o '{options}' start")

    def stop(self) -> None:
        """As if it had lost power: connections end in the middle of what they do."""
        if (self._data / "postmaster.pid").exists():
            self._run(f"pg_ctl -D {self._data} -m immediate stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def fresh_database(self) -> str:
        """URL of a new, empty database."""
        import sqlalchemy as sa

        name = f"t{uuid.uuid4().hex}"
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url.replace("/postgres?", f"/{name}?")

    def _run(self, command: str) -> None:
        """PostgreSQL refuses to run as root."""
        command = f"{_binaries()}/{command}"
        if os.geteuid() == 0:
            command = f'su {_USER} -s /bin/sh -c "{command}"'
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)  # noqa: S602


def _binaries() -> str | None:
    found = [str(p.parent) for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    return found[-1] if found else str(Path(on_path).parent) if on_path else None
