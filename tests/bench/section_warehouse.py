"""The warehouse alone: the demo built in full, a synthetic retailer at three sizes, a file of 5 GB.

One process a step. Between the sizes only the sales lines grow; stores, products, weeks and the ledger of
best sellers stay.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from api.pipeline.build import build_step, ingest_step
from api.pipeline.step_process import Outcome, run_in_subprocess
from api.settings import Settings
from governance.progress import Progress
from integrations.synthetic import Size, write_retailer
from tests.bench.rows import Row

DEMO_BUILD_SECONDS = 60
SIZES = (1_000_000, 10_000_000, 100_000_000)
QUICK_SIZES = (100_000, 300_000)
PEAK_MB = 16 * 1024
BUILD_MEMORY = "8GB"  # for the largest size; DuckDB spills beyond it
CSV_LINES, QUICK_CSV_LINES = 40_000_000, 400_000  # 5 GB, 50 MB
CSV_PEAK_MB = 2048


def run(*, quick: bool) -> Iterator[Row]:
    """The demo's landing must be there (`make pipeline` fills it); it is read, never written.

    Quick mode builds small synthetic retailers only.
    """
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            yield from _demo(Path(folder))
    seconds = {}
    sizes = QUICK_SIZES if quick else SIZES
    for lines in sizes:
        with tempfile.TemporaryDirectory() as folder:
            steps = _synthetic(Path(folder), lines)
        seconds[lines] = sum(step.seconds for step in steps.values())
        yield from _rows(lines, steps, seconds[lines])
    for small, large in itertools.pairwise(sizes):
        growth = seconds[large] / seconds[small]
        name = f"time at {_millions(large)} ÷ time at {_millions(small)} lines"
        yield Row("warehouse", name, "×", growth, large / small, holds=growth <= large / small)
    with tempfile.TemporaryDirectory() as folder:
        yield from _one_large_file(Path(folder), QUICK_CSV_LINES if quick else CSV_LINES)


def _demo(folder: Path) -> Iterator[Row]:
    """A release of the demo's landing from nothing: models, tests, lineage, seal."""
    (folder / "landing").symlink_to(Settings().landing.resolve())
    done = _child(build_step, Settings(var_dir=folder))
    holds = done.seconds <= DEMO_BUILD_SECONDS
    yield Row("warehouse", "demo: full build", "s", done.seconds, DEMO_BUILD_SECONDS, holds=holds)
    yield Row("warehouse", "demo: peak memory", "MB", done.peak_mb)


def _one_large_file(folder: Path, lines: int) -> Iterator[Row]:
    """Sales lines as one CSV file through ingest, in bounded memory."""
    _child(_write_csv_step, folder / "in", lines)
    size = sum(path.stat().st_size for path in (folder / "in" / "sales_lines").iterdir()) / 1e9
    done = _child(ingest_step, Settings(var_dir=folder / "var", source=str(folder / "in")))
    name = f"{size:.1f} GB of CSV, {_millions(lines)} lines: ingest"
    yield Row("warehouse", name, "s", done.seconds)
    holds = done.peak_mb <= CSV_PEAK_MB and done.result.rows_quarantined == 0
    yield Row("warehouse", f"{name}, peak memory", "MB", done.peak_mb, CSV_PEAK_MB, holds=holds)


def _write_csv_step(folder: Path, lines: int, report: Progress) -> None:
    write_retailer(folder, Size(sales_lines=lines, ledger_products=5), form="csv")


def _synthetic(folder: Path, lines: int) -> dict[str, Outcome[Any]]:
    settings = Settings(var_dir=folder / "var", source=str(folder / "in"), build_memory=BUILD_MEMORY)
    return {
        "write": _child(write_step, folder / "in", lines),
        "ingest": _child(ingest_step, settings),
        "build": _child(build_step, settings),
    }


def write_step(folder: Path, lines: int, report: Progress) -> None:
    """Contract tables of a retailer of `lines` sales lines, as Parquet."""
    write_retailer(folder, Size(sales_lines=lines), progress=report)


def _child(step: Callable[..., Any], *arguments: object) -> Outcome[Any]:
    return run_in_subprocess(step, arguments, lambda *what: None)


def _rows(lines: int, steps: dict[str, Outcome[Any]], seconds: float) -> Iterator[Row]:
    size = f"{_millions(lines)} sales lines"
    for name, step in steps.items():
        yield Row("warehouse", f"{size}: {name}", "s", step.seconds)
        yield Row("warehouse", f"{size}: {name}, peak memory", "MB", step.peak_mb)
    yield Row("warehouse", f"{size}: all three", "s", seconds)
    peak = max(step.peak_mb for step in steps.values())
    yield Row("warehouse", f"{size}: peak memory", "MB", peak, PEAK_MB, holds=peak <= PEAK_MB)


def _millions(lines: int) -> str:
    return f"{lines / 1e6:g} M"
