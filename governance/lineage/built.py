"""The tables of a release as SQL sees them: names and columns, from the manifest and the built warehouse."""

from __future__ import annotations

from pathlib import Path

import duckdb

from governance.json_types import JsonDict, JsonObject
from governance.lineage.columns import Tables
from governance.lineage.dbt_nodes import Manifest, table_name

_SOURCE = "source"  # the catalog under which sources are parsed; their own relations are file functions


def built_tables(manifest: Manifest, warehouse: Path) -> Tables:
    """Every model and source of the manifest, with its columns if they are known."""
    built = _built_columns(warehouse)
    schema: JsonDict = {}
    ids = {}
    for node in manifest["nodes"].values():
        name = table_name(node)
        ids[f"{node['database']}.{node['schema']}.{name}".lower()] = name
        documented = dict.fromkeys(node.get("columns") or {}, "unknown")
        columns = built.get((node["schema"], name), documented)
        if columns:
            schema.setdefault(node["database"], {}).setdefault(node["schema"], {})[name] = columns
    for source in manifest["sources"].values():
        ids[f"{_SOURCE}.{source['source_name']}.{source['name']}".lower()] = (
            f"{source['source_name']}.{source['name']}"
        )
        if source.get("columns"):  # undocumented sources are read with qualified names only
            place = schema.setdefault(_SOURCE, {}).setdefault(source["source_name"], {})
            place[source["name"]] = dict.fromkeys(source["columns"], "unknown")
    return Tables(schema, ids)


def with_named_sources(sql: str, manifest: Manifest) -> str:
    """dbt's compiled SQL with each source's file function replaced by a name that `built_tables` knows."""
    for source in manifest["sources"].values():
        name = f'"{_SOURCE}"."{source["source_name"]}"."{source["name"]}"'
        sql = sql.replace(source["relation_name"], name)
    return sql


def columns_of(tables: Tables, node: JsonObject) -> list[str]:
    """Names of a model's columns, in no particular order; empty if they are not known."""
    place = tables.schema.get(node["database"], {}).get(node["schema"], {})
    return list(place.get(table_name(node), {}))


def _built_columns(warehouse: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Column types by (schema, table), as built; empty when there is no warehouse yet."""
    built: dict[tuple[str, str], dict[str, str]] = {}
    if warehouse.exists():
        with duckdb.connect(str(warehouse), read_only=True) as con:
            query = "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
            for schema, table, column, kind in con.execute(query).fetchall():
                built.setdefault((schema, table), {})[column] = kind
    return built
