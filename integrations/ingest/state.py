"""What is in the landing: which source, which batches, in which sequence. One JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from governance.disk import atomic_write

FILE = "_landing.json"


@dataclass(frozen=True)
class LandedBatch:
    """One landed batch. `sequence` rises in landing order: the newest wins by key."""

    table: str
    batch_id: str
    sequence: int
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    label: str
    warnings: tuple[str, ...] = ()


@dataclass
class LandingState:
    """State of one landing folder; a missing file is an empty landing.

    `fingerprint` is empty if the source cannot say whether it changed. `is_complete` is False from the
    start of an ingest until its end, so an interrupted one leaves it so. `has_pseudonyms` is False for a
    landing that holds customers' keys as they came, of a version that kept them so.
    """

    source: str = ""
    is_demo: bool = False
    fingerprint: str = ""
    batches: list[LandedBatch] = field(default_factory=list)
    is_complete: bool = False
    has_pseudonyms: bool = False

    @classmethod
    def read(cls, landing: Path, *, forget_missing: bool = True) -> LandingState:
        """The state as last written. A batch whose folder is gone is forgotten, so that it is loaded again;
        who looks for damage has it listed."""
        path = landing / FILE
        if not path.exists():
            return cls()
        raw = json.loads(path.read_text(encoding="utf-8"))
        batches = [LandedBatch(**{**b, "warnings": tuple(b["warnings"])}) for b in raw["batches"]]
        present = [
            b for b in batches if not forget_missing or batch_folder(landing, b.table, b.batch_id).is_dir()
        ]
        whole = len(present) == len(batches)
        fingerprint = raw["fingerprint"] if whole else ""
        is_complete = whole and raw.get("is_complete", bool(fingerprint))
        has_pseudonyms = raw.get("has_pseudonyms", False)
        return cls(raw["source"], raw["is_demo"], fingerprint, present, is_complete, has_pseudonyms)

    def write(self, landing: Path) -> None:
        """Replace the state file in one rename."""
        atomic_write(landing / FILE, json.dumps(asdict(self), indent=1))

    def find(self, table: str, batch_id: str) -> LandedBatch | None:
        """The landed batch of that id, if any."""
        return next((b for b in self.batches if b.table == table and b.batch_id == batch_id), None)

    def next_sequence(self) -> int:
        """The sequence of the next batch: one more than the greatest so far."""
        return max((b.sequence for b in self.batches), default=0) + 1


def batch_folder(landing: Path, table: str, batch_id: str) -> Path:
    """The folder of a batch."""
    return landing / table / f"batch={batch_id}"
