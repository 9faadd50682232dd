"""The API under load: what people's clients wait for, beside a FastAPI route that does nothing.

One process serves, this one calls, on the same cores: the bare route is the ceiling of both together.
Clients ask again as soon as they are answered. What is asked alternates, so that a drift of the machine
meets all alike. An answer that is not 200 ends the run.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import httpx
import numpy as np

from api.auth.sign_in import directory_of, local_issuer
from api.settings import Settings
from tests.bench.rows import Row
from tests.seeds import fixed_random

CLIENTS = (1, 16, 64)
SECONDS, TURNS = 2.0, 5
START_SECONDS = 60
P95_TARGET_MS = {1: 100, 16: 500, 64: 1_500}
"""What a page of one dashboard, of a team, of a house may wait for an answer; of our own setting."""

DIMENSIONS = ("location__region", "product__department", "metric_time__week", "metric_time__month")
METRICS = ("net_sales", "units_sold", "gross_margin", "gross_margin_rate", "stockout_rate", "inventory_value")
DAYS = [f"2017-{month:02d}-01" for month in range(1, 11)]


@dataclass(frozen=True)
class Call:
    """A kind of request. `bodies` are sent in turn; none: a GET."""

    name: str
    url: str
    bodies: Iterator[dict[str, Any] | None] = field(default_factory=lambda: itertools.repeat(None))
    headers: dict[str, str] = field(default_factory=dict)


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode measures two turns of half a second."""
    with _server("tests.bench.bare_api:app", "/bare") as bare, _steelyard() as api:
        headers = {"Authorization": f"Bearer {_token()}"}
        calls = [
            Call("bare FastAPI route", f"{bare}/bare"),
            Call("one page of recommendations", f"{api}/v1/recommendations?limit=50", headers=headers),
            Call(
                "a metric query seen before", f"{api}/v1/query", itertools.repeat(_body("net_sales")), headers
            ),
            Call("a metric query not seen before", f"{api}/v1/query", _unseen(), headers),
        ]
        turns, seconds = (2, SECONDS / 4) if quick else (TURNS, SECONDS)
        for clients in CLIENTS:
            yield from _rows(
                calls, clients, asyncio.run(_measure(calls, clients, turns, seconds)), turns * seconds
            )


def _rows(calls: list[Call], clients: int, waited: dict[str, list[float]], seconds: float) -> Iterator[Row]:
    many = f"{clients} client{'s' if clients > 1 else ''}"
    bare = np.percentile(waited[calls[0].name], (50, 95, 99))
    for call in calls:
        percentiles = np.percentile(waited[call.name], (50, 95, 99))
        product = call is not calls[0]
        for name, value, ceiling in zip(("p50", "p95", "p99"), percentiles, bare, strict=True):
            target = P95_TARGET_MS[clients] if product and name == "p95" else None
            yield Row(
                "api",
                f"{call.name}, {many}: {name}",
                "ms",
                float(value),
                target,
                peer=float(ceiling) if product else None,
                ratio=float(value / ceiling) if product else None,
                holds=None if target is None else bool(value <= target),
            )
        yield Row("api", f"{call.name}, {many}: answered", "a second", len(waited[call.name]) / seconds)


async def _measure(calls: list[Call], clients: int, turns: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds that each request waited, by what was asked. One turn before warms up."""
    waited: dict[str, list[float]] = {call.name: [] for call in calls}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for turn in range(turns + 1):
            for call in calls:
                until = time.perf_counter() + seconds
                times = await asyncio.gather(*(_client(session, call, until) for _ in range(clients)))
                if turn:
                    waited[call.name] += itertools.chain.from_iterable(times)
    return waited


async def _client(session: aiohttp.ClientSession, call: Call, until: float) -> list[float]:
    times = []
    while (started := time.perf_counter()) < until:
        body = next(call.bodies)
        method = "GET" if body is None else "POST"
        async with session.request(method, call.url, json=body, headers=call.headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"{call.name} was answered {answer.status}: {text[:500]} {body}")
        times.append(1e3 * (time.perf_counter() - started))
    return times


def _body(metric: str, by: str = "metric_time__week", first: str = DAYS[0], floor: int = 0) -> dict[str, Any]:
    where = [f"{{{{ Dimension('metric_time') }}}} >= '{first}'"]
    return {"metrics": [metric], "group_by": [by], "where": where, "limit": 100_000 - floor}


def _unseen() -> Iterator[dict[str, Any]]:
    """Questions that differ in metric, dimension, period or limit, shuffled by a seed: no cache met them."""
    kinds = list(itertools.product(METRICS, DIMENSIONS, DAYS))
    fixed_random(0).shuffle(kinds)
    for floor in itertools.count(1):
        for metric, by, first in kinds:
            yield _body(metric, by, first, floor)


@contextmanager
def _steelyard() -> Iterator[str]:
    with _server("api.app:create_app", "/healthz", "--factory") as url:
        yield url


@contextmanager
def _server(app: str, health: str, *more: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, *more, "--port", str(port), "--log-level", "warning"]
    environment = os.environ | {"STEELYARD_REQUESTS_PER_MINUTE": "100000000"}
    process = subprocess.Popen([*command, "--no-access-log"], env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}{health}", process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"{url} did not answer")


def _token() -> str:
    settings = Settings()
    issuer = local_issuer(settings)
    person = directory_of(settings).user("executive")
    return issuer.issue(person.user, now=datetime.now(UTC), lifetime=timedelta(hours=1))
