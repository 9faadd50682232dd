"""A query after parsing: what planning works from, and the names by which policy decides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from ..definitions.used_name import UsedName
from .predicates import Predicate
from .request import GroupByItem, MetricQuery, Order


class AnswerShape(Protocol):
    """What semantic SQL computes on the governed answer: arithmetic on measures, HAVING, ORDER BY.

    Shapes of the same statement (`sql`) are equal; they are part of a parsed query's identity.
    """

    @property
    def sql(self) -> str: ...


@dataclass(frozen=True)
class ParsedQuery:
    """A metric query with every name read once. No text of the query decides anything from here on.

    `metrics` are lower-case names, `items` group-by items without resolved grains, `filters` conditions
    over items. `saved_query` was written out already. `used` holds the names that the query uses or rests on,
    by what brings them: first its own items and conditions, then each metric. `shape` is what SQL computes
    around the answer. `written` is the query as it came, for people.
    """

    metrics: tuple[str, ...] = ()
    items: tuple[GroupByItem, ...] = ()
    computed: tuple[tuple[str, Predicate], ...] = ()
    filters: tuple[Predicate, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    time_constraint: tuple[str | None, ...] | None = None
    min_max_only: bool = False
    apply_group_by: bool = True
    whole_periods: bool = True
    saved_query: str | None = None
    used: tuple[frozenset[UsedName], ...] = ()
    shape: AnswerShape | None = None
    written: MetricQuery | str = field(default="", compare=False)

    def names(self) -> frozenset[UsedName]:
        """The names that the query uses or rests on, as the definitions spell them.

        Metrics with all that they are computed from; dimensions and entities of group-by, filters, order,
        computed expressions and metric filters; those of the filters and keys in the definitions of metrics.
        A name that the definitions do not have is left out: planning refuses it.
        """
        return self._names

    @cached_property
    def governed(self) -> ParsedQuery:
        """The query itself, without what is computed around its answer."""
        return self if self.shape is None else replace(self, shape=None)

    @property
    def reads_nothing(self) -> bool:
        """Whether it asks for neither a metric nor a dimension."""
        return not (self.metrics or self.items or self.computed or self.saved_query)

    @cached_property
    def _names(self) -> frozenset[UsedName]:
        return frozenset[UsedName]().union(*self.used)

    @cached_property
    def _hash(self) -> int:
        return hash((self.metrics, self.items, self.filters, self.computed, self.order, self.shape))

    def __hash__(self) -> int:
        return self._hash


def fenced(query: ParsedQuery) -> ParsedQuery:
    """The query with a limit that no answer reaches: the engine computes nothing of what is around the answer
    before the answer is there, on groups that are not in it."""
    return query if query.limit is not None else replace(query, limit=2**63 - 1)
