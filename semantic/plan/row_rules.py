"""Row rules at each source: a table reduced to the rows that the reader may see.

>>> from semantic import Restriction, RowRule
>>> sales = [("2024-01-30", "p1", 10), ("2024-01-31", "p2", 20), ("2024-02-01", "p3", 5)]
>>> answer("net_sales", "product", sales=sales, under=Restriction((RowRule("product", "brand = 'big'"),)))
p2 20
p3 5
"""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from ..ast.bind import bind, named_table
from ..definitions.catalog import Catalog, Model
from ..definitions.restriction import Restriction, RowRule
from ..errors import InvalidQueryError, ManifestError
from ..query.scalar import parse_condition
from .nodes import Column, ScalarSubquery, Select, Source, Table


def table_for(catalog: Catalog, model: Model, restriction: Restriction) -> Table:
    """The model's table, reduced to the rows that the reader may see."""
    if restriction.allow_nothing:
        return _nothing(model.relation)
    if not restriction.rows:
        return Table(model.relation)
    return _restricted_table(catalog, model.name, restriction.rows)


@lru_cache(maxsize=4096)
def _nothing(relation: str) -> Table:
    return Table(relation, (exp.false(),))


@lru_cache(maxsize=4096)
def _restricted_table(catalog: Catalog, model: str, rows: tuple[RowRule, ...]) -> Table:
    """One object per model and rules: what is printed of it is printed once (`render`)."""
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
    key = Column("key", unqualified(owner.entities[rule.entity].expr))
    table = Source(Table(owner.relation), named_table(owner.relation).name)
    keys = ScalarSubquery(Select(table, (key,), where=(condition,)))
    return exp.In(this=unqualified(model.entities[rule.entity].expr), query=keys.expression())


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
