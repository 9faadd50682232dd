"""Checks of what definitions say of the data: if one fails, no release is built."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from .ast.bind import column, ident, named_table
from .definitions.catalog import Catalog, Rollup
from .errors import ManifestError, RollupError
from .plan.next_snapshot import declared_next_snapshots, wrong_snapshots_sql
from .plan.nodes import Column, Plan, Select
from .plan.to_sql import to_tree
from .query.resolve import Resolver
from .rules.rollup_columns import coverage_of, covered_expression, covered_items, fact_rows, rollup_aggregate

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
