"""What a rollup keeps of its fact, told by signature: the SQL of an expression, each table named by how the
fact reaches it. Equal signatures have equal values on every row of the fact, whatever the aliases are.

    >>> from semantic.definitions.catalog import RollupMeasure
    >>> from semantic.query import Resolver
    >>> by_brand = Rollup("by_brand", "by_brand", "fct_sales", (("product__brand", "brand"),),
    ...     (RollupMeasure("units", "sum", "units"),))
    >>> coverage = coverage_of(by_brand, catalog, Resolver(catalog))
    >>> for kept, column_name in (coverage.columns | coverage.aggregates).items():
    ...     print(kept, "→", column_name)
    "main.dim_product on ""fact"".product_id = ""self"".product_id".brand → brand
    SUM("fact".units) → ('units', 'sum')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from ..ast.bind import bind
from ..ast.grains import RANK
from ..definitions.aggregations import aggregate
from ..definitions.catalog import Catalog, Entity, Measure, Model, Rollup
from ..definitions.restriction import NO_RESTRICTION
from ..errors import DuplicateKeyError, RollupError, SemanticError
from ..plan.builder import PlanBuilder
from ..plan.fact_scan import FactScan
from ..plan.nodes import Join, Table
from ..query.request import METRIC_TIME, GroupByItem, parse_item
from ..query.resolve import Resolver
from ..suggest import near

FACT = "fact"


@dataclass(frozen=True)
class CoveredTime:
    """The fact's own time, kept in `column` at `grain`; `raw` is its signature as recorded."""

    raw: str
    grain: str
    column: str


@dataclass(frozen=True)
class CoveredKey:
    """Dimensions of `relation` kept for a foreign key of the fact: expression there → column."""

    foreign_key: str
    relation: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class RollupCoverage:
    """A rollup in signatures: `columns` of kept expressions, `aggregates` → (column, aggregation)."""

    rollup: Rollup
    fact: Model
    columns: Mapping[str, str]
    times: tuple[CoveredTime, ...]
    aggregates: Mapping[str, tuple[str, str]]
    keys: tuple[CoveredKey, ...]


def signature(node: exp.Expr, tables: Mapping[str, str]) -> str:
    """The SQL of an expression with its tables under the names given."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        name = tables.get(column.table, f"?{column.table}")
        column.set("table", exp.to_identifier(name, quoted=True))
    return copy.sql("duckdb", normalize=True)


class Signatures:
    """Signatures of the expressions of one select, each worked out once. `names`: as `table_names` gives."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self._cache: dict[int, tuple[exp.Expr, str]] = {}

    def of(self, node: exp.Expr) -> str:
        entry = self._cache.get(id(node))
        if entry is None:  # the node is kept, so that no other takes its identity
            entry = self._cache[id(node)] = (node, signature(node, self.names))
        return entry[1]


def table_names(fact: str, joins: Iterable[Join]) -> dict[str, str]:
    """By alias: how the fact reaches each table. Nothing matches joins that are no look-ups."""
    names = {fact: FACT}
    for join in joins:
        alias = join.source.alias
        if isinstance(join.source.node, Table) and join.kind == "LEFT" and join.on is not None:
            on = signature(join.on, {**names, alias: "self"})
            names[alias] = f"{join.source.node.relation} on {on}"
        else:
            names[alias] = f"?{alias}"
    return names


def coverage_of(rollup: Rollup, catalog: Catalog, resolver: Resolver) -> RollupCoverage:
    """A rollup's declaration held against the definitions. Raises RollupError naming what does not exist."""
    fact = catalog.models.get(rollup.of)
    if fact is None:
        raise RollupError(
            f"The rollup {rollup.name} is of {rollup.of}, which is no semantic model.",
            hint=near(rollup.of, catalog.models),
        )
    scan = fact_rows(catalog, resolver, fact)
    columns: dict[str, str] = {}
    times: list[CoveredTime] = []
    keys: dict[tuple[str, str], dict[str, str]] = {}
    for item, column in covered_items(rollup, catalog):
        expr = covered_expression(scan, item, rollup)
        names = table_names(scan.alias, scan.joins)
        columns[signature(expr, names)] = column
        if scan.is_time(item):
            if item.grain in RANK:
                times.append(CoveredTime(signature(scan.own_time(), names), item.grain or "", column))
        elif (owner := _lookup(item, fact, resolver)) is not None:
            entity, model = owner
            key = (signature(bind(entity.expr, scan.alias), names), model.relation)
            keys.setdefault(key, {})[model.dimensions[item.element].expr] = column
    aggregates = {
        signature(rollup_aggregate(rollup, m.agg, m.expr, scan.alias), {scan.alias: FACT}): (m.column, m.agg)
        for m in rollup.measures
    }
    covered_keys = tuple(
        CoveredKey(fk, relation, held_columns) for (fk, relation), held_columns in keys.items()
    )
    return RollupCoverage(rollup, fact, columns, tuple(times), aggregates, covered_keys)


def fact_rows(catalog: Catalog, resolver: Resolver, fact: Model) -> FactScan:
    """The rows of a fact as every reader without restrictions sees them."""
    builder = PlanBuilder(catalog, resolver, NO_RESTRICTION)
    return FactScan(builder, fact, fact.agg_time)


def covered_items(rollup: Rollup, catalog: Catalog) -> list[tuple[GroupByItem, str]]:
    """The names that a rollup keeps, parsed, and their columns."""
    try:
        return [(parse_item(name, catalog.custom_grains), column) for name, column in rollup.keeps]
    except SemanticError as error:
        raise RollupError(f"The rollup {rollup.name}: {error.message}", hint=error.hint) from error


def covered_expression(scan: FactScan, item: GroupByItem, rollup: Rollup) -> exp.Expr:
    """The value that a rollup keeps of each row of its fact."""
    if item.element == METRIC_TIME and not (item.grain or item.part):
        raise RollupError(
            f"The rollup {rollup.name} keeps metric_time without a grain.", hint="metric_time__day"
        )
    try:
        return scan.column(item)
    except DuplicateKeyError:
        raise
    except SemanticError as error:
        raise RollupError(f"The rollup {rollup.name}: {error.message}", hint=error.hint) from error


def rollup_aggregate(rollup: Rollup, agg: str, expr: str, alias: str) -> exp.Expr:
    """The aggregate that a rollup's column holds, over the rows of the fact."""
    return aggregate(Measure(rollup.of, agg, expr, None), bind(expr, alias))


def _lookup(item: GroupByItem, fact: Model, resolver: Resolver) -> tuple[Entity, Model] | None:
    """The foreign key and the model of a dimension one join away; None for others and for versions."""
    resolved = resolver.find(fact, item, NO_RESTRICTION)
    if (
        resolved.dimension is None
        or len(resolved.steps) != 1
        or resolved.model.validity() is not None
        or item.part
    ):
        return None
    plain = item.grain is None or item.grain == resolved.dimension.grain
    return (fact.entities[resolved.steps[0].entity], resolved.model) if plain else None
