"""The trace of columns, as it grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from governance.lineage.graph import Edge


@dataclass
class ColumnTrace:
    """Edges at column level, what could not be resolved, and how many models were reused unchanged."""

    edges: list[Edge] = field(default_factory=list)
    unresolved: list[tuple[str, str]] = field(default_factory=list)
    reused: int = 0

    def add(self, edges: Iterable[Edge], unresolved: Iterable[tuple[str, str]] = ()) -> None:
        """Take in one part's findings."""
        self.edges += edges
        self.unresolved += unresolved
