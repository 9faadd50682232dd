"""What is known about tables (sizes, rollups), for choosing between plans. Never changes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..definitions.catalog import Catalog
from ..errors import DuplicateKeyError
from ..query.resolve import Resolver
from .rollup_columns import RollupCoverage, coverage_of


@dataclass(frozen=True)
class Statistics:
    """rows: by relation. distinct: number of distinct values by (relation, column expression)."""

    rows: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dates: frozenset[tuple[str, str]] = frozenset()
    """(relation, column) of type DATE, which need no truncation to days."""
    texts: frozenset[tuple[str, str]] = frozenset()
    """(relation, column) of type VARCHAR, which no comparison with a text fails on."""
    rollups: Mapping[str, tuple[RollupCoverage, ...]] = field(default_factory=dict)
    """By the fact's relation, the smallest first."""

    def with_rollups(self, catalog: Catalog, resolver: Resolver) -> Statistics:
        """These, with the catalog's rollups. Raises RollupError for one that fits no definition."""
        by_fact: dict[str, list[RollupCoverage]] = {}
        for rollup in catalog.rollups:
            try:
                coverage = coverage_of(rollup, catalog, resolver)
            except DuplicateKeyError:
                continue  # the fact refuses such a join, and so must what answers for it
            if self._is_smaller(rollup.relation, coverage.fact.relation):
                by_fact.setdefault(coverage.fact.relation, []).append(coverage)
        size = self._size
        return replace(self, rollups={fact: tuple(sorted(k, key=size)) for fact, k in by_fact.items()})

    def _is_smaller(self, rollup: str, fact: str) -> bool:
        return self.rows.get(rollup, 0) < self.rows.get(fact, 1)

    def _size(self, coverage: RollupCoverage) -> tuple[float, int]:
        """Rows; where they are not known, by how much is kept."""
        return self.rows.get(coverage.rollup.relation, float("inf")), len(coverage.rollup.keeps)

    def groups(self, relation: str, keys: list[str]) -> float | None:
        """The estimated number of groups by some columns of a table, None where a column is unknown."""
        product = 1.0
        for key in keys:
            count = self.distinct.get((relation, key))
            if count is None:
                return None
            product *= count
        return product
