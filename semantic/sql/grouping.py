"""What a semantic SELECT shows and groups by: written out, by position, by alias, or ALL."""

from __future__ import annotations

from sqlglot import exp

from ..errors import InvalidQueryError, UnsupportedError
from ..query.request import METRIC_TIME
from .reading import Reading, grain_of, is_measure, measure_name, measures

LONGEST_HINT = 60


def output_name(expression: exp.Expr) -> str:
    if isinstance(expression, exp.Alias):
        return str(expression.alias) or output_name(expression.this)
    if isinstance(expression, exp.Column):
        return str(expression.name)
    if is_measure(expression):
        return measure_name(expression)
    if grain_of(expression) is not None:
        column = expression.find(exp.Column)
        return f"{column.name}__{grain_of(expression)}" if column is not None else "column"
    return str(expression.output_name or expression.sql("duckdb")[:60])


def grouping(select: exp.Select, outputs: list[tuple[str, exp.Expr]]) -> list[exp.Expr]:
    """The expressions grouped by: written out, by position, or ALL."""
    keys = [node for _, node in outputs if not measures(node)]
    group = select.args.get("group")
    if group is None:
        return [k for k in keys if not any(measures(n) for _, n in outputs)]
    if group.args.get("all"):
        return keys
    grouped = []
    for node in group.expressions:
        if isinstance(node, exp.Literal) and node.is_int:
            grouped.append(_at(outputs, int(node.name)))
        elif isinstance(node, exp.Column) and node.name.lower() == "all" and not node.table:
            return keys
        else:
            grouped.append(_by_alias(node, outputs))
    return grouped


def _by_alias(node: exp.Expr, outputs: list[tuple[str, exp.Expr]]) -> exp.Expr:
    """In GROUP BY a name is the source column; only a name that is an alias of something else is that."""
    if isinstance(node, exp.Column) and not node.table and "__" not in node.name and node.name != METRIC_TIME:
        for name, expression in outputs:
            if name.lower() == node.name.lower():
                return expression
    return node


def _at(outputs: list[tuple[str, exp.Expr]], position: int) -> exp.Expr:
    if not 1 <= position <= len(outputs):
        raise InvalidQueryError(f"Position {position} is not in the select list.")
    return outputs[position - 1][1]


def check_grouped(
    outputs: list[tuple[str, exp.Expr]], grouping: list[exp.Expr], has_group: bool, reading: Reading
) -> None:
    keys = {reading.over_names(g).sql("duckdb") for g in grouping}
    for name, node in outputs:
        aggregate = node.find(exp.AggFunc)
        if aggregate is not None:
            raise UnsupportedError(
                f"{name[:80]} aggregates, and metrics do so themselves.", hint=_instead(aggregate)
            )
        if measures(node) or not node.find(exp.Column):
            continue
        if reading.over_names(node).sql("duckdb") in keys:
            continue
        hint = "Add GROUP BY ALL."
        if isinstance(node, exp.Column) and not has_group:
            hint = f"Add GROUP BY ALL, or write MEASURE({node.name}) if it is a metric."
        raise InvalidQueryError(f"{name} is neither grouped nor a measure.", hint=hint)


def _instead(aggregate: exp.Expr) -> str:
    """What to write instead of an aggregate over `metrics`: the same for a metric and for what is none.

    Nothing is looked up here, so nothing tells whether there is a metric that the reader may not see.
    """
    column = aggregate.find(exp.Column)
    what = "COUNT(*)" if column is None else aggregate.sql("duckdb")
    if len(what) > LONGEST_HINT:
        what = f"{what.partition('(')[0]}(…)"
    name = "" if column is None else column.name.lower()
    inside = {METRIC_TIME: f"{METRIC_TIME}, MEASURE(…)"}.get(name, name if "__" in name else "…")
    instead = (
        f"Aggregate around a query: SELECT {what} FROM (SELECT {inside} FROM metrics GROUP BY ALL) AS q."
    )
    if not name or "__" in name or name == METRIC_TIME:
        return instead
    return f"Write MEASURE({name}) if it is a metric. {instead}"
