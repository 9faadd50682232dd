"""Restrictions in the plan: row rules at each source, and which metrics a reader may know of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp

from ..ast.bind import bind, ident, named_table
from ..definitions.catalog import Catalog, Metric, Model
from ..definitions.manifest import JOINABLE_KINDS
from ..definitions.restriction import Restriction, RowRule
from ..errors import InvalidQueryError, ManifestError
from ..plan.nodes import Table
from .predicates import parse_predicate
from .request import GroupByItem, MetricRef
from .resolve import is_hidden
from .scalar import parse_condition


def table_for(catalog: Catalog, model: Model, restriction: Restriction) -> Table:
    """The model's table, reduced to the rows that the reader may see."""
    if restriction.allow_nothing:
        return _nothing(model.relation)
    if not restriction.rows:
        return Table(model.relation)
    return _restricted_table(CatalogKey(catalog), model.name, restriction.rows)


@lru_cache(maxsize=4096)
def _nothing(relation: str) -> Table:
    return Table(relation, (exp.false(),))


@lru_cache(maxsize=4096)
def _restricted_table(holder: CatalogKey, model: str, rows: tuple[RowRule, ...]) -> Table:
    """One object per model and rules: what is printed of it is printed once (`render`)."""
    catalog = holder.catalog
    owner = catalog.models[model]
    rules = [rule for row in rows if (rule := _rule(catalog, owner, row)) is not None]
    return Table(owner.relation, tuple(rules))


def _rule(catalog: Catalog, model: Model, rule: RowRule) -> exp.Expr | None:
    """The rule over one model: its own condition, a semi-join for models that hold the key, else None."""
    if rule.entity not in model.entities:
        _owner(catalog, rule)
        return None
    owner = _owner(catalog, rule)
    condition = _condition(owner, rule)
    if owner.name == model.name:
        return exp.paren(condition)
    keys = exp.select(exp.alias_(unqualified(owner.entities[rule.entity].expr), ident("key")))
    keys = keys.from_(named_table(owner.relation)).where(condition)
    return exp.In(this=unqualified(model.entities[rule.entity].expr), query=keys.subquery())


def unqualified(text: str) -> exp.Expr:
    """A definition's expression over the columns of its own table."""
    return bind(text, "").transform(_unqualify, copy=False)


def _unqualify(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Column):
        return exp.Column(this=node.this)
    return node


@lru_cache(maxsize=1024)
def _names(predicate: str) -> frozenset[str]:
    return frozenset(c.name.lower() for c in parse_condition(predicate, predicate).find_all(exp.Column))


def _owner(catalog: Catalog, rule: RowRule) -> Model:
    """The model that has the entity as its key and all dimensions of the predicate."""
    names = _names(rule.predicate)
    for model in catalog.joinable.get(rule.entity, ()):
        columns = {*model.dimensions, *model.entities}
        if names <= columns:
            return model
    raise ManifestError(
        f"The row rule {rule.predicate!r:.120} on {rule.entity} fits no semantic model with that key.",
        hint="Name only dimensions of the model whose primary entity it is.",
    )


def _condition(owner: Model, rule: RowRule) -> exp.Expr:
    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            name = node.name.lower()
            definition = owner.dimensions.get(name) or owner.entities[name]
            return unqualified(definition.expr)
        return node

    tree = parse_condition(rule.predicate, rule.predicate)
    if tree.find(exp.Query, exp.AggFunc, exp.Window, exp.Command):
        raise InvalidQueryError(f"The row rule {rule.predicate!r:.120} is no condition on one row.")
    return tree.transform(swap, copy=False)


@lru_cache(maxsize=512)
def _visible(holder: CatalogKey, restriction: Restriction) -> frozenset[str]:
    catalog = holder.catalog
    state: dict[str, bool] = {}

    def is_visible(name: str) -> bool:
        if name in state:
            return state[name]
        state[name] = True
        metric = catalog.metrics.get(name)
        if metric is not None:
            state[name] = (
                name not in restriction.hidden_metrics
                and all(is_visible(i.name) for i in metric.inputs)
                and all(_filter_is_visible(catalog, f, restriction, is_visible) for f in _filters(metric))
                and all(
                    simple_name not in restriction.hidden_metrics for simple_name in _simple_names(metric)
                )
            )
        return state[name]

    return frozenset(name for name in catalog.metrics if is_visible(name))


class CatalogKey:
    """A catalog as a cache key: identity is the object."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __hash__(self) -> int:
        return id(self.catalog)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CatalogKey) and other.catalog is self.catalog


def visible_metrics(catalog: Catalog, restriction: Restriction) -> frozenset[str]:
    """The metrics a reader may know of: none that is hidden, or built on something hidden."""
    return _visible(CatalogKey(catalog), restriction)


def _simple_names(metric: Metric) -> tuple[str, ...]:
    if metric.conversion is not None:
        return (metric.conversion.base.name, metric.conversion.conversion.name)
    return (metric.simple.name,) if metric.simple is not None else ()


def _filters(metric: Metric) -> tuple[str, ...]:
    own = [*metric.filters, *(f for i in metric.inputs for f in i.filters)]
    if metric.simple is not None:
        own += metric.simple.filters
    if metric.conversion is not None:
        own += [*metric.conversion.base.filters, *metric.conversion.conversion.filters]
    return tuple(own)


def _filter_is_visible(
    catalog: Catalog, text: str, restriction: Restriction, is_visible: Callable[[str], bool]
) -> bool:
    if not restriction.hidden_dimensions and not restriction.hidden_metrics:
        return True
    predicate = parse_predicate(text, frozenset(catalog.custom_grains), True)
    for ref in predicate.refs:
        if isinstance(ref, MetricRef):
            if not is_visible(ref.metric) or any(is_hidden(i, restriction) for i in ref.group_by):
                return False
        elif isinstance(ref, GroupByItem) and is_hidden(ref, restriction):
            return False
    return True


__all__ = ["JOINABLE_KINDS", "table_for", "visible_metrics"]
