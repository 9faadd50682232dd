"""Run benchmark sections; put their tables into `docs/benchmarks.md` and `var/bench/results.json`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from pathlib import Path

from rich.console import Console

import tests.bench as here
from tests.bench.rows import keep, write_page

SECTIONS = [
    m.name.removeprefix("section_")
    for m in pkgutil.iter_modules(here.__path__)
    if m.name.startswith("section_")
]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller data")
    arguments = parser.parse_args()
    console = Console()
    for section in [arguments.only] if arguments.only else SECTIONS:
        command = f"make bench ONLY={section}" + (" QUICK=1" if arguments.quick else "")
        with console.status(f"measuring {section} …"):
            rows = list(importlib.import_module(f"tests.bench.section_{section}").run(quick=arguments.quick))
        keep(rows, Path("var/bench/results.json"))
        write_page(rows, Path("docs/benchmarks.md"), command)
        for row in rows:
            verdict = {True: "[green]holds[/]", False: "[red]falls short[/]", None: ""}[row.holds]
            console.print(f"{row.section}: {row.name}: {row.measured:,.4g} {row.unit} {verdict}")


if __name__ == "__main__":
    main()
