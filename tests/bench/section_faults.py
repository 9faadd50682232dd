"""The API under ten minutes of steady load, with releases published; other faults are in `tests/faults`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import Row
from tests.faults.soak import soak

P99_MS, GROWTH_MB, GROWTH_DESCRIPTORS = 500, 40, 6


def run(*, quick: bool = False) -> Iterator[Row]:
    """Four clients; a release every ten seconds (quick: thirty seconds, one every three)."""
    with tempfile.TemporaryDirectory() as folder:
        seen = soak(Path(folder), seconds=30 if quick else 600, publish_every=3 if quick else 10)
    megabytes, descriptors = seen.growth()
    p99, mixed = seen.at(0.99), len(seen.mixed)
    yield _row("releases published under load", "", seen.publishes)
    yield _row("answers", "", len(seen.seconds))
    yield _row("errors", "", len(seen.errors), 0)
    yield _row("answers of two releases at once, or gone back", "", mixed, 0)
    yield _row("time to answer, p50", "ms", seen.at(0.5))
    yield _row("time to answer, p99", "ms", p99, P99_MS)
    yield _row("most memory", "MB", max(mb for _, mb, _ in seen.held))
    yield _row("memory gained in the last third", "MB", megabytes, GROWTH_MB)
    yield _row("most open descriptors", "", max(count for _, _, count in seen.held))
    yield _row("descriptors gained in the last third", "", descriptors, GROWTH_DESCRIPTORS)


def _row(name: str, unit: str, measured: float, target: float | None = None) -> Row:
    holds = None if target is None else measured <= target
    return Row("faults", f"soak: {name}", unit, measured, target, holds=holds)
