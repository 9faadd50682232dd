"""A sealed release small enough to see through: deliveries, and claims that may be about other products."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from governance.releases.layout import WAREHOUSE, seal

TABLES = """
CREATE TABLE products AS SELECT * FROM (VALUES
  ('p1', 'GROCERY'), ('p2', 'DRUG GM'), ('p3', 'MEAT')) t(product_id, department);
CREATE TABLE claims AS SELECT * FROM (VALUES
  ('c1', 'p1', 'broken'), ('c2', 'p3', 'recalled'), ('c3', 'p1', 'late')) t(claim_id, product_id, reason);
CREATE TABLE deliveries AS SELECT * FROM (VALUES
  ('d1', DATE '2017-01-01', 'p1', 'c1', 1), ('d2', DATE '2017-01-01', 'p1', 'c2', 2),
  ('d3', DATE '2017-01-02', 'p2', NULL, 4), ('d4', DATE '2017-01-02', 'p3', 'c3', 8)
  ) t(delivery_id, date_day, product_id, claim_id, units);
CREATE TABLE spine AS SELECT DATE '2017-01-01' + i::INT AS date_day FROM range(7) t(i);
"""


def model(name: str, entities: dict[str, str], dimensions: list[Any], measures: list[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "node_relation": {"alias": name, "schema_name": "main", "relation_name": f"main.{name}"},
        "entities": [{"name": e, "type": kind, "expr": f"{e}_id"} for e, kind in entities.items()],
        "dimensions": dimensions,
        "measures": measures,
        "defaults": {"agg_time_dimension": "date_day"} if measures else None,
    }


def word(name: str) -> dict[str, Any]:
    return {"name": name, "type": "categorical"}


def time_spine() -> dict[str, Any]:
    return {
        "node_relation": {"alias": "spine", "schema_name": "main", "relation_name": "main.spine"},
        "primary_column": {"name": "date_day", "time_granularity": "day"},
    }


def manifest() -> dict[str, Any]:
    day = {"name": "date_day", "type": "time", "type_params": {"time_granularity": "day"}}
    return {
        "semantic_models": [
            model("products", {"product": "primary"}, [word("department")], []),
            model("claims", {"claim": "primary", "product": "foreign"}, [word("reason")], []),
            model(
                "deliveries",
                {"delivery": "primary", "product": "foreign", "claim": "foreign"},
                [day],
                [{"name": "units", "agg": "sum", "expr": "units"}],
            ),
        ],
        "metrics": [
            {
                "name": "units_delivered",
                "type": "simple",
                "type_params": {"measure": {"name": "units"}},
            }
        ],
        "saved_queries": [],
        "project_configuration": {"time_spines": [time_spine()]},
    }


def write_release(
    var: Path,
    release_id: str,
    definitions: dict[str, Any] | None = None,
    tables: str = TABLES,
    lineage: dict[str, Any] | None = None,
) -> None:
    """Seal a release below `var` and make it the current one."""
    folder = var / "releases" / release_id
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute(tables)
    (folder / "semantic_manifest.json").write_text(json.dumps(definitions or manifest()))
    (folder / "manifest.json").write_text(json.dumps({"nodes": {}}))
    (folder / "run_results.json").write_text("{}")
    (folder / "lineage.json").write_text(json.dumps(lineage or {}))
    seal(folder, release_id, "2017-01-08T00:00:00+00:00", release_id)
    switched = var / "next"
    switched.symlink_to(f"releases/{release_id}")
    switched.replace(var / "current")
