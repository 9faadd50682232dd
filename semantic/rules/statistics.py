"""What is known about tables (sizes, rollups), for choosing between plans. Never changes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..definitions.catalog import Catalog
from ..query.resolve import Resolver
from .rollup_columns import Kept, kept_by


@dataclass(frozen=True)
class Statistics:
    """rows: by relation. distinct: number of distinct values by (relation, column expression)."""

    rows: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dates: frozenset[tuple[str, str]] = frozenset()
    """(relation, column) of type DATE, which need no truncation to days."""
    rollups: Mapping[str, tuple[Kept, ...]] = field(default_factory=dict)
    """By the fact's relation, the smallest first."""

    def with_rollups(self, catalog: Catalog, resolver: Resolver) -> Statistics:
        """These, with the catalog's rollups. Raises RollupError for one that fits no definition."""
        found: dict[str, list[Kept]] = {}
        for rollup in catalog.rollups:
            kept = kept_by(rollup, catalog, resolver)
            if self._is_smaller(rollup.relation, kept.fact.relation):
                found.setdefault(kept.fact.relation, []).append(kept)
        size = self._size
        return replace(self, rollups={fact: tuple(sorted(k, key=size)) for fact, k in found.items()})

    def _is_smaller(self, rollup: str, fact: str) -> bool:
        return self.rows.get(rollup, 0) < self.rows.get(fact, 1)

    def _size(self, kept: Kept) -> tuple[float, int]:
        """Rows; where they are not known, by how much is kept."""
        return self.rows.get(kept.rollup.relation, float("inf")), len(kept.rollup.keeps)

    def groups(self, relation: str, keys: list[str]) -> float | None:
        """The estimated number of groups by some columns of a table, None where a column is unknown."""
        product = 1.0
        for key in keys:
            found = self.distinct.get((relation, key))
            if found is None:
                return None
            product *= found
        return product
