"""One row of a benchmark, and how rows are kept and shown."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """`measured` against `target` (a number, or a range in words), beside `peer` in the same run.

    `ratio` is measured ÷ peer. `holds` is None where nothing was promised. Values are medians, in `unit`.
    """

    section: str
    name: str
    unit: str
    measured: float
    target: float | str | None = None
    peer: float | None = None
    ratio: float | None = None
    holds: bool | None = None


def median_ms(function: Callable[[], object], runs: int = 5) -> float:
    """Median wall time of `runs` calls after one that warms up, in milliseconds."""
    return alternate_ms([function], runs)[0]


def alternate_ms(functions: list[Callable[[], object]], runs: int = 5) -> list[float]:
    """Medians of several calls taken in turn, so that a drift of the machine meets all of them alike."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(runs + 1):
        for function, times_ms in zip(functions, times, strict=True):
            started = time.perf_counter()
            function()
            if turn:
                times_ms.append(1e3 * (time.perf_counter() - started))
    return [statistics.median(times_ms) for times_ms in times]


def keep(rows: Iterable[Row], results: Path) -> list[Row]:
    """Replace the sections just measured in `results`, leaving the others; returns all rows."""
    fresh = list(rows)
    sections = {row.section for row in fresh}
    before = [Row(**row) for row in json.loads(results.read_text())] if results.exists() else []
    everything = [row for row in before if row.section not in sections] + fresh
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps([asdict(row) for row in everything], indent=1) + "\n")
    return everything


HEAD = """# Benchmarks

Medians of alternating runs in one process; a ratio holds better than an absolute time. Shortfalls stay in.
Each section says the command that wrote it; `make bench` writes them all.
"""


def write_page(rows: list[Row], page: Path, command: str, seconds: float) -> None:
    """Put a table for each section of `rows` into the page, in place of the one before. Others stay.

    `seconds` is what the command took.
    """
    text = page.read_text() if page.exists() else HEAD
    sections = _sections(text)
    for section in dict.fromkeys(row.section for row in rows):
        lines = [
            f"`{command}`, {_duration(seconds)} on {_machine()}.",
            "",
            "| what | unit | measured | target | peer | ratio | holds |",
            "|---|---|---|---|---|---|---|",
            *(_line(row) for row in rows if row.section == section),
        ]
        sections[section] = "\n".join(lines)
    parts = [f"## {name}\n\n{sections[name]}\n" for name in sorted(sections)]
    head = ("\n" + text).partition("\n## ")[0].strip()
    page.write_text("\n".join([f"{head}\n", *parts]))


def _sections(text: str) -> dict[str, str]:
    """The sections of a page by name."""
    parts = [part.partition("\n") for part in ("\n" + text).split("\n## ")[1:]]
    return {name.strip(): body.strip() for name, _, body in parts}


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _machine() -> str:
    packages = ("duckdb", "sqlglot", "metricflow", "xgboost-cpu")
    versions = [f"Python {platform.python_version()}", *(f"{p} {metadata.version(p)}" for p in packages)]
    return f"{os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def _line(row: Row) -> str:
    verdict = {True: "yes", False: "**no**", None: ""}[row.holds]
    values = " | ".join(map(_cell, (row.measured, row.target, row.peer, row.ratio)))
    return f"| {row.name} | {row.unit} | {values} | {verdict} |"


def _cell(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:,.4g}"
