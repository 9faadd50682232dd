"""What has been landed and what was set aside, for `steelyard ingest report`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from integrations.ingest.state import Batch, LandingState


@dataclass(frozen=True)
class Reject:
    """One row that was set aside. `column` is empty where the row as a whole is at fault."""

    table: str
    batch_id: str
    file: str
    line: int
    column: str
    rule: str
    raw_row: str


def landed_batches(landing: Path) -> list[Batch]:
    """Batches of a landing in the order in which they came."""
    return LandingState.read(landing).batches


def rejects(quarantine: Path, table: str | None = None) -> Iterator[Reject]:
    """Rows set aside, by table, batch and line; of one table if given."""
    for path in sorted(quarantine.glob(f"{table or '*'}/batch=*/rejects.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield Reject(
                    path.parents[1].name, path.parent.name.removeprefix("batch="),
                    row["file"], int(row["line"]), row["column"], row["rule"], row["raw_row"],
                )  # fmt: skip
