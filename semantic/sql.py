"""Semantic SQL: the SELECT that people and BI tools write over `metrics`, onto the governed metric query.

    SELECT product__department, DATE_TRUNC('week', metric_time) AS week, MEASURE(net_sales)
    FROM metrics WHERE location__region = 'East' GROUP BY ALL HAVING MEASURE(net_sales) > 0 ORDER BY 3 DESC

The metrics are compiled as one governed query; what stands around them (aliases, arithmetic on measures,
HAVING, ORDER BY, LIMIT, a COUNT(*) over the whole) is computed on its answer. A name is the source column
in WHERE and GROUP BY and the output column in ORDER BY. Anything else is refused with what to write instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .errors import InvalidQueryError, UnsupportedError
from .expressions import check_scalar, ident
from .grains import RANK
from .layer import CompiledQuery, OutputColumn, SemanticLayer
from .query import METRIC_TIME, MetricQuery
from .restriction import Restriction

TABLE = "metrics"
ANSWER = "answer"
LONGEST_SQL = 100_000
WRAPPER_AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg)


def parse_semantic_sql(
    layer: SemanticLayer, sql: str, restriction: Restriction | None = None, dialect: str = "duckdb"
) -> CompiledQuery:
    """A SELECT over `metrics` as a compiled, governed query.

    Raises InvalidQueryError or UnsupportedError (with what to write instead) for any other SQL, and what
    SemanticLayer.compile raises for unknown names.
    """
    select = _statement(sql)
    tree, compiled = _query(layer, select, restriction)
    return replace(compiled, sql=tree.sql(dialect=dialect, pretty=True), dialect=dialect)


def _statement(sql: str) -> exp.Select:
    if not isinstance(sql, str) or not sql.strip() or len(sql) > LONGEST_SQL:
        raise InvalidQueryError("The SQL must be one SELECT of reasonable length.")
    try:
        statements = [s for s in sqlglot.parse(sql, dialect="duckdb") if s is not None]
    except (SqlglotError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise InvalidQueryError("The SQL cannot be parsed.", hint="Write SELECT … FROM metrics.") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise UnsupportedError("Only one SELECT is understood.", hint="Write SELECT … FROM metrics.")
    return statements[0]


def _query(
    layer: SemanticLayer, select: exp.Select, restriction: Restriction | None
) -> tuple[exp.Select, CompiledQuery]:
    _refuse(select)
    clause = select.args.get("from_") or select.args.get("from")
    if clause is None:
        raise UnsupportedError("The SELECT reads from nothing.", hint="Add FROM metrics.")
    source = clause.this
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Select):
        if any(v for k, v in source.args.items() if k not in ("this", "alias")):
            raise UnsupportedError(
                "Only a plain subquery can be read.", hint="Write FROM (SELECT …) AS name."
            )
        return _wrapper(layer, select, source, restriction)
    plain = isinstance(source, exp.Table) and not any(
        v for k, v in source.args.items() if k not in TABLE_PARTS
    )
    if not plain or source.name.lower() != TABLE:
        raise UnsupportedError(f"{source.sql()[:80]} cannot be read.", hint="Write FROM metrics.")
    return _core(layer, select, restriction)


CLAUSES = frozenset(
    {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "distinct"}
)
TABLE_PARTS = frozenset({"this", "db", "catalog", "alias"})


def _refuse(select: exp.Select) -> None:
    """Raises UnsupportedError for every clause that is not understood."""
    for key, value in select.args.items():
        if value and key not in CLAUSES:
            name = "JOIN" if key == "joins" else key.rstrip("_").upper()
            raise UnsupportedError(
                f"{name} is not understood.",
                hint="Metrics join their dimensions themselves: SELECT … FROM metrics.",
            )
    distinct, group = select.args.get("distinct"), select.args.get("group")
    if distinct is not None and distinct.args.get("on"):
        raise UnsupportedError("DISTINCT ON is not understood.", hint="Use GROUP BY.")
    if group is not None and any(v for k, v in group.args.items() if k not in ("expressions", "all")):
        raise UnsupportedError(
            "ROLLUP, CUBE and GROUPING SETS are not understood.", hint="Ask for each level."
        )


# -- SELECT … FROM metrics --------------------------------------------------------------------------------


@dataclass
class Reading:
    """What the core query needs: collected while its expressions are read."""

    layer: SemanticLayer
    metrics: dict[str, None] = field(default_factory=dict)
    items: dict[str, None] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    table_names: frozenset[str] = frozenset({TABLE})

    def key(self, node: exp.Expr) -> str:
        """The key column that an expression without measures is grouped by."""
        inner = self.over_names(node)
        if isinstance(inner, exp.Column):
            self.items[inner.name] = None
            return inner.name
        text = inner.sql("duckdb")
        if not list(inner.find_all(exp.Column)):
            return ""
        check_scalar(inner, text)
        return self.computed.setdefault(text, f"computed_{len(self.computed) + 1}")

    def over_names(self, node: exp.Expr) -> exp.Expr:
        """The expression with time truncations and columns as dunder names."""
        return node.copy().transform(self._name, copy=False)

    def _name(self, node: exp.Expr) -> exp.Expr:
        grain = _grain(node)
        if grain is not None:
            inner = node.this
            while isinstance(inner, exp.Cast):
                inner = inner.this
            if isinstance(inner, exp.Column):
                name = self._column_name(inner)
                base = name.rsplit("__", 1)[0] if name.rsplit("__", 1)[-1] in RANK else name
                return exp.column(f"{base}__{grain}", quoted=True)
        if isinstance(node, exp.Column):
            name = self._column_name(node)
            return exp.column(f"{METRIC_TIME}__day" if name == METRIC_TIME else name, quoted=True)
        return node

    def _column_name(self, node: exp.Column) -> str:
        if node.table and node.table.lower() not in self.table_names:
            raise InvalidQueryError(f"{node.sql()[:80]} is no column of metrics.")
        name = node.name.lower()
        return name


def _grain(node: exp.Expr) -> str | None:
    if isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
        unit = str(node.text("unit") or node.args["unit"].name).strip("'").lower()
        if unit not in RANK:
            raise InvalidQueryError(
                f"DATE_TRUNC by {unit[:40]} is not understood.", hint="Use day, week, month …"
            )
        return unit
    return None


def _is_measure(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == "MEASURE"


def _measures(node: exp.Expr) -> list[exp.Expr]:
    return [n for n in node.walk() if _is_measure(n)]


def _measure_name(node: exp.Expr) -> str:
    args = node.expressions
    if len(args) != 1 or not isinstance(args[0], exp.Column):
        raise InvalidQueryError("MEASURE takes the name of one metric.", hint="Write MEASURE(net_sales).")
    return args[0].name.lower()


def _core(
    layer: SemanticLayer, select: exp.Select, restriction: Restriction | None
) -> tuple[exp.Select, CompiledQuery]:
    clause = select.args.get("from_") or select.args.get("from")
    alias = clause.this.alias if clause is not None else ""
    reading = Reading(layer, table_names=frozenset({TABLE, alias.lower()}))
    outputs: list[tuple[str, exp.Expr]] = []
    for expression in select.expressions:
        inner = expression.unalias()
        if isinstance(inner, exp.Star) or (
            isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)
        ):
            raise UnsupportedError("SELECT * is not understood.", hint="Name dimensions and MEASURE(metric).")
        outputs.append((_output_name(expression), inner))
    grouping = _grouping(select, outputs)
    _check_grouped(outputs, grouping, bool(select.args.get("group")), reading)
    for node in grouping:
        reading.key(node)
    columns = [(name, _on_answer(node, reading)) for name, node in outputs]
    having = select.args.get("having")
    after = [_on_answer(having.this, reading)] if having is not None else []
    order = _order(select, [n for n, _ in outputs], reading)
    where, constant = _where(select, reading)
    after += constant
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
    _limit(select, tree)
    described = {c.name: c for c in compiled.columns}
    shown = tuple(_described(n, e, names, described) for n, e in columns)
    return tree, replace(compiled, columns=shown, key=hash((compiled.key, tree.sql())))


def _output_name(expression: exp.Expr) -> str:
    if isinstance(expression, exp.Alias):
        return str(expression.alias)
    if isinstance(expression, exp.Column):
        return str(expression.name)
    if _is_measure(expression):
        return _measure_name(expression)
    if _grain(expression) is not None:
        column = expression.find(exp.Column)
        return f"{column.name}__{_grain(expression)}" if column is not None else "column"
    return str(expression.output_name or expression.sql("duckdb")[:60])


def _grouping(select: exp.Select, outputs: list[tuple[str, exp.Expr]]) -> list[exp.Expr]:
    """The expressions grouped by: written out, by position, or ALL."""
    keys = [node for _, node in outputs if not _measures(node)]
    group = select.args.get("group")
    if group is None:
        return [k for k in keys if not any(_measures(n) for _, n in outputs)]
    if group.args.get("all"):
        return keys
    found = []
    for node in group.expressions:
        if isinstance(node, exp.Literal) and node.is_int:
            found.append(_at(outputs, int(node.name)))
        elif isinstance(node, exp.Column) and node.name.lower() == "all" and not node.table:
            return keys
        else:
            found.append(_by_alias(node, outputs))
    return found


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


def _check_grouped(
    outputs: list[tuple[str, exp.Expr]], grouping: list[exp.Expr], has_group: bool, reading: Reading
) -> None:
    keys = {reading.over_names(g).sql("duckdb") for g in grouping}
    for name, node in outputs:
        if _measures(node) or not node.find(exp.Column):
            continue
        if reading.over_names(node).sql("duckdb") in keys:
            continue
        if (
            isinstance(node, exp.Column)
            and node.name.lower() in reading.layer.catalog.metrics
            and not has_group
        ):
            raise InvalidQueryError(f"{name} is a metric.", hint=f"Write MEASURE({node.name}).")
        raise InvalidQueryError(f"{name} is neither grouped nor a measure.", hint="Add GROUP BY ALL.")


def _on_answer(node: exp.Expr, reading: Reading) -> exp.Expr:
    """An expression of the outer query, over the answer's columns: `answer.<key or metric>`."""
    if not _measures(node):
        key = reading.key(node)
        if key:
            return exp.column(key, table=ANSWER, quoted=True)
        if node.find(exp.Column):
            raise InvalidQueryError(f"{node.sql()[:80]} is not understood.")
        check_scalar(node, node.sql()[:80])
        return node.copy()

    def swap(part: exp.Expr) -> exp.Expr:
        if _is_measure(part):
            name = _measure_name(part)
            reading.metrics[name] = None
            return exp.column(name, table=ANSWER, quoted=True)
        if _grain(part) is not None or (isinstance(part, exp.Column) and part.table != ANSWER):
            return exp.column(reading.key(part), table=ANSWER, quoted=True)
        return part

    done = node.copy().transform(swap, copy=False)
    check_scalar(done, node.sql()[:80])
    return done


def _order(select: exp.Select, names: list[str], reading: Reading) -> list[exp.Expr]:
    clause = select.args.get("order")
    found: list[exp.Expr] = []
    for ordered in clause.expressions if clause is not None else []:
        node = ordered.this
        aliases = {n.lower(): n for n in names}
        if isinstance(node, exp.Literal) and node.is_int:
            if not 1 <= int(node.name) <= len(names):
                raise InvalidQueryError(f"Position {node.name} is not in the select list.")
            key: exp.Expr = exp.column(names[int(node.name) - 1], quoted=True)
        elif isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            key = exp.column(aliases[node.name.lower()], quoted=True)
        else:
            key = _on_answer(node, reading)
        found.append(
            exp.Ordered(this=key, desc=ordered.args.get("desc"), nulls_first=ordered.args.get("nulls_first"))
        )
    return found


def _where(select: exp.Select, reading: Reading) -> tuple[list[str], list[exp.Expr]]:
    """Filters of the governed query, and constant conditions such as `false`."""
    clause = select.args.get("where")
    if clause is None:
        return [], []
    if _measures(clause):
        raise InvalidQueryError("A measure cannot be filtered in WHERE.", hint="Use HAVING MEASURE(…).")
    filters, constants = [], []
    for part in _conjuncts(clause.this):
        inner = reading.over_names(part)
        check_scalar(inner, part.sql()[:200])
        if inner.find(exp.Column):
            filters.append(inner.sql("duckdb"))
        else:
            constants.append(inner)
    return filters, constants


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Paren):
        return _conjuncts(node.this) if isinstance(node.this, (exp.And, exp.Paren)) else [node]
    if isinstance(node, exp.And):
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


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
    from .layer import Lineage

    shown = tuple(OutputColumn(n, "dimension", n) for n, _ in columns)
    empty = Lineage((), (), (), {n: () for n, _ in columns})
    return tree, CompiledQuery(tree.sql("duckdb"), shown, empty, "duckdb", key=hash(tree.sql()))


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
    name: str, node: exp.Expr, names: dict[str, str], known: dict[str, OutputColumn]
) -> OutputColumn:
    if isinstance(node, exp.Column):
        found = known.get(names.get(node.name, node.name))
        if found is not None:
            return replace(found, name=name)
    kind = "metric" if node.find(exp.Column) else "dimension"
    return OutputColumn(name, kind, name)


def _limit(select: exp.Select, tree: exp.Select) -> None:
    for key in ("limit", "offset"):
        clause = select.args.get(key)
        if clause is None:
            continue
        value = clause.args.get("expression")
        if not (isinstance(value, exp.Literal) and value.is_int):
            raise InvalidQueryError(f"{key.upper()} takes a whole number.")
        tree.set(key, (exp.Limit if key == "limit" else exp.Offset)(expression=value.copy()))


# -- SELECT … FROM (SELECT … FROM metrics) ----------------------------------------------------------------


def _wrapper(
    layer: SemanticLayer, select: exp.Select, source: exp.Subquery, restriction: Restriction | None
) -> tuple[exp.Select, CompiledQuery]:
    """A plain SELECT around a semantic query: its columns, counts of its rows, filters, order, limit."""
    assert_inner = source.this
    tree, compiled = _query(layer, assert_inner, restriction)
    inner = {c.name.lower(): c for c in compiled.columns}
    alias = source.alias or "inner_query"
    outer = exp.Select()
    columns: list[OutputColumn] = []
    shown: list[exp.Expr] = []
    for expression in select.expressions:
        if isinstance(expression, exp.Star):
            shown += [exp.column(ident(c.name), table=ident(alias)) for c in compiled.columns]
            columns += compiled.columns
            continue
        body = _outer_expression(expression.unalias(), inner, alias)
        name = expression.alias_or_name or expression.sql("duckdb")[:60]
        shown.append(exp.alias_(body, ident(name)))
        columns.append(replace(inner.get(name.lower(), OutputColumn(name, "metric", name)), name=name))
    outer.set("expressions", shown)
    outer = outer.from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=ident(alias))), copy=False)
    where = select.args.get("where")
    if where is not None:
        outer = outer.where(_outer_expression(where.this, inner, alias), copy=False)
    group = select.args.get("group")
    if group is not None:
        if group.args.get("all"):
            outer.set("group", exp.Group(all=True))
        else:
            keys = [_outer_expression(g, inner, alias, literals=True) for g in group.expressions]
            outer.set("group", exp.Group(expressions=keys))
    having = select.args.get("having")
    if having is not None:
        outer = outer.having(_outer_expression(having.this, inner, alias), copy=False)
    order = select.args.get("order")
    if order is not None:
        aliases = {c.name.lower() for c in columns}
        keys = []
        for o in order.expressions:
            by_alias = isinstance(o.this, exp.Column) and o.this.name.lower() in aliases
            body = (
                exp.column(o.this.name, quoted=True) if by_alias else _outer_expression(o.this, inner, alias)
            )
            keys.append(
                exp.Ordered(this=body, desc=o.args.get("desc"), nulls_first=o.args.get("nulls_first"))
            )
        outer.set("order", exp.Order(expressions=keys))
    if select.args.get("distinct"):
        outer.set("distinct", exp.Distinct())
    _limit(select, outer)
    return outer, replace(compiled, columns=tuple(columns), key=hash(outer.sql()))


def _outer_expression(
    node: exp.Expr, inner: dict[str, OutputColumn], alias: str, *, literals: bool = False
) -> exp.Expr:
    def swap(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column):
            found = inner.get(part.name.lower())
            if found is None or (part.table and part.table.lower() != alias.lower()):
                raise InvalidQueryError(f"{part.sql()[:80]} is no column of the inner query.")
            return exp.Column(this=ident(found.name), table=ident(alias))
        return part

    done = node.copy().transform(swap, copy=False)
    for aggregate in list(done.find_all(*WRAPPER_AGGREGATES)):
        argument = (
            aggregate.this.expressions[0] if isinstance(aggregate.this, exp.Distinct) else aggregate.this
        )
        if not isinstance(argument, (exp.Star, exp.Column)):
            raise UnsupportedError(
                f"{node.sql()[:80]} is not understood.", hint="Aggregate a column of the inner query."
            )
    scalar = done.copy()
    if isinstance(scalar, WRAPPER_AGGREGATES):
        return done
    for aggregate in list(scalar.find_all(*WRAPPER_AGGREGATES)):
        aggregate.replace(exp.null())
    check_scalar(scalar, node.sql()[:80])
    return done
