"""From policy to plan: what one principal may see, as a `semantic.Restriction`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from governance.errors import ForbiddenError, PolicyUntranslatableError
from governance.identity.principal import Principal
from governance.policy.engine import OPERATIONS, Policy, Resource, default_policy
from governance.policy.predicate import TRUE, Predicate, columns_of, to_sql
from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags
from semantic import MinimumGroup, ParsedQuery, Restriction, RowRule, UsedName

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

    `about_customers` (the default) suppresses groups of fewer than `minimum_group_size` households; sums
    that name nothing about a household need no such threshold. Metrics whose models lack the entity by which
    the principal's rows are cut are hidden. Results are remembered by the principal's attributes, so that a
    thousand planners of one region share one.
    Raises PolicyUntranslatableError when a row policy needs a column that the definitions lack.
    """
    rules = policy or default_policy()
    threshold = minimum_group_size if about_customers else 0
    return _restriction(rules.without_name(principal), catalog, purpose, rules, threshold)


def authorize(
    principal: Principal,
    query: ParsedQuery,
    catalog: TaggedCatalog,
    *,
    purpose: str | None = None,
    policy: Policy | None = None,
) -> Restriction:
    """What `principal` may see of one query, and the names that it may use.

    Purpose and minimum group size follow from the names of the query. A name that the principal may not see
    for the purpose that it demands decides nothing and is not authorized, so planning refuses it as it does a
    name that does not exist. Decisions are remembered by the principal's attributes and the query's names.
    Raises ForbiddenError if the query needs two purposes.
    """
    rules = policy or default_policy()
    return _authorized(rules.without_name(principal), query.used, catalog, purpose, rules)


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


def purpose_of(demands: Iterable[str]) -> str:
    """What a query is for: the purpose that its names demand, else operations.

    Raises ForbiddenError if they demand two.
    """
    needed = set(demands)
    if len(needed) > 1:
        raise ForbiddenError(f"One query cannot serve two purposes: {', '.join(sorted(needed))}.")
    return needed.pop() if needed else OPERATIONS


@lru_cache(maxsize=4096)
def _authorized(
    principal: Principal,
    parts: tuple[frozenset[UsedName], ...],
    catalog: TaggedCatalog,
    purpose: str | None,
    policy: Policy,
) -> Restriction:
    def visible(name: UsedName) -> bool:
        """Whether the principal sees a name for the purpose that it demands."""
        need = catalog.tags_of(name).purpose or OPERATIONS
        granted = need == OPERATIONS or need in principal.purposes
        return granted and sees(name, for_principal(principal, catalog, purpose=need, policy=policy))

    # A metric that is hidden takes with it whatever it rests on: the query is refused because of it alone.
    visible_parts = [part for part in parts if all(visible(name) for name in part if name.kind == "metric")]
    names = {name for part in visible_parts for name in part if visible(name)}
    chosen = purpose or purpose_of(need for name in names if (need := catalog.tags_of(name).purpose))
    seen = for_principal(principal, catalog, purpose=chosen, policy=policy)
    authorized = frozenset(name for name in names if sees(name, seen))
    is_personal = any(catalog.is_personal(name) for name in authorized)
    allowed = for_principal(principal, catalog, purpose=chosen, about_customers=is_personal, policy=policy)
    return replace(allowed, authorized=authorized)


def sees(name: UsedName, restriction: Restriction) -> bool:
    """Whether a name is not hidden; masked ones are seen."""
    hidden = restriction.hidden_metrics if name.kind == "metric" else restriction.hidden_dimensions
    return name.name not in hidden


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
            f"A row policy on {entity} needs {', '.join(sorted(missing))}, which is not defined.",
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
