"""From policy to plan: what one principal may see, as a `semantic.Restriction`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from governance.errors import ForbiddenError, PolicyUntranslatableError
from governance.identity.principal import Principal
from governance.policy.engine import OPERATIONS, Policy, Resource, default_policy
from governance.policy.predicate import TRUE, Predicate, columns_of, to_sql
from governance.policy.tags import TaggedCatalog, Tags
from semantic.definitions.restriction import MinimumGroup, Restriction, RowRule

MINIMUM_GROUP_SIZE = 10  # households

_ROW_TYPES = (("location", "Location"), ("product", "Product"), ("customer", "Customer"))
_MUST_REACH = ("location", "product")  # a metric that cannot be cut to these rows is hidden instead


def for_principal(
    principal: Principal,
    catalog: TaggedCatalog,
    *,
    purpose: str = OPERATIONS,
    about_customers: bool = True,
    minimum_group_size: int = MINIMUM_GROUP_SIZE,
    policy: Policy | None = None,
) -> Restriction:
    """Everything that `principal` may not see for `purpose`. What no policy permits is hidden.

    `about_customers` (the default) suppresses groups of fewer than `minimum_group_size` households; pass what
    `names_customers` says of the query, since sums that name no customer need no such floor. Metrics
    whose models lack the entity by which the principal's rows are cut are hidden. Results are remembered by
    the principal's attributes, so that a thousand planners of one region share one.
    Raises PolicyUntranslatableError when a row policy needs a column that the definitions lack.
    """
    rules = policy or default_policy()
    threshold = minimum_group_size if about_customers else 0
    return _restriction(rules.without_name(principal), catalog, purpose, rules, threshold)


def for_query(
    principal: Principal,
    catalog: TaggedCatalog,
    names: Iterable[str],
    *,
    purpose: str | None = None,
    policy: Policy | None = None,
) -> Restriction:
    """As `for_principal`, for one query: purpose and floor on groups follow from what it names.

    `names` are metrics, dimensions, and the texts of filters and orderings; none at all asks what there is
    to see. A name that the principal may not see for the purpose that it demands demands nothing: the query
    is then refused as if there were no such name. Raises ForbiddenError when the query needs two purposes.
    """
    asked = tuple(names)
    if not asked:
        return for_listing(principal, catalog, policy=policy)

    def sees(name: str, need: str) -> bool:
        if need not in principal.purposes:
            return False
        allowed = for_principal(principal, catalog, purpose=need, policy=policy)
        return name not in allowed.hidden_metrics and name not in allowed.hidden_dimensions

    return for_principal(
        principal,
        catalog,
        purpose=purpose or purpose_of(catalog, asked, sees),
        about_customers=names_customers(catalog, asked),
        policy=policy,
    )


def for_listing(principal: Principal, catalog: TaggedCatalog, *, policy: Policy | None = None) -> Restriction:
    """What to leave out of a catalogue: only what is hidden for every purpose that the principal has.

    For names, never for rows: it yields none.
    """
    each = [for_principal(principal, catalog, purpose=p, policy=policy) for p in sorted(principal.purposes)]
    if not each:
        return for_principal(principal, catalog, policy=policy)
    return replace(
        each[0],
        rows=(),
        hidden_metrics=frozenset.intersection(*(one.hidden_metrics for one in each)),
        hidden_dimensions=frozenset.intersection(*(one.hidden_dimensions for one in each)),
        masked_dimensions=frozenset.union(*(one.masked_dimensions for one in each)),
        allow_nothing=True,
    )


def purpose_of(
    catalog: TaggedCatalog, names: Iterable[str], sees: Callable[[str, str], bool] = lambda *_: True
) -> str:
    """What a query is for: the purpose that its names demand, else operations.

    `sees` tells which names the reader may see for the purpose that they demand; others do not count.
    """
    texts = list(names)
    demanded = {n: need for n, need in catalog.purposes.items() if any(n in text for text in texts)}
    needed = {need for name, need in demanded.items() if sees(name, need)}
    if len(needed) > 1:
        raise ForbiddenError(f"one query cannot serve two purposes: {', '.join(sorted(needed))}")
    return needed.pop() if needed else OPERATIONS


def names_customers(catalog: TaggedCatalog, names: Iterable[str]) -> bool:
    """Whether a query groups, filters or measures by anything about single households."""
    return any(catalog.is_about_customers(name) for name in names)


@lru_cache(maxsize=512)
def _restriction(
    principal: Principal,
    catalog: TaggedCatalog,
    purpose: str,
    policy: Policy,
    threshold: int,
) -> Restriction:
    rows: list[RowRule] = []
    cut: set[str] = set()
    for entity, row_type in _ROW_TYPES:
        if entity not in catalog.entity_dimensions:
            continue
        condition = policy.row_condition(principal, row_type, {"purpose": purpose})
        if condition == TRUE:
            continue
        rows.append(RowRule(entity, _sql(condition, entity, catalog)))
        if entity in _MUST_REACH:
            cut.add(entity)
    decide = _Decider(principal, purpose, policy)
    metrics = {name for name, tags in catalog.metrics.items() if not decide.reads("Metric", tags)}
    metrics |= {name for name, entities in catalog.metric_entities.items() if cut - entities}
    hidden: set[str] = set()
    masked: set[str] = set()
    for name, tags in catalog.dimensions.items():
        if not decide.reads("Dimension", tags):
            (masked if decide.reads_masked(tags) else hidden).add(name)
    if not threshold and not policy.authorize(principal, "see_small_groups").allowed:
        threshold = MINIMUM_GROUP_SIZE
    return Restriction(
        rows=tuple(rows),
        hidden_metrics=frozenset(metrics),
        hidden_dimensions=frozenset(hidden | _elements(hidden, catalog)),
        masked_dimensions=frozenset(masked),
        minimum_group=MinimumGroup(threshold) if threshold else None,
        allow_nothing=purpose not in principal.purposes,
    )


def _sql(condition: Predicate, entity: str, catalog: TaggedCatalog) -> str:
    names = {f"{entity}_id": entity}
    missing = {names.get(c, c) for c in columns_of(condition)} - catalog.entity_dimensions[entity]
    if missing:
        raise PolicyUntranslatableError(
            f"a row policy on {entity} needs {', '.join(sorted(missing))}, which the definitions do not have",
            hint=f"add it as a dimension of the semantic model whose key is {entity}",
        )
    return to_sql(condition, names)


def _elements(hidden: set[str], catalog: TaggedCatalog) -> set[str]:
    """Bare names of hidden dimensions that no visible one shares: longer paths then stay hidden too."""
    visible = {name.rpartition("__")[2] for name in catalog.dimensions if name not in hidden}
    return {name.rpartition("__")[2] for name in hidden} - visible


class _Decider:
    """Decisions by tags, each asked once: catalogs have many names and few combinations of tags."""

    def __init__(self, principal: Principal, purpose: str, policy: Policy) -> None:
        self._principal, self._purpose, self._policy = principal, purpose, policy
        self._decisions: dict[tuple[str, str, Tags], bool] = {}

    def reads(self, kind: str, tags: Tags) -> bool:
        return self._decide("read_metric" if kind == "Metric" else "read_dimension", kind, tags)

    def reads_masked(self, tags: Tags) -> bool:
        return self._decide("read_dimension_masked", "Dimension", tags)

    def _decide(self, action: str, kind: str, tags: Tags) -> bool:
        key = (action, kind, tags)
        if key not in self._decisions:
            resource = Resource(kind, attributes=vars(tags))
            context = {"purpose": self._purpose}
            self._decisions[key] = self._policy.authorize(self._principal, action, resource, context).allowed
        return self._decisions[key]
