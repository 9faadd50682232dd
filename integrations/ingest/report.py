"""What an ingest did, as plain data for a CLI, a log or a test."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class TableReport:
    """Counts of one table in this run. `rows_in = rows_loaded + rows_quarantined`, always."""

    table: str
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    batches_added: list[str] = field(default_factory=list)
    batches_known: int = 0
    warnings: list[str] = field(default_factory=list)


@dataclass
class IngestReport:
    """One run. `changed` is False when the source was as it is in the landing and nothing was done."""

    source: str
    changed: bool
    seconds: float = 0.0
    tables: dict[str, TableReport] = field(default_factory=dict)

    @property
    def rows_loaded(self) -> int:
        """Rows loaded over all tables."""
        return sum(t.rows_loaded for t in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows quarantined over all tables."""
        return sum(t.rows_quarantined for t in self.tables.values())

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        return asdict(self)
