"""What a source hands to the door: deliveries, each one batch of rows for one contract table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

Progress = Callable[[str], None]


def silent(_message: str) -> None:
    """The progress callback of those who do not listen."""


@dataclass(frozen=True)
class Delivery:
    """One batch as it arrives.

    `relation` is SQL that can stand after FROM and yields the raw columns plus `_line` (position in the
    file, header included); None for text files, which the door reads itself from `path`.
    `content_id` is a hash of the content: the same content always has the same id.
    """

    table: str
    label: str
    content_id: str
    path: Path | None = None
    relation: str | None = None


class Source(Protocol):
    """A retailer's data, wherever it lies.

    `name` identifies the source in the landing. `is_simulated` marks rows that do not say so themselves.
    `replaces_itself` is True where a new delivery of a table replaces the former whole (the demo), False
    where batches add up and the newest wins by key (a retailer's files).
    """

    name: str
    is_simulated: bool
    replaces_itself: bool

    def fingerprint(self) -> str | None:
        """Cheap hash of everything that decides the rows; equal means that nothing is to be done.

        None where it cannot be known without reading all rows.
        """

    def deliveries(
        self, connection: duckdb.DuckDBPyConnection, workspace: Path, progress: Progress
    ) -> Iterator[Delivery]:
        """The batches, parents before children. `workspace` is scratch space below the landing."""
