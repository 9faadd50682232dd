"""What has been landed and what was quarantined, for `steelyard ingest report`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from integrations.contracts import contract
from integrations.ingest.state import LandedBatch, LandingState


@dataclass(frozen=True)
class Reject:
    """One quarantined row. `column` is empty if the row as a whole is at fault."""

    table: str
    batch_id: str
    file: str
    line: int
    column: str
    rule: str
    raw_row: str


def landed_batches(landing: Path) -> list[LandedBatch]:
    """Batches of a landing in the order in which they came."""
    return LandingState.read(landing).batches


def rejects(quarantine: Path, table: str | None = None) -> Iterator[Reject]:
    """Quarantined rows, by table, batch and line; of one table if given."""
    for path in sorted(quarantine.glob(f"{table or '*'}/batch=*/rejects.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield Reject(
                    path.parents[1].name, path.parent.name.removeprefix("batch="),
                    row["file"], int(row["line"]), row["column"], row["rule"], row["raw_row"],
                )  # fmt: skip


@dataclass(frozen=True)
class HistoryReport:
    """Landed batches in landing order, and the quarantined rows, those of refused batches among them."""

    source: str
    is_complete: bool
    batches: list[LandedBatch]
    rejects: list[Reject]

    def landed(self, reject: Reject) -> bool:
        """Whether the batch that the row came in was landed without it, or refused whole."""
        return (reject.table, reject.batch_id) in self._landed

    @cached_property
    def _landed(self) -> frozenset[tuple[str, str]]:
        return frozenset((b.table, b.batch_id) for b in self.batches)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form, with totals: `rows_in = rows_loaded + rows_quarantined`."""
        totals = {
            name: sum(getattr(b, name) for b in self.batches)
            for name in ("rows_in", "rows_loaded", "rows_quarantined")
        }
        rejects = [asdict(r) | {"batch_landed": self.landed(r)} for r in self.rejects]
        batches = [asdict(b) for b in self.batches]
        return {"source": self.source, "is_complete": self.is_complete, "totals": totals} | {
            "batches": batches, "rejects": rejects,
        }  # fmt: skip


def history_report(landing: Path, quarantine: Path, table: str | None = None) -> HistoryReport:
    """Every landed batch and quarantined row, of one table if given. Raises ContractError."""
    if table is not None:
        contract(table)
    state = LandingState.read(landing)
    batches = [b for b in state.batches if table in (None, b.table)]
    return HistoryReport(state.source, state.is_complete, batches, list(rejects(quarantine, table)))
