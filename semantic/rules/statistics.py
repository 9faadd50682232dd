"""What is known about the size of tables, for choosing between plans. Never changes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Statistics:
    """rows: by relation. distinct: number of distinct values by (relation, column expression)."""

    rows: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dates: frozenset[tuple[str, str]] = frozenset()
    """(relation, column) of type DATE, which need no truncation to days."""

    def groups(self, relation: str, keys: list[str]) -> float | None:
        """The estimated number of groups by some columns of a table, None where a column is unknown."""
        product = 1.0
        for key in keys:
            found = self.distinct.get((relation, key))
            if found is None:
                return None
            product *= found
        return product
