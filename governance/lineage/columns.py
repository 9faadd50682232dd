"""Column-level lineage: parse what dbt compiled, model by model, against the columns that were built.

Direct edges say which columns a value is made of; indirect ones which columns decide what rows there are
(WHERE, JOIN, GROUP BY, HAVING, QUALIFY), gathered in one node `rows.<model>` per model. A column without
an origin that is no constant is named in `unresolved`, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from governance.lineage.dbt_nodes import Manifest, measures_of, node_ids, own_models
from governance.lineage.graph import Edge, Node

_DECIDING = (exp.Where, exp.Having, exp.Qualify, exp.Group, exp.Join)
_SOURCE = "source"  # the catalog under which sources are parsed; their own relations are file functions


@dataclass
class ColumnLineage:
    """What was found; `facts` counts columns and the share resolved."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    unresolved: list[tuple[str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def column_lineage(manifest: Manifest, semantic: Manifest, warehouse: Path) -> ColumnLineage:
    """Every column of every built model, and the columns behind every metric."""
    found = ColumnLineage()
    built = _built_columns(warehouse)
    tables = _tables(manifest)
    schema = _schema(manifest, built)
    total = 0
    for uid, name in node_ids(manifest).items():
        node = manifest["nodes"].get(uid)
        if node is None or not node.get("compiled_code"):
            continue
        total += _model(found, node["compiled_code"], name.partition(".")[2], manifest, (schema, tables))
    _metrics(found, semantic)
    known = {node.id for node in found.nodes}
    extra = {edge.source for edge in found.edges} | {edge.target for edge in found.edges}
    found.nodes += [Node(name, "column") for name in sorted(extra - known) if not name.startswith("metric.")]
    lost = sum(1 for name, _ in found.unresolved if name.startswith("column."))
    found.facts = {"columns": total, "resolved_share": round(1 - lost / total, 4) if total else 0.0}
    return found


def _model(
    found: ColumnLineage, sql: str, model: str, manifest: Manifest, against: tuple[Any, Mapping[str, str]]
) -> int:
    schema, tables = against
    for source in manifest["sources"].values():
        sql = sql.replace(
            source["relation_name"], f'"{_SOURCE}"."{source["source_name"]}"."{source["name"]}"'
        )
    try:
        tree = qualify(
            sqlglot.parse_one(sql, dialect="duckdb"),
            dialect="duckdb",
            schema=schema,
            validate_qualify_columns=False,
        )
        scope = build_scope(tree)
        if scope is None:
            raise SqlglotError("not a query")
        origins = lineage(None, tree, schema, dialect="duckdb", scope=scope, trim_selects=False)
    except (SqlglotError, KeyError, ValueError, RecursionError) as error:
        found.unresolved.append((f"model.{model}", str(error).splitlines()[0][:200]))
        return 0
    names = [select.alias_or_name for select in _selects(tree)]
    for name in names:
        target = f"column.{model}.{name}"
        found.nodes.append(Node(target, "column"))
        found.edges.append(Edge(f"rows.{model}", target, "indirect", "column"))
        node = origins.get(name)
        leaves = set() if node is None else set(_leaves(node, tables))
        found.edges += [Edge(leaf, target, "direct", "column") for leaf in sorted(leaves) if leaf]
        if name == "*" or node is None or "" in leaves or (not leaves and not _is_constant(node)):
            found.unresolved.append((target, "no origin was found for a column that is not constant"))
    deciding = {leaf for leaf in _deciding(scope, tables) if leaf}
    found.nodes.append(Node(f"rows.{model}", "column", "which rows there are"))
    found.edges += [Edge(leaf, f"rows.{model}", "indirect", "column") for leaf in sorted(deciding)]
    return len(names)


def _leaves(node: Any, tables: Mapping[str, str]) -> Iterator[str]:
    """Base columns behind an output; an empty string for one whose table or name was lost."""
    for leaf in node.walk():
        if leaf.downstream:
            continue
        if isinstance(leaf.expression, exp.Table):
            column = leaf.name.rpartition(".")[2].strip('"')
            table = tables.get(_key(leaf.expression))
            yield f"column.{table}.{column}" if table and column != "*" else ""
        elif isinstance(leaf.expression, exp.Expression) and _lost(leaf.expression):
            yield ""


def _lost(expression: Any) -> bool:
    """A leaf that still reads columns: their origin was not followed."""
    return any(True for _ in expression.find_all(exp.Column)) and not expression.find(exp.Unnest)


def _is_constant(node: Any) -> bool:
    """Made of literals, row counts and generated series alone."""
    return all(not _lost(leaf.expression) for leaf in node.walk() if not leaf.downstream)


def _deciding(root: Scope, tables: Mapping[str, str]) -> Iterator[str]:
    for scope in root.traverse():
        for kind in _DECIDING:
            for clause in scope.find_all(kind):
                for column in clause.find_all(exp.Column):
                    yield from _resolve(column, scope, tables)


def _resolve(column: exp.Column, scope: Scope, tables: Mapping[str, str], depth: int = 0) -> Iterator[str]:
    """Base columns behind one column of a scope, through subqueries and CTEs."""
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        table = tables.get(_key(source))
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


def _selects(expression: Any) -> list[Any]:
    return list(expression.selects)


def _metrics(found: ColumnLineage, semantic: Manifest) -> None:
    """Columns that a metric's aggregation reads."""
    models = {model["name"]: model["node_relation"]["alias"] for model in semantic["semantic_models"]}
    measures = {
        measure["name"]: (model["node_relation"]["alias"], measure.get("expr") or measure["name"])
        for model in semantic["semantic_models"]
        for measure in model.get("measures") or ()
    }
    for metric in semantic["metrics"]:
        target = f"metric.{metric['name']}"
        read = [measures[name] for name in measures_of(metric) if name in measures]
        params = metric.get("type_params") or {}
        for model in own_models(metric):
            read.append((models[model], params.get("expr") or metric["name"]))
        for table, text in read:
            try:
                columns = list(sqlglot.parse_one(str(text), dialect="duckdb").find_all(exp.Column))
            except SqlglotError:
                found.unresolved.append((target, "its expression does not parse"))
                continue
            found.edges += [Edge(f"column.{table}.{c.name}", target, "direct", "column") for c in columns]
            found.edges.append(Edge(f"rows.{table}", target, "indirect", "column"))


def _built_columns(warehouse: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Column types by (schema, table), as built; empty when there is no warehouse yet."""
    built: dict[tuple[str, str], dict[str, str]] = {}
    if warehouse.exists():
        with duckdb.connect(str(warehouse), read_only=True) as con:
            query = "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
            for schema, table, column, kind in con.execute(query).fetchall():
                built.setdefault((schema, table), {})[column] = kind
    return built


def _schema(manifest: Manifest, built: Mapping[tuple[str, str], dict[str, str]]) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for node in manifest["nodes"].values():
        documented = dict.fromkeys(node.get("columns") or {}, "unknown")
        columns = built.get((node["schema"], node.get("alias") or node["name"]), documented)
        if columns:
            place = schema.setdefault(node["database"], {}).setdefault(node["schema"], {})
            place[node.get("alias") or node["name"]] = columns
    for source in manifest["sources"].values():
        if source.get("columns"):  # undocumented sources are read with qualified names only
            place = schema.setdefault(_SOURCE, {}).setdefault(source["source_name"], {})
            place[source["name"]] = dict.fromkeys(source["columns"], "unknown")
    return schema


def _tables(manifest: Manifest) -> dict[str, str]:
    """Catalog, schema and table, lower case, to the table's name in our ids."""
    tables = {}
    for node in manifest["nodes"].values():
        name = node.get("alias") or node["name"]
        tables[f"{node['database']}.{node['schema']}.{name}".lower()] = node["name"]
    for source in manifest["sources"].values():
        name = f"{source['source_name']}.{source['name']}"
        tables[f"{_SOURCE}.{name}".lower()] = name
    return tables


def _key(table: exp.Table) -> str:
    return f"{table.catalog}.{table.db}.{table.name}".lower()
