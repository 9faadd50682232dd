"""A reader's row rule on a dimension that a rollup keeps, although it dropped the key.

    product_id IN (SELECT product_id FROM dim_product WHERE department = 'GROCERY')  →  department = 'GROCERY'

Both hide rows whose key is NULL or unknown: there every kept dimension is NULL, so this holds only for
conditions that are not true of NULLs alone.

    >>> from semantic import RowRule, Restriction
    >>> from semantic.definitions.catalog import Rollup, RollupMeasure
    >>> from semantic.plan.row_rules import table_for
    >>> from semantic.query import Resolver
    >>> from semantic.rules.rollup_columns import coverage_of
    >>> by_brand = Rollup("by_brand", "by_brand", "fct_sales", (("product__brand", "brand"),), ())
    >>> own = Restriction((RowRule("product", "brand = 'own'"),))
    >>> rule = table_for(catalog, catalog.models["fct_sales"], own).rules[0]
    >>> condition = on_rollup_columns(rule, coverage_of(by_brand, catalog, Resolver(catalog)))
    >>> condition.sql()
    "(brand = 'own')"
    >>> kept = "(VALUES ('own', 9), ('big', 5), ('own', 2), (NULL, 1)) AS by_brand (brand, units)"
    >>> show(f"SELECT * FROM {kept} WHERE {condition.sql()}")
    own 2
    own 9
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from ..plan.nodes import ScalarSubquery, Table
from .rollup_columns import FACT, RollupCoverage, signature

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
VALUES = (exp.Column, exp.Literal, exp.Boolean)


def on_rollup_columns(rule: exp.In, coverage: RollupCoverage) -> exp.Expr | None:
    """The rule over the rollup's columns, or None where what it keeps cannot tell it."""
    semi = semi_join(rule)
    if semi is None:
        return None
    for key in coverage.keys:
        if key.relation == semi.relation and key.foreign_key == semi.foreign_key:
            condition = _renamed(semi.condition, key.columns)
            return exp.paren(condition) if condition is not None and _never_of_nulls(semi.condition) else None
    return None


@dataclass(frozen=True)
class SemiJoin:
    """`foreign_key IN (SELECT … FROM relation WHERE condition)`, the key by its signature."""

    foreign_key: str
    relation: str
    condition: exp.Expr


def semi_join(rule: exp.In) -> SemiJoin | None:
    """The parts of a rule on a fact's foreign key."""
    keys = ScalarSubquery.within(rule.args["query"])
    table = keys.select.source.node if keys is not None and keys.select.source is not None else None
    if keys is None or not isinstance(table, Table) or len(keys.select.where) != 1:
        return None
    return SemiJoin(signature(rule.this, {"": FACT}), table.relation, keys.select.where[0])


def _renamed(condition: exp.Expr, columns: Mapping[str, str]) -> exp.Expr | None:
    names = {c.name for c in condition.find_all(exp.Column)}
    if not names or not names <= set(columns):
        return None

    def swap(node: exp.Expr) -> exp.Expr:
        return exp.column(columns[node.name]) if isinstance(node, exp.Column) else node

    return condition.copy().transform(swap, copy=False)


def _never_of_nulls(condition: exp.Expr) -> bool:
    """Whether a condition is surely not true where all of its columns are NULL."""
    try:
        return _of_nulls(condition) is not True
    except NotImplementedError:
        return False


def _of_nulls(node: exp.Expr) -> bool | None:  # noqa: PLR0911 - one case a node
    """The truth of a condition whose columns are all NULL; None is unknown."""
    match node:
        case exp.Paren():
            return _of_nulls(node.this)
        case exp.Not():
            inside = _of_nulls(node.this)
            return None if inside is None else not inside
        case exp.And() | exp.Or():
            parts, decisive = [_of_nulls(node.left), _of_nulls(node.right)], isinstance(node, exp.Or)
            return decisive if decisive in parts else None if None in parts else not decisive
        case exp.Boolean():
            return bool(node.this)
        case exp.Column():
            return None
        case exp.Is() if isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Null):
            return True
        case exp.In() if isinstance(node.this, exp.Column) and not node.args.get("query"):
            if all(isinstance(e, VALUES) for e in node.expressions):
                return None
    sides = {type(node.left), type(node.right)} if isinstance(node, COMPARISONS) else set()
    if exp.Column in sides and sides <= set(VALUES):
        return None
    raise NotImplementedError(type(node).__name__)
