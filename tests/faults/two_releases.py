"""Releases that tell themselves apart: every number in the n-th is n, so an answer of two shows."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from governance.releases import ReleaseStore
from governance.releases.layout import DEFINITIONS, WAREHOUSE

DAYS = 60


def two_releases(root: Path) -> Path:
    """A state folder with the releases 1 and 2, the second published."""
    store = ReleaseStore(root)
    for number in (1, 2):
        release_id = add_release(store, number)
    store.publish(release_id)
    return root


def add_release(store: ReleaseStore, number: int, rows: int = 40_000) -> str:
    """A sealed release of sales by day; not published yet."""
    with store.building(f"{number:08d}" * 8) as work:
        for name in DEFINITIONS:
            (work / name).write_text(json.dumps({"nodes": {}, "edges": [], "facts": {}}))
        (work / "semantic_manifest.json").write_text(json.dumps(_manifest()))
        with duckdb.connect(str(work / WAREHOUSE)) as connection:
            connection.execute(
                f"CREATE TABLE fct_sales AS SELECT DATE '2025-01-01' + (i % {DAYS})::INTEGER AS date_day, "
                f"{number} AS generation, hash(i) % 1000 AS units FROM range({rows}) t(i)"
            )
            connection.execute(
                "CREATE TABLE time_spine AS SELECT DATE '2025-01-01' + i::INTEGER AS date_day "
                f"FROM range({DAYS}) t(i)"
            )
    return store.ids()[-1]


def _manifest() -> dict:
    relation = {"schema_name": "main"}
    metrics = {"generation": "max", "least_generation": "min", "units": "sum"}
    return {
        "semantic_models": [{
            "name": "sales",
            "node_relation": relation | {"alias": "fct_sales", "relation_name": "main.fct_sales"},
            "defaults": {"agg_time_dimension": "date_day"},
            "entities": [{"name": "day", "type": "primary", "expr": "date_day"}],
            "dimensions": [
                {"name": "date_day", "type": "time", "type_params": {"time_granularity": "day"}},
            ],
            "measures": [
                {"name": name, "agg": agg, "expr": "generation" if "generation" in name else name}
                for name, agg in metrics.items()
            ],
        }],
        "metrics": [
            {"name": name, "type": "simple", "type_params": {"measure": {"name": name}},
             "config": {"meta": {"steelyard": {"owner": "tests"}}}}
            for name in metrics
        ],
        "project_configuration": {
            "time_spines": [{
                "node_relation": relation | {"alias": "time_spine", "relation_name": "main.time_spine"},
                "primary_column": {"name": "date_day", "time_granularity": "day"},
            }],
        },
    }  # fmt: skip
