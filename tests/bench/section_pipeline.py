"""The main job on the whole demo: a first run from nothing, then a second with nothing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.places import VAR
from tests.bench.rows import Row

FIRST_RUN_SECONDS = 300
SECOND_RUN_SECONDS = 20
PEAK_MB = 4096


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode measures the second run only, on the state that is there."""
    if quick:
        yield _second(_pipeline(VAR))
        return
    with tempfile.TemporaryDirectory() as folder:
        first = _pipeline(Path(folder))
        for step in first["steps"]:
            yield Row("pipeline", f"{step['step']}: time", "s", step["seconds"])
            yield Row("pipeline", f"{step['step']}: peak memory", "MB", step["peak_mb"])
        seconds, peak = first["wall_seconds"], max(step["peak_mb"] for step in first["steps"])
        yield Row(
            "pipeline", "first run", "s", seconds, FIRST_RUN_SECONDS, holds=seconds <= FIRST_RUN_SECONDS
        )
        yield Row("pipeline", "peak memory of a step", "MB", peak, PEAK_MB, holds=peak <= PEAK_MB)
        yield _second(_pipeline(Path(folder)))


def _second(report: dict[str, Any]) -> Row:
    seconds = report["wall_seconds"]
    return Row(
        "pipeline",
        "second run, nothing changed",
        "s",
        seconds,
        SECOND_RUN_SECONDS,
        holds=seconds <= SECOND_RUN_SECONDS,
    )


def _pipeline(var_dir: Path) -> dict[str, Any]:
    started = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "steelyard"), "pipeline", "run", "--json"],
        env=os.environ | {"STEELYARD_VAR_DIR": str(var_dir)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout) | {"wall_seconds": time.monotonic() - started}
