"""What the command line costs before it does anything: processor time beside its libraries alone.

Each command and its peer run in turn, five times; medians of user and system time, as the kernel counts them
for the child. Processor time does not depend on what else the machine is doing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.places import VAR
from tests.bench.rows import Row

STEELYARD = (sys.executable, "-c", "from api.cli import main; main()")
TYPER = (sys.executable, "-c", "import typer, rich")
QUERY = ("-m", "net_sales", "-g", "location__region")
_BARE_QUERY = Path(__file__).with_name("bare_query.py")
_MOST = {"help": 3.0, "query": 2.0}  # times the processor time of the libraries that are needed


def run(*, quick: bool = False) -> Iterator[Row]:
    """On the demo's release."""
    turns = 3 if quick else 5
    sql = subprocess.run(
        [*STEELYARD, "metric", "sql", *QUERY], capture_output=True, text=True, check=True, env=_environment()
    ).stdout
    bare_query = (sys.executable, str(_BARE_QUERY), str(VAR / "current" / "warehouse.duckdb"), sql)
    yield _row("steelyard --help, beside Typer and Rich", (*STEELYARD, "--help"), TYPER, _MOST["help"], turns)
    for name, arguments in (
        ("metric query", ("query", *QUERY)),
        ("metric query --as planner_east", ("query", *QUERY, "--as", "planner_east")),
        ("metric list", ("list",)),
    ):
        yield _row(
            f"steelyard {name}, beside the same SQL on bare libraries",
            (*STEELYARD, "metric", *arguments),
            bare_query,
            _MOST["query"],
            turns,
        )


def _row(name: str, command: tuple[str, ...], peer: tuple[str, ...], most: float, turns: int) -> Row:
    """`ratio` is of the medians; it holds up to `most`."""
    ours, theirs = [], []
    for turn in range(turns + 1):
        measured = processor_seconds(command), processor_seconds(peer)
        if turn:  # the first turn fills the disk's cache and Python's
            ours.append(measured[0])
            theirs.append(measured[1])
    seconds, bare = statistics.median(ours), statistics.median(theirs)
    ratio = seconds / bare
    return Row("cli", name, "s", seconds, f"≤ {most:g} × peer", bare, ratio, ratio <= most)


def processor_seconds(command: tuple[str, ...]) -> float:
    """User and system time of one run. Raises CalledProcessError if it fails."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_environment()) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    return os.environ | {"STEELYARD_VAR_DIR": str(VAR), "COLUMNS": "200"}
