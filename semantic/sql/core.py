"""SELECT … FROM metrics: one governed query, and what stands around its measures on the answer."""

from __future__ import annotations

from sqlglot import exp

from ..errors import InvalidQueryError, UnsupportedError
from ..query.parse import QueryParser
from ..query.parsed import ParsedQuery
from ..query.request import MetricQuery
from .clauses import conditions, on_answer, ordering
from .grouping import check_grouped, grouping, output_name
from .reading import TABLE, Reading, measures
from .shape import CoreShape


def core(parser: QueryParser, select: exp.Select) -> ParsedQuery:
    """The governed query of a SELECT, with the rest of the SELECT as its shape."""
    clause = select.args.get("from_") or select.args.get("from")
    alias = clause.this.alias if clause is not None else ""
    reading = Reading(
        table_names=frozenset({TABLE, alias.lower()}),
        compared_by="nanosecond" if measures(select) else "day",
    )
    outputs = _outputs(select)
    keys = grouping(select, outputs)
    check_grouped(outputs, keys, bool(select.args.get("group")), reading)
    for node in keys:
        reading.answered(node)
    columns = tuple((name, on_answer(node, reading)) for name, node in outputs)
    having = select.args.get("having")
    after = [on_answer(having.this, reading)] if having is not None else []
    order = ordering(select, [n for n, _ in outputs], reading)
    where, constant = conditions(select, reading)
    after += constant
    if not all(isinstance(condition, exp.Condition) for condition in after):
        raise InvalidQueryError("HAVING takes one condition.", hint="Write HAVING MEASURE(net_sales) > 0.")
    asked = (*reading.items, *reading.computed.values())
    shape = CoreShape(select.sql("duckdb"), select, columns, tuple(after), tuple(order), asked)
    if not reading.metrics and not asked:
        _check_constant(select, after)
        return ParsedQuery(shape=shape)
    query = MetricQuery(
        metrics=list(reading.metrics), group_by=list(reading.items), where=where,
        computed=[(n, t) for t, n in reading.computed.items()],
    )  # fmt: skip
    return parser.parse(query, shape)


def _outputs(select: exp.Select) -> list[tuple[str, exp.Expr]]:
    """The select list: names and expressions. Raises UnsupportedError for a star."""
    outputs: list[tuple[str, exp.Expr]] = []
    for expression in select.expressions:
        inner = expression.unalias()
        if isinstance(inner, exp.Star) or (
            isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)
        ):
            raise UnsupportedError("SELECT * is not understood.", hint="Name dimensions and MEASURE(metric).")
        outputs.append((output_name(expression), inner))
    return outputs


def _check_constant(select: exp.Select, after: list[exp.Expr]) -> None:
    """Raises UnsupportedError unless it is a probe such as `SELECT 1 FROM metrics WHERE … AND false`."""
    if select.args.get("where") is None or not any(isinstance(c, exp.Boolean) and not c.this for c in after):
        raise UnsupportedError(
            "The SELECT names neither a dimension nor a measure.", hint="Add MEASURE(metric)."
        )
