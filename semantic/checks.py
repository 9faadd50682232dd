"""What definitions claim of the data, held against it: where a claim is wrong, no release is built."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from .ast.bind import column, ident, named_table
from .definitions.catalog import Catalog, Rollup
from .errors import ManifestError, RollupError
from .plan.next_snapshot import declaring, miscounted_sql
from .plan.nodes import Column, Plan, Select
from .plan.to_sql import render
from .query.resolve import Resolver
from .rules.rollup_columns import fact_rows, held, kept_by, kept_expression, kept_items

TOLERANCE = 1e-9
"""Relative; sums of floating point depend on the order of the rows."""


def difference_sql(rollup: Rollup, catalog: Catalog, resolver: Resolver) -> str:
    """SQL that counts the groups in which a rollup differs from its fact: missing, twice, or another number.

    Raises RollupError where the declaration names what does not exist.
    """
    fact = kept_by(rollup, catalog, resolver).fact
    rows = fact_rows(catalog, resolver, fact)
    keys = tuple(Column(c, kept_expression(rows, item, rollup)) for item, c in kept_items(rollup, catalog))
    values = tuple(Column(m.column, held(rollup, m.agg, m.expr, rows.alias)) for m in rollup.measures)
    mine = render(Plan(Select(rows.source, keys, values, tuple(rows.joins), grouped=True)))
    names = [c.name for c in (*keys, *values)]
    theirs = exp.select(*(column("rollup", n) for n in names))
    theirs = theirs.from_(exp.alias_(named_table(rollup.relation), "rollup", table=True))
    ours = exp.select(*map(ident, names), exp.alias_(exp.true(), "is_fact")).from_(mine.subquery("fact"))
    both = exp.union(ours, theirs.select(exp.alias_(exp.false(), "is_fact")), distinct=False)
    wrong = ["COUNT(*) FILTER (WHERE is_fact) <> 1", "COUNT(*) FILTER (WHERE NOT is_fact) <> 1"]
    for measure in rollup.measures:
        value = ident(measure.column).sql("duckdb")
        far = f"MAX({value}) <> MIN({value})"
        if measure.agg in ("sum", "sum_boolean"):
            far = f"MAX({value}) - MIN({value}) > {TOLERANCE} * GREATEST(1, ABS(MAX({value})))"
        wrong += [f"COUNT({value}) = 1", far]
    grouped = ", ".join(ident(k.name).sql("duckdb") for k in keys)
    return (
        f"SELECT COUNT(*) FROM (SELECT {grouped} FROM ({both.sql('duckdb')}) AS sides "
        f"GROUP BY {grouped} HAVING {' OR '.join(wrong)}) AS differing"
    )


def check_next_counts(catalog: Catalog, connection: duckdb.DuckDBPyConnection) -> None:
    """Raises ManifestError naming the first model whose rows tell another next count than there is."""
    for model, declared in declaring(catalog):
        found = connection.execute(miscounted_sql(model, declared)).fetchone()
        if found is None or found[0]:
            raise ManifestError(
                f"{model.name}: {declared.day.name} is not the day of the next row of "
                f"({', '.join(sorted(declared.of))}) in {found and found[0]} rows.",
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
            found = connection.execute(sql).fetchone()
        except duckdb.Error as error:
            raise RollupError(
                f"The rollup {rollup.name} cannot be held against {rollup.of}: {error}"
            ) from error
        if found is None or found[0]:
            raise RollupError(
                f"The rollup {rollup.name} differs from {rollup.of} in {found and found[0]} groups.",
                hint="Its SQL must group the fact by what `keeps` says, and aggregate as `measures` says.",
                code="rollup-differs",
            )
