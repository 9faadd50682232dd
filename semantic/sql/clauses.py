"""WHERE, ORDER BY and LIMIT of semantic SQL, and its expressions over the governed answer."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from ..errors import InvalidQueryError
from .computed import check_computed
from .reading import ANSWER, Reading, grain_of, is_measure, measure_name, measures


def on_answer(node: exp.Expr, reading: Reading) -> exp.Expr:
    """An expression of the outer query, over the answer's columns: `answer.<key or metric>`."""
    if not measures(node):
        answered = reading.answered(node)
        if answered is not None:
            return answered
        if node.find(exp.Column):
            raise InvalidQueryError(f"{node.sql()[:80]} is not understood.")
        check_computed(node, node.sql()[:80])
        return node.copy()

    def swap(part: exp.Expr) -> exp.Expr:
        if is_measure(part):
            name = measure_name(part)
            reading.metrics[name] = None
            return exp.column(name, table=ANSWER, quoted=True)
        if grain_of(part) is not None or (isinstance(part, exp.Column) and part.table != ANSWER):
            return exp.column(reading.key(part), table=ANSWER, quoted=True)
        return part

    done = node.copy().transform(swap, copy=False)
    check_computed(done, node.sql()[:80])
    return done


def ordering(select: exp.Select, names: list[str], reading: Reading) -> list[exp.Expr]:
    """The sort keys: by position, by output name, or any expression of the query."""
    clause = select.args.get("order")
    sort_keys: list[exp.Expr] = []
    for sort in clause.expressions if clause is not None else []:
        node = sort.this
        aliases = {n.lower(): n for n in names}
        if isinstance(node, exp.Literal) and node.is_int:
            if not 1 <= int(node.name) <= len(names):
                raise InvalidQueryError(f"Position {node.name} is not in the select list.")
            key: exp.Expr = exp.column(names[int(node.name) - 1], quoted=True)
        elif isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            key = exp.column(aliases[node.name.lower()], quoted=True)
        else:
            key = on_answer(refuse_constant_order(node), reading)
        sort_keys.append(
            exp.Ordered(this=key, desc=sort.args.get("desc"), nulls_first=sort.args.get("nulls_first"))
        )
    return sort_keys


def refuse_constant_order(node: exp.Expr) -> exp.Expr:
    """The sort key itself: text, a fraction or NULL orders nothing, or is a name in the wrong quotes."""
    if node.find(exp.Column, exp.Func) is None:
        raise InvalidQueryError(
            f"ORDER BY {node.sql('duckdb')[:80]} is the same for every row.",
            hint="Name an output column, or give its position as a whole number.",
        )
    return node


def conditions(select: exp.Select, reading: Reading) -> tuple[list[str], list[exp.Expr]]:
    """Filters of the governed query, and constant conditions such as `false`."""
    clause = select.args.get("where")
    if clause is None:
        return [], []
    if measures(clause):
        raise InvalidQueryError("A measure cannot be filtered in WHERE.", hint="Use HAVING MEASURE(…).")
    filters, constants = [], []
    for part in _conjuncts(clause.this):
        inner = reading.over_names(part)
        check_computed(inner, part.sql()[:200])
        if inner.find(exp.Column):
            filters.append(inner.sql("duckdb"))
        else:
            constants.append(simplify(inner, dialect="duckdb"))  # 1 = 0 is false
    return filters, constants


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """What an AND requires, however it is nested in parentheses."""
    inner = node.unnest()
    if isinstance(inner, exp.And):
        return [part for operand in inner.flatten() for part in _conjuncts(operand)]
    return [node]


def limited(select: exp.Select, tree: exp.Select) -> None:
    """Copy LIMIT and OFFSET. Raises InvalidQueryError where they are no whole numbers."""
    for key in ("limit", "offset"):
        clause = select.args.get(key)
        if clause is None:
            continue
        value = clause.args.get("expression")
        if not (isinstance(value, exp.Literal) and value.is_int):
            raise InvalidQueryError(f"{key.upper()} takes a whole number.")
        tree.set(key, (exp.Limit if key == "limit" else exp.Offset)(expression=value.copy()))
