"""Run everything, and put the result with its date into `docs/benchmarks.md`: what `make test-full` does.

Arguments are pytest's. Exit status is pytest's.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
START, END = "<!-- the last make test-full -->", "<!-- end -->"
_CLOSING = re.compile(r"=*\s*(\d+ \w+(?:, \d+ \w+)* in [\d.]+s(?: \([\d:]+\))?)\s*=*")


def closing_line(output: list[str]) -> str | None:
    """Pytest's counts and time, such as `3 passed, 1 skipped in 2.10s`; None if it did not come that far."""
    matches = [match for match in map(_CLOSING.fullmatch, map(str.strip, output)) if match]
    return matches[-1][1] if matches else None


def write_result(page: Path, result: str, *, day: dt.date) -> None:
    """Put the block between its markers, in place of the one before, or after the page's first paragraph."""
    text = page.read_text(encoding="utf-8")
    block = f"{START}\n`make test-full` on {day:%Y-%m-%d}: {result}.\n{END}"
    before, marker, rest = text.partition(START)
    if marker:
        text = before + block + rest.partition(END)[2]
    else:
        head, _, sections = text.partition("\n## ")
        text = f"{head.rstrip()}\n\n{block}\n" + (f"\n## {sections}" if sections else "")
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    output: list[str] = []
    environment = os.environ | {"STEELYARD_TEST_FULL": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            output.append(line)
    if result := closing_line(output):
        write_result(PAGE, result, day=dt.datetime.now(dt.UTC).date())
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
