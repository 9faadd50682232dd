"""What a rollup keeps of its fact, told by signature: the SQL of an expression, each table named by how the
fact reaches it. Equal signatures have equal values on every row of the fact, whatever the aliases are.
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
from ..errors import RollupError, SemanticError
from ..plan.fact_scan import Context, Rows
from ..plan.nodes import Join, Table
from ..query.request import METRIC_TIME, Item, parse_item
from ..query.resolve import Resolver
from ..suggest import near

FACT = "fact"


@dataclass(frozen=True)
class KeptTime:
    """The fact's own time, kept in `column` at `grain`; `raw` is its signature as recorded."""

    raw: str
    grain: str
    column: str


@dataclass(frozen=True)
class KeptKey:
    """Dimensions of `relation` kept for a foreign key of the fact: expression there → column."""

    foreign_key: str
    relation: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Kept:
    """A rollup in signatures: `columns` of kept expressions, `aggregates` → (column, aggregation)."""

    rollup: Rollup
    fact: Model
    columns: Mapping[str, str]
    times: tuple[KeptTime, ...]
    aggregates: Mapping[str, tuple[str, str]]
    keys: tuple[KeptKey, ...]


def signature(node: exp.Expr, tables: Mapping[str, str]) -> str:
    """The SQL of an expression with its tables under the names given."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        named = tables.get(column.table, f"?{column.table}")
        column.set("table", exp.to_identifier(named, quoted=True))
    return copy.sql("duckdb", normalize=True)


class Signatures:
    """Signatures of the expressions of one select, each worked out once. `names`: as `table_names` gives."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self._known: dict[int, tuple[exp.Expr, str]] = {}

    def of(self, node: exp.Expr) -> str:
        found = self._known.get(id(node))
        if found is None:  # the node is kept, so that no other takes its identity
            found = self._known[id(node)] = (node, signature(node, self.names))
        return found[1]


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


def kept_by(rollup: Rollup, catalog: Catalog, resolver: Resolver) -> Kept:
    """A rollup's declaration held against the definitions. Raises RollupError naming what does not exist."""
    fact = catalog.models.get(rollup.of)
    if fact is None:
        raise RollupError(
            f"The rollup {rollup.name} is of {rollup.of}, which is no semantic model.",
            hint=near(rollup.of, catalog.models),
        )
    rows = fact_rows(catalog, resolver, fact)
    columns: dict[str, str] = {}
    times: list[KeptTime] = []
    keys: dict[tuple[str, str], dict[str, str]] = {}
    for item, column in kept_items(rollup, catalog):
        expr = kept_expression(rows, item, rollup)
        names = table_names(rows.alias, rows.joins)
        columns[signature(expr, names)] = column
        if rows.is_time(item):
            if item.grain in RANK:
                times.append(KeptTime(signature(rows.own_time(), names), item.grain or "", column))
        elif (owner := _lookup(item, fact, resolver)) is not None:
            entity, model = owner
            key = (signature(bind(entity.expr, rows.alias), names), model.relation)
            keys.setdefault(key, {})[model.dimensions[item.element].expr] = column
    aggregates = {
        signature(held(rollup, m.agg, m.expr, rows.alias), {rows.alias: FACT}): (m.column, m.agg)
        for m in rollup.measures
    }
    kept_keys = tuple(KeptKey(fk, relation, found) for (fk, relation), found in keys.items())
    return Kept(rollup, fact, columns, tuple(times), aggregates, kept_keys)


def fact_rows(catalog: Catalog, resolver: Resolver, fact: Model) -> Rows:
    """The rows of a fact as every reader without restrictions sees them."""

    def unused(*_: object) -> object:
        raise AssertionError("a rollup keeps plain columns")

    context = Context(catalog, resolver, NO_RESTRICTION, lambda m: Table(m.relation), unused, unused)  # type: ignore[arg-type]
    return Rows(context, fact, fact.agg_time)


def kept_items(rollup: Rollup, catalog: Catalog) -> list[tuple[Item, str]]:
    """The names that a rollup keeps, parsed, and their columns."""
    try:
        return [(parse_item(name, catalog.custom_grains), column) for name, column in rollup.keeps]
    except SemanticError as error:
        raise RollupError(f"The rollup {rollup.name}: {error.message}", hint=error.hint) from error


def kept_expression(rows: Rows, item: Item, rollup: Rollup) -> exp.Expr:
    """The value that a rollup keeps of each row of its fact."""
    if item.element == METRIC_TIME and not (item.grain or item.part):
        raise RollupError(
            f"The rollup {rollup.name} keeps metric_time without a grain.", hint="metric_time__day"
        )
    try:
        return rows.column(item)
    except SemanticError as error:
        raise RollupError(f"The rollup {rollup.name}: {error.message}", hint=error.hint) from error


def held(rollup: Rollup, agg: str, expr: str, alias: str) -> exp.Expr:
    """The aggregate that a rollup's column holds, over the rows of the fact."""
    return aggregate(Measure(rollup.of, agg, expr, None), bind(expr, alias))


def _lookup(item: Item, fact: Model, resolver: Resolver) -> tuple[Entity, Model] | None:
    """The foreign key and the model of a dimension one join away; None for others and for versions."""
    found = resolver.find(fact, item, NO_RESTRICTION)
    if found.dimension is None or len(found.hops) != 1 or found.model.validity() is not None or item.part:
        return None
    plain = item.grain is None or item.grain == found.dimension.grain
    return (fact.entities[found.hops[0].entity], found.model) if plain else None
