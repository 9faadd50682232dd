"""What a source hands to an ingest: batches, each of rows for one contract table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from governance.progress import Progress


@dataclass(frozen=True)
class SourceBatch:
    """One batch as it arrives.

    `relation` is SQL that can stand after FROM and yields the raw columns plus `_line` (position in the
    file, header included); None for text files, which the ingest reads itself from `path`.
    `content_id` is a hash of the content: the same content always has the same id.
    """

    table: str
    label: str
    content_id: str
    path: Path | None = None
    relation: str | None = None


class Source(Protocol):
    """A retailer's data, wherever it is kept.

    `name` identifies the source in the landing. `is_simulated` marks rows that do not say so themselves.
    `replaces_itself` is True if a new batch of a table replaces the former whole (the demo), False
    if batches add up and the newest wins by key (a retailer's files).
    """

    name: str
    is_simulated: bool
    replaces_itself: bool

    def fingerprint(self) -> str | None:
        """Cheap hash of everything that decides the rows; equal means that nothing is to be done.

        None if it cannot be known without reading all rows.
        """

    def batches(
        self, connection: duckdb.DuckDBPyConnection, workspace: Path, progress: Progress
    ) -> Iterator[SourceBatch]:
        """The batches, each table's oldest first. `workspace` is scratch space below the landing."""
