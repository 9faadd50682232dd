"""Run benchmark sections; put their tables into `docs/benchmarks.md` and `var/bench/results.json`.

A run of all that was stopped goes on where it stopped: what this commit was measured for stays. A quick run,
of small data, leaves its tables in `var/bench/quick.md`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

import tests.bench as here
from tests.bench.places import KEPT, WAREHOUSE
from tests.bench.rows import keep, write_page

SECTIONS = [
    m.name.removeprefix("section_")
    for m in pkgutil.iter_modules(here.__path__)
    if m.name.startswith("section_")
]
RESULTS, MEASURED = KEPT / "results.json", KEPT / "measured.json"
PAGE, QUICK_PAGE = Path("docs/benchmarks.md"), KEPT / "quick.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", type=chosen, default=[], metavar="SECTIONS", help="separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller data")
    parser.add_argument("--again", action="store_true", help="also what was measured at this commit")
    arguments = parser.parse_args()
    console = Console()
    state, measured = f"{_commit()}{' quick' * arguments.quick}", _measured()
    _ensure_release()
    for section in arguments.only or SECTIONS:
        if not (arguments.only or arguments.again) and measured.get(section) == state:
            console.print(f"{section}: measured at this commit already (--again measures it anew)")
            continue
        command = f"make bench ONLY={section}" + (" QUICK=1" if arguments.quick else "")
        started = time.monotonic()
        with console.status(f"measuring {section} …"):
            rows = list(importlib.import_module(f"tests.bench.section_{section}").run(quick=arguments.quick))
        keep(rows, KEPT / "quick.json" if arguments.quick else RESULTS)
        write_page(rows, QUICK_PAGE if arguments.quick else PAGE, command, time.monotonic() - started)
        measured[section] = state
        MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
        for row in rows:
            verdict = {True: "[green]holds[/]", False: "[red]falls short[/]", None: ""}[row.holds]
            console.print(f"{row.section}: {row.name}: {row.measured:,.4g} {row.unit} {verdict}")


def chosen(text: str) -> list[str]:
    """The sections of a comma-separated list. Raises ArgumentTypeError, with those that there are."""
    sections = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown or not sections:
        names = ", ".join(map(repr, unknown)) or "nothing"
        raise argparse.ArgumentTypeError(f"{names} is not a section; there are {', '.join(SECTIONS)}")
    return sections


def _ensure_release() -> None:
    """The demo's release, built first if there is none."""
    if not WAREHOUSE.exists():
        steelyard = [sys.executable, "-c", "from api.cli import main; main()"]
        subprocess.run([*steelyard, "pipeline", "run"], check=True)


def _measured() -> dict[str, str]:
    """Section to the commit at which it was last measured."""
    return json.loads(MEASURED.read_text()) if MEASURED.exists() else {}


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no checkout"


if __name__ == "__main__":
    main()
