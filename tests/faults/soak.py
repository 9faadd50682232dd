"""The API under a steady load while new releases are published: what it answers, holds open and takes.

A real server process on a loopback port. Every number in the n-th release is n (`two_releases`), so an answer
that mixes two releases, or an older one after a newer, shows in itself.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from api.auth.sign_in import local_issuer
from api.settings import Settings
from governance.releases import ReleaseStore
from tests.conftest import ROOT
from tests.faults.two_releases import add_release, two_releases

QUERY = {"metrics": ["generation", "least_generation", "units"], "group_by": ["metric_time__day"]}


@dataclass
class Soak:
    """What was seen. Memory in MB and open descriptors of the server, as (seconds, MB, descriptors)."""

    publishes: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    samples: list[tuple[float, float, int]] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Quantile of the time to answer, in milliseconds."""
        return 1e3 * statistics.quantiles(self.seconds, n=1000)[round(share * 1000) - 1]

    def growth(self) -> tuple[float, int]:
        """MB and descriptors: the most of the last third above the most of the middle third.

        The first third fills caches and keeps its releases open; a leak goes on growing after it.
        """
        third = len(self.samples) // 3
        middle, last = self.samples[third : 2 * third], self.samples[2 * third :]
        return (
            max(mb for _, mb, _ in last) - max(mb for _, mb, _ in middle),
            max(open_ for _, _, open_ in last) - max(open_ for _, _, open_ in middle),
        )


def soak(root: Path, *, seconds: float, publish_every: float, clients: int = 4, pause: float = 0.02) -> Soak:
    """Ask for `seconds`, publishing anew every `publish_every`; older releases than the last two are pruned.

    Each client waits `pause` seconds between requests: a steady load, not the most there can be.
    """
    two_releases(root)
    seen, stop = Soak(), threading.Event()
    with _server(root) as (url, process):
        token = local_issuer(Settings(var_dir=root)).issue("executive", now=datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        threads = [
            threading.Thread(target=_query_until, args=(url, headers, seen, stop, pause))
            for _ in range(clients)
        ]
        for thread in threads:
            thread.start()
        _publish(ReleaseStore(root), process.pid, seen, seconds, publish_every)
        stop.set()
        for thread in threads:
            thread.join(60)
        assert process.poll() is None, "the server ended"
    return seen


def _publish(store: ReleaseStore, pid: int, seen: Soak, seconds: float, every: float) -> None:
    started, number, due = time.monotonic(), 2, every
    while (passed := time.monotonic() - started) < seconds:
        if passed >= due:
            number, due = number + 1, due + every
            store.publish(add_release(store, number))
            store.prune(keep=2)
            seen.publishes += 1
        seen.samples.append((passed, *_resources(pid)))
        time.sleep(0.25)


def _query_until(url: str, headers: dict[str, str], seen: Soak, stop: threading.Event, pause: float) -> None:
    newest = 0
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        while not stop.is_set():
            started = time.perf_counter()
            try:
                answer = client.post("/v1/query", json=QUERY)
            except httpx.HTTPError as error:
                seen.errors.append(repr(error))
                continue
            seen.seconds.append(time.perf_counter() - started)
            if answer.status_code != 200:
                seen.errors.append(f"{answer.status_code} {answer.text[:200]}")
                continue
            body = answer.json()
            number = int(body["release"].partition("-")[2])
            names = [column["name"] for column in body["columns"]]
            most, least = names.index("generation"), names.index("least_generation")
            if {value for row in body["rows"] for value in (row[most], row[least])} != {number}:
                seen.mixed.append(f"release {number}: {body['rows'][:2]}")
            if number < newest:
                seen.mixed.append(f"release {number} after {newest}")
            newest = max(newest, number)
            stop.wait(pause)


@contextmanager
def _server(root: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--log-level", "error"]
    environment = {
        "STEELYARD_VAR_DIR": str(root), "STEELYARD_REQUESTS_PER_MINUTE": "1000000", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process, root / "server.log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer within 90 s")


def _resources(pid: int) -> tuple[float, int]:
    """Resident memory in MB, and open descriptors."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir()))
