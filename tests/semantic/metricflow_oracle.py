# ruff: noqa: E501 - tables of cases read better in one line
"""MetricFlow as an oracle: its manifests, random tables that fit them, and its SQL for a query.

Used by tests and benchmarks only; the product imports nothing of it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import metricflow_semantics
import sqlglot
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.parsing.dir_to_model import (
    parse_directory_of_yaml_files_to_semantic_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from sqlglot import exp

from tests.seeds import fixed_random

YAMLS = Path(metricflow_semantics.__file__).parent / "test_helpers" / "semantic_manifest_yamls"
FIRST_DAY = dt.date(2019, 12, 1)
DAYS = 120


@lru_cache
def shipped_manifest(name: str) -> PydanticSemanticManifest:
    """A manifest of MetricFlow's own test suite, parsed and transformed as dbt would."""
    built = parse_directory_of_yaml_files_to_semantic_manifest(
        str(YAMLS / name), template_mapping={"source_schema": "main"}
    )
    return built.semantic_manifest


def as_json(manifest: PydanticSemanticManifest) -> dict[str, Any]:
    return json.loads(manifest.json())


class _Client:
    """The part of MetricFlow's client protocol that planning needs."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def render_bind_parameter_key(self, key: str) -> str:
        return f"${key}"


def engine_of(raw: dict[str, Any]) -> MetricFlowEngine:
    """MetricFlow on a manifest that dbt has written."""
    return MetricFlowEngine(SemanticManifestLookup(PydanticSemanticManifest.parse_obj(raw)), _Client())


@lru_cache
def oracle(name: str) -> MetricFlowEngine:
    return MetricFlowEngine(SemanticManifestLookup(shipped_manifest(name)), _Client())


def oracle_sql(engine: MetricFlowEngine, query: dict[str, Any]) -> str:
    """MetricFlow's SQL for a query told in dunder names."""
    start, end = query.get("time_constraint") or (None, None)
    request = MetricFlowQueryRequest.create(
        metric_names=query["metrics"] or None,
        group_by_names=query["group_by"] or None,
        where_constraints=query.get("where") or None,
        order_by_names=query.get("order_by") or None,
        limit=query.get("limit"),
        time_constraint_start=dt.datetime.fromisoformat(start) if start else None,
        time_constraint_end=dt.datetime.fromisoformat(end) if end else None,
    )
    return engine.explain(request).sql_statement.sql


def saved_query_sql(engine: MetricFlowEngine, name: str) -> str:
    """MetricFlow's SQL for a saved query."""
    return engine.explain(MetricFlowQueryRequest.create(saved_query_name=name)).sql_statement.sql


# -- random tables that fit a manifest --------------------------------------------------------------------


def random_tables(manifest: dict[str, Any], seed: int, rows: int = 60) -> duckdb.DuckDBPyConnection:
    """An in-memory database with a random table for each semantic model, and its time spines.

    Keys are unique where they are declared so; foreign keys hold orphans and NULLs.
    """
    rng = fixed_random(seed)
    connection = duckdb.connect()
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    for model in manifest["semantic_models"]:
        relation = model["node_relation"]["relation_name"]
        columns = tables.setdefault(relation, {})
        for entity in model["entities"]:
            kind = entity["type"].lower()
            _add(
                columns, entity.get("expr") or entity["name"], "key", kind in ("primary", "unique", "natural")
            )
        for dimension in model["dimensions"]:
            params = dimension.get("type_params") or {}
            grain = (params.get("time_granularity") or "").lower()
            kind = (
                ("timestamp" if grain in SUB_DAY else "month" if grain == "month" else "date")
                if grain
                else ""
            )
            if params.get("validity_params"):
                kind = "valid_from" if params["validity_params"].get("is_start") else "valid_to"
            name = dimension.get("expr") or dimension["name"]
            _add(columns, name, kind or ("bool" if name.startswith("is_") else "word"), False)
        for measure in _measures(manifest, model):
            _add(columns, measure, "number", False)
    for relation, columns in tables.items():
        _fill(connection, relation, columns, rng, rows)
    _spines(connection, manifest)
    return connection


SUB_DAY = {"nanosecond", "microsecond", "millisecond", "second", "minute", "hour"}


def _measures(manifest: dict[str, Any], model: dict[str, Any]) -> list[str]:
    expressions = [m.get("expr") or m["name"] for m in model["measures"]]
    for metric in manifest["metrics"]:
        params = metric["type_params"]
        own = params.get("metric_aggregation_params")
        if own and own["semantic_model"] == model["name"]:
            expressions.append(params.get("expr") or metric["name"])
    return [str(f) for f in expressions]


def _add(columns: dict[str, tuple[str, bool]], text: str, kind: str, unique: bool) -> None:
    for node in sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Column):
        known_kind, was = columns.get(node.name, ("number", False))
        best = kind if known_kind == "number" else known_kind
        if kind == "number" and node.name.startswith("is_"):
            best = "bool"
        columns[node.name] = (best, unique or was)


TYPES = {
    "key": "VARCHAR", "word": "VARCHAR", "bool": "BOOLEAN", "date": "DATE", "month": "DATE",
    "timestamp": "TIMESTAMP", "number": "INTEGER", "valid_from": "DATE", "valid_to": "DATE",
}  # fmt: skip


def _fill(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, tuple[str, bool]],
    rng: random.Random, rows: int,
) -> None:  # fmt: skip
    shapes = ", ".join(f'"{n}" {TYPES[kind]}' for n, (kind, _) in columns.items())
    connection.execute(f"CREATE TABLE {relation} ({shapes})")
    unique = [n for n, (_, u) in columns.items() if u]
    count = 8 if unique else rows
    values = []
    versions = any(kind == "valid_from" for kind, _ in columns.values())
    for i in range(2 * count if versions else count):
        key, half = f"k{i // 2 if versions else i}", i % 2
        row = [key if n in unique else _value(rng, kind) for n, (kind, _) in columns.items()]
        values.append([_version(v, kind, half) for v, (kind, _) in zip(row, columns.values(), strict=True)])
    marks = ", ".join("?" for _ in columns)
    connection.executemany(f"INSERT INTO {relation} VALUES ({marks})", values)


def _version(value: object, kind: str, half: int) -> object:
    """Each key of a slowly changing table has two versions: up to a day in the middle, and from it on."""
    middle = FIRST_DAY + dt.timedelta(days=DAYS // 2)
    if kind == "valid_from":
        return middle if half else FIRST_DAY
    return (None if half else middle) if kind == "valid_to" else value


def _value(rng: random.Random, kind: str) -> object:  # noqa: PLR0911 - one case a kind
    day = FIRST_DAY + dt.timedelta(days=rng.randrange(DAYS))
    match kind:
        case "key":
            return None if rng.random() < 0.1 else f"k{rng.randrange(10)}"
        case "word":
            return rng.choice(["a", "b", "c", None])
        case "bool":
            return rng.choice([True, False, None])
        case "date":
            return day
        case "month":
            return day.replace(day=1)
        case "timestamp":
            return dt.datetime.combine(day, dt.time(rng.randrange(24), rng.randrange(60)))
        case "valid_from":
            return FIRST_DAY
        case "valid_to":
            return None
    return rng.choice([None, *range(-3, 12)])


def _spines(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> None:
    for spine in manifest["project_configuration"]["time_spines"]:
        grain = spine["primary_column"]["time_granularity"].lower()
        relation, column = spine["node_relation"]["relation_name"], spine["primary_column"]["name"]
        step = {"day": "1 DAY", "hour": "1 HOUR"}.get(grain, "1 DAY")
        extra = "".join(
            f", CAST(CAST(x AS DATE) - (CAST(strftime(x, '%j') AS INTEGER) % 10) AS DATE) AS {c.get('column_name') or c['name']}"
            for c in spine["custom_granularities"]
        )
        kind = "DATE" if grain == "day" else "TIMESTAMP"
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {relation} AS SELECT CAST(x AS {kind}) AS {column}{extra} "
            f"FROM range(TIMESTAMP '2019-11-01', TIMESTAMP '2020-06-01', INTERVAL {step}) t(x)"
        )


def normalised(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Column names and rows, sorted and comparable across date and number types."""
    cursor = connection.execute(sql)
    names = [d[0].lower() for d in cursor.description]
    order = sorted(range(len(names)), key=names.__getitem__)
    rows = [tuple(_plain(row[i]) for i in order) for row in cursor.fetchall()]
    return [names[i] for i in order], sorted(rows)


def _plain(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "∅"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time()).isoformat()
    try:
        return f"{float(value):.7g}"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
