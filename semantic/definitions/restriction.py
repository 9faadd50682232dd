"""What a reader may see, as an input of compilation. Governance produces it; the compiler obeys it."""

from __future__ import annotations

from dataclasses import dataclass

from .used_name import UsedName


@dataclass(frozen=True, slots=True)
class RowRule:
    """Rows that a reader may see, written over the dimensions of one entity.

    `predicate` is a SQL condition over the dimension names (and the entity name itself) of the semantic
    model whose primary or unique entity is `entity`. It is applied in the source subquery of that model
    and, by semi-join, of every other model that holds the entity. A NULL key or an unknown truth is hidden.
    """

    entity: str
    predicate: str


@dataclass(frozen=True, slots=True)
class MinimumGroup:
    """Result groups with fewer than `size` distinct values of `entity` behind them are suppressed.

    Counted on the rows behind the group, in every fact that holds the entity. `suppressed` names further
    groups that must not show, as (name of a probe, `shown` of that probe): see
    `semantic.plan.suppression_probe`.
    """

    size: int
    entity: str = "customer"
    suppressed: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Restriction:
    """Everything a reader may not see. The default restricts nothing.

    rows: row rules, all of which must hold. hidden_metrics and hidden_dimensions answer as if they did
    not exist (dimension names as in a query: `customer__age_band`, for every grain of a time dimension).
    masked_dimensions show `***` and can be neither filtered nor ordered by. allow_nothing yields no rows.
    authorized: the names that one query may use; planning refuses every other, as if it did not exist. None
    leaves it to the query: whatever it was parsed to use, and is not hidden.
    """

    rows: tuple[RowRule, ...] = ()
    hidden_metrics: frozenset[str] = frozenset()
    hidden_dimensions: frozenset[str] = frozenset()
    masked_dimensions: frozenset[str] = frozenset()
    minimum_group: MinimumGroup | None = None
    allow_nothing: bool = False
    authorized: frozenset[UsedName] | None = None


NO_RESTRICTION = Restriction()
