"""SELECT … FROM metrics: one governed query, and what stands around its measures on the answer."""

from __future__ import annotations

from dataclasses import replace

import sqlglot
from sqlglot import exp

from ..ast.bind import ident
from ..definitions.restriction import Restriction
from ..errors import InvalidQueryError, UnsupportedError
from ..layer import CompiledQuery, Lineage, OutputColumn, SemanticLayer
from ..query.request import MetricQuery
from .clauses import conditions, limited, on_answer, ordering
from .grouping import check_grouped, grouping, output_name
from .reading import ANSWER, TABLE, Reading, measures


def core(
    layer: SemanticLayer, select: exp.Select, restriction: Restriction | None
) -> tuple[exp.Select, CompiledQuery]:
    clause = select.args.get("from_") or select.args.get("from")
    alias = clause.this.alias if clause is not None else ""
    reading = Reading(
        layer,
        table_names=frozenset({TABLE, alias.lower()}),
        compared_by="nanosecond" if measures(select) else "day",
    )
    outputs: list[tuple[str, exp.Expr]] = []
    for expression in select.expressions:
        inner = expression.unalias()
        if isinstance(inner, exp.Star) or (
            isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)
        ):
            raise UnsupportedError("SELECT * is not understood.", hint="Name dimensions and MEASURE(metric).")
        outputs.append((output_name(expression), inner))
    keys = grouping(select, outputs)
    check_grouped(outputs, keys, bool(select.args.get("group")), reading)
    for node in keys:
        reading.answered(node)
    columns = [(name, on_answer(node, reading)) for name, node in outputs]
    having = select.args.get("having")
    after = [on_answer(having.this, reading)] if having is not None else []
    order = ordering(select, [n for n, _ in outputs], reading)
    where, constant = conditions(select, reading)
    after += constant
    if not all(isinstance(condition, exp.Condition) for condition in after):
        raise InvalidQueryError("HAVING takes one condition.", hint="Write HAVING MEASURE(net_sales) > 0.")
    if not reading.metrics and not reading.items and not reading.computed:
        return _constants(layer, columns, select, after)
    query = MetricQuery(
        metrics=list(reading.metrics), group_by=list(reading.items), where=where,
        computed=[(n, t) for t, n in reading.computed.items()],
    )  # fmt: skip
    compiled = layer.compile(query, restriction=restriction)
    names = _answer_names(layer, reading, compiled)
    inner = sqlglot.parse_one(compiled.sql, dialect="duckdb")
    tree = exp.select(*[exp.alias_(_renamed(e, names), ident(n)) for n, e in columns])
    tree = tree.from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=ident(ANSWER))))
    if select.args.get("distinct"):
        tree.set("distinct", exp.Distinct())
    for condition in after:
        tree = tree.where(_renamed(condition, names), copy=False)
    if order:
        tree.set("order", exp.Order(expressions=[_renamed(o, names) for o in order]))
    limited(select, tree)
    described = {c.name: c for c in compiled.columns}
    output_columns = tuple(_described(n, e, names, described) for n, e in columns)
    return tree, replace(compiled, columns=output_columns, key=hash((compiled.key, tree.sql())))


def _constants(
    layer: SemanticLayer, columns: list[tuple[str, exp.Expr]], select: exp.Select, after: list[exp.Expr]
) -> tuple[exp.Select, CompiledQuery]:
    """A probe such as `SELECT 1 FROM metrics WHERE … AND false`: no data is touched."""
    where = select.args.get("where")
    if where is None or not any(isinstance(c, exp.Boolean) and not c.this for c in after):
        raise UnsupportedError(
            "The SELECT names neither a dimension nor a measure.", hint="Add MEASURE(metric)."
        )
    tree = exp.select(*[exp.alias_(e.copy(), ident(n)) for n, e in columns]).where(exp.false())
    output_columns = tuple(OutputColumn(n, "dimension", n) for n, _ in columns)
    empty = Lineage((), (), (), {n: () for n, _ in columns})
    return tree, CompiledQuery(tree.sql("duckdb"), output_columns, empty, "duckdb", key=hash(tree.sql()))


def _answer_names(layer: SemanticLayer, reading: Reading, compiled: CompiledQuery) -> dict[str, str]:
    """Names as asked to names as answered (a grain may have been settled or coarsened)."""
    keys = [c.name for c in compiled.columns][: len(reading.items) + len(reading.computed)]
    asked = [*reading.items, *reading.computed.values()]
    return {**dict(zip(asked, keys, strict=False)), **{m: m for m in reading.metrics}}


def _renamed(node: exp.Expr, names: dict[str, str]) -> exp.Expr:
    def swap(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column) and part.table == ANSWER:
            return exp.Column(this=ident(names.get(part.name, part.name)), table=ident(ANSWER))
        return part

    return node.copy().transform(swap, copy=False)


def _described(
    name: str, node: exp.Expr, names: dict[str, str], answer_columns: dict[str, OutputColumn]
) -> OutputColumn:
    if isinstance(node, exp.Column):
        column = answer_columns.get(names.get(node.name, node.name))
        if column is not None:
            return replace(column, name=name)
    kind = "metric" if node.find(exp.Column) else "dimension"
    return OutputColumn(name, kind, name)
