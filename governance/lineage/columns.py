"""Columns behind the columns of one SQL query.

Direct origins are what a value is made of; deciding columns are what decides which rows there are (WHERE,
JOIN, GROUP BY, HAVING, QUALIFY). An output that is not constant and has no origin is `lost`, never left out
in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from governance.errors import LineageError
from governance.json_types import JsonObject

_DECIDING = (exp.Where, exp.Having, exp.Qualify, exp.Group, exp.Join)


@dataclass(frozen=True)
class Tables:
    """What a query may read: `schema` as sqlglot wants it, and ids by `catalog.schema.table`."""

    schema: JsonObject
    ids: Mapping[str, str]

    def id_of(self, table: exp.Table) -> str | None:
        """The table's name in the graph."""
        return self.ids.get(f"{table.catalog}.{table.db}.{table.name}".lower())


@dataclass(frozen=True)
class QueryLineage:
    """Origins by output column, as `column.<table>.<column>`; `lost` are outputs without one."""

    outputs: Mapping[str, frozenset[str]]
    deciding: frozenset[str]
    lost: frozenset[str]

    @property
    def read(self) -> frozenset[str]:
        """Every column that the query reads."""
        return self.deciding.union(*self.outputs.values())


def query_lineage(sql: str, tables: Tables) -> QueryLineage:
    """Trace one DuckDB query. Raises LineageError if it does not parse or resolve."""
    try:
        tree = qualify(
            sqlglot.parse_one(sql, dialect="duckdb"),
            dialect="duckdb",
            schema=dict(tables.schema),
            validate_qualify_columns=False,
        )
        scope = build_scope(tree)
        if scope is None:
            raise SqlglotError("not a query")
        nodes = lineage(None, tree, dict(tables.schema), dialect="duckdb", scope=scope, trim_selects=False)
    except (SqlglotError, KeyError, ValueError, RecursionError) as error:
        raise LineageError(str(error).splitlines()[0][:200]) from error
    outputs, lost = {}, set()
    for name in (select.alias_or_name for select in _selects(tree)):
        node = nodes.get(name)
        origins = frozenset() if node is None else frozenset(_origins(node, tables))
        outputs[name] = frozenset(origin for origin in origins if origin)
        if name == "*" or node is None or "" in origins or (not origins and not _is_constant(node)):
            lost.add(name)
    deciding = frozenset(origin for origin in _deciding(scope, tables) if origin)
    return QueryLineage(outputs, deciding, frozenset(lost))


def _origins(node: Node, tables: Tables) -> Iterator[str]:
    """Base columns behind an output; an empty string for one whose table or name was lost."""
    for origin in node.walk():
        if origin.downstream:
            continue
        if isinstance(origin.expression, exp.Table):
            column = origin.name.rpartition(".")[2].strip('"')
            table = tables.id_of(origin.expression)
            yield f"column.{table}.{column}" if table and column != "*" else ""
        elif isinstance(origin.expression, exp.Expression) and _lost(origin.expression):
            yield ""


def _lost(expression: Any) -> bool:
    """An origin that still reads columns: their origin was not followed."""
    return any(True for _ in expression.find_all(exp.Column)) and not expression.find(exp.Unnest)


def _is_constant(node: Node) -> bool:
    """Made of literals, row counts and generated series alone."""
    return all(not _lost(origin.expression) for origin in node.walk() if not origin.downstream)


def _deciding(root: Scope, tables: Tables) -> Iterator[str]:
    for scope in root.traverse():
        for kind in _DECIDING:
            for clause in scope.find_all(kind):
                for column in clause.find_all(exp.Column):
                    yield from _resolve(column, scope, tables)


def _resolve(column: exp.Column, scope: Scope, tables: Tables, depth: int = 0) -> Iterator[str]:
    """Base columns behind one column of a scope, through subqueries and CTEs."""
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        table = tables.id_of(source)
        yield f"column.{table}.{column.name}" if table else ""
    elif isinstance(source, Scope) and depth < 50:
        names = [select.alias_or_name for select in _selects(source.expression)]
        if column.name in names:
            for branch in _branches(source):
                select = _selects(branch.expression)[names.index(column.name)]
                for inner in select.find_all(exp.Column):
                    yield from _resolve(inner, branch, tables, depth + 1)


def _branches(scope: Scope) -> list[Scope]:
    """The parts of a union, matched by position; a plain query is its own."""
    inner = getattr(scope, "set_operation_scopes", None) or getattr(scope, "union_scopes", None) or []
    return [part for branch in inner for part in _branches(branch)] or [scope]


def _selects(expression: Any) -> list[exp.Expression]:
    return list(expression.selects)
