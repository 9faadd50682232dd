"""Checks of what definitions say of the data: if one fails, no release is built."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
from sqlglot import exp

from .ast.bind import bind, column, ident, named_table
from .ast.constructors import trunc
from .definitions.catalog import Catalog, Entity, Model, Rollup
from .definitions.duplicate_keys import DuplicateKey
from .errors import ManifestError, RollupError
from .plan.next_snapshot import declared_next_snapshots, wrong_snapshots_sql
from .plan.nodes import Column, Plan, Select
from .plan.to_sql import to_tree
from .query.resolve import Resolver
from .rules.rollup_columns import coverage_of, covered_expression, covered_items, fact_rows, rollup_aggregate

ROWS = "facts"
TOLERANCE = 1e-9
"""Relative; sums of floating point depend on the order of the rows."""


def difference_sql(rollup: Rollup, catalog: Catalog, resolver: Resolver) -> str:
    """SQL that counts the groups in which a rollup differs from its fact: missing, twice, or another number.

    Raises RollupError where the declaration names what does not exist.
    """
    fact = coverage_of(rollup, catalog, resolver).fact
    scan = fact_rows(catalog, resolver, fact)
    keys = tuple(
        Column(c, covered_expression(scan, item, rollup)) for item, c in covered_items(rollup, catalog)
    )
    values = tuple(
        Column(m.column, rollup_aggregate(rollup, m.agg, m.expr, scan.alias)) for m in rollup.measures
    )
    fact_side = to_tree(Plan(Select(scan.source, keys, values, tuple(scan.joins), grouped=True)))
    names = [c.name for c in (*keys, *values)]
    rollup_side = exp.select(*(column("rollup", n) for n in names))
    rollup_side = rollup_side.from_(exp.alias_(named_table(rollup.relation), "rollup", table=True))
    fact_rows_marked = exp.select(*map(ident, names), exp.alias_(exp.true(), "is_fact")).from_(
        fact_side.subquery("fact")
    )
    sides = exp.union(
        fact_rows_marked, rollup_side.select(exp.alias_(exp.false(), "is_fact")), distinct=False
    )
    wrong = ["COUNT(*) FILTER (WHERE is_fact) <> 1", "COUNT(*) FILTER (WHERE NOT is_fact) <> 1"]
    for measure in rollup.measures:
        value = ident(measure.column).sql("duckdb")
        far = f"MAX({value}) <> MIN({value})"
        if measure.agg in ("sum", "sum_boolean"):
            far = f"MAX({value}) - MIN({value}) > {TOLERANCE} * GREATEST(1, ABS(MAX({value})))"
        wrong += [f"COUNT({value}) = 1", far]
    grouped = ", ".join(ident(k.name).sql("duckdb") for k in keys)
    return (
        f"SELECT COUNT(*) FROM (SELECT {grouped} FROM ({sides.sql('duckdb')}) AS sides "
        f"GROUP BY {grouped} HAVING {' OR '.join(wrong)}) AS differing"
    )


def check_next_snapshots(catalog: Catalog, connection: duckdb.DuckDBPyConnection) -> None:
    """Raises ManifestError naming the first model whose rows tell another next count than there is."""
    for model, declared in declared_next_snapshots(catalog):
        row = connection.execute(wrong_snapshots_sql(model, declared)).fetchone()
        if row is None or row[0]:
            raise ManifestError(
                f"{model.name}: {declared.day.name} is not the day of the next row of "
                f"({', '.join(sorted(declared.of))}) in {row and row[0]} rows.",
                hint="It is LEAD(day) OVER (PARTITION BY holding ORDER BY day), one row a holding and day; "
                "or take next_count out of the model.",
                code="next-count-differs",
            )


def check_rollups(catalog: Catalog, connection: duckdb.DuckDBPyConnection) -> None:
    """Raises RollupError naming the first rollup of the warehouse that is not what its declaration says."""
    resolver = Resolver(catalog)
    for rollup in catalog.rollups:
        sql = difference_sql(rollup, catalog, resolver)
        try:
            row = connection.execute(sql).fetchone()
        except duckdb.Error as error:
            raise RollupError(
                f"The rollup {rollup.name} cannot be held against {rollup.of}: {error}."
            ) from error
        if row is None or row[0]:
            raise RollupError(
                f"The rollup {rollup.name} differs from {rollup.of} in {row and row[0]} groups.",
                hint="Its SQL must group the fact by what `keeps` says, and aggregate as `measures` says.",
                code="rollup-differs",
            )


def find_duplicate_keys(catalog: Catalog, connection: duckdb.DuckDBPyConnection) -> tuple[DuplicateKey, ...]:
    """Every key that a join relies on and that is not unique. Raises ManifestError if one cannot be asked.

    A row that no join can meet counts for nothing: its key or a bound of its validity is NULL, or it was
    never valid.
    """
    duplicates = []
    for model, entity in keys_of_joins(catalog):
        duplicate = _duplicate(model, entity, (), connection)
        partitions = tuple(d.name for d in model.dimensions.values() if d.is_partition)
        if duplicate is not None and partitions and not _duplicate(model, entity, partitions, connection):
            duplicate = DuplicateKey(
                model.name, entity.name, duplicate.keys, duplicate.first, duplicate.rows, partitions
            )
        if duplicate is not None:
            duplicates.append(duplicate)
    return tuple(duplicates)


def keys_of_joins(catalog: Catalog) -> Iterator[tuple[Model, Entity]]:
    """The keys by which some model can be joined to another."""
    for entity, targets in catalog.joinable.items():
        holders = {name for name, model in catalog.models.items() if entity in model.entities}
        for target in targets:
            if holders - {target.name}:
                yield target, target.entities[entity]


def _duplicate(
    model: Model, entity: Entity, partitions: tuple[str, ...], connection: duckdb.DuckDBPyConnection
) -> DuplicateKey | None:
    try:
        row = connection.execute(duplicates_sql(model, entity, partitions)).fetchone()
    except duckdb.Error as error:
        raise ManifestError(
            f"{model.name}: whether {entity.name} is unique cannot be asked: {error}."
        ) from error
    if row is None or not row[0]:
        return None
    return DuplicateKey(model.name, entity.name, row[0], row[1], row[2])


def duplicates_sql(model: Model, entity: Entity, partitions: tuple[str, ...] = ()) -> str:
    """SQL for one row: how many values of a key have several rows, the first as text, and its rows.

    >>> values = "('a1'), ('a1'), ('a2'), ('a3'), ('a3'), (NULL), (NULL)"
    >>> _ = tables.execute(f"CREATE TABLE accounts AS SELECT * FROM (VALUES {values}) AS rows (account_id)")
    >>> accounts = Model("accounts", "accounts", "account", {}, {}, None)
    >>> show(duplicates_sql(accounts, Entity("account", "primary", "account_id")))
    2 a1 2
    """
    columns = {"key": bind(entity.expr, ROWS)}
    for n, name in enumerate(partitions):
        dimension = model.dimensions[name]
        value = bind(dimension.expr, ROWS)
        columns[f"partition_{n}"] = trunc(value, dimension.grain) if dimension.grain else value
    keys = ", ".join(columns)
    present = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    window = model.validity()
    if window is not None:
        columns |= {"valid_from": bind(window[0].expr, ROWS), "valid_until": bind(window[1].expr, ROWS)}
    listed = ", ".join(f"{value.sql('duckdb')} AS {name}" for name, value in columns.items())
    source = f"(SELECT {listed} FROM {named_table(model.relation).sql('duckdb')} AS {ROWS}) AS rows_by_key"
    if window is None:
        where, having = present, " HAVING COUNT(*) > 1"
    else:
        source = _with_next_validity(source, keys, present)
        where, having = "next_from < COALESCE(valid_until, 'infinity')", ""
    by_key = f"SELECT CAST(key AS TEXT) AS shown, COUNT(*) AS row_count FROM {source} WHERE {where}"
    return (
        f"SELECT COUNT(*), MIN(shown), ARG_MIN(row_count, shown) FROM ({by_key} GROUP BY {keys}{having}) "
        "AS duplicates"
    )


def _with_next_validity(source: str, keys: str, present: str) -> str:
    """The rows that were ever valid, each with when the next of its key begins."""
    next_from = f"LEAD(valid_from) OVER (PARTITION BY {keys} ORDER BY valid_from) AS next_from"
    ever_valid = "valid_from IS NOT NULL AND (valid_until IS NULL OR valid_from < valid_until)"
    return f"(SELECT *, {next_from} FROM {source} WHERE {present} AND {ever_valid}) AS spans"
