# ruff: noqa: E501 - tables of cases read better in one line
"""Random queries over MetricFlow's own manifests and random tables: both compilers give the same rows.

Differences that are deliberate are listed in docs/semantic-differences.md and left out here by name.
"""

from __future__ import annotations

import os
import random
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from semantic.errors import SemanticError

from .metricflow_oracle import as_json, normalised, oracle, oracle_sql, random_tables, shipped_manifest

MANIFESTS = [
    ("simple_manifest", 120), ("sg_02_single_join", 15), ("sg_05_derived_metric", 15), ("extended_date_manifest", 30),
    ("partitioned_multi_hop_join_manifest", 30), ("multi_hop_join_manifest", 15), ("scd_manifest", 20),
    ("derived_metrics_manifest", 20), ("cyclic_join_manifest", 15), ("ambiguous_resolution_manifest", 20),
    ("join_types_manifest", 20), ("simple_multi_hop_join_manifest", 20),
]  # fmt: skip
DELIBERATE = (
    "alien_day",  # a day without a counterpart in a shorter custom period shows in its last day
    "account_balance_first",  # another model's time dimension of that name is no metric time
    "offset_1_week", "2_days_ago",  # cumulative offsets under a time constraint follow dbt's suite
    "by_user",  # NULL window groupings are a group, not dropped
    "listing__user",  # one partitioned join does not blank columns of the join before it
    "offset_twice", "1_month_ago", "start_of_month", "mom", "month_prior", "start_of_year", "1_year_ago", "yoy",
    "_fill_nulls_with_0'",
    "monthly_conversion",
    "popular_listing",  # a default grain does not widen a time constraint
    "subdaily_offset",
)  # fmt: skip


def _query(rng: random.Random, layer: SemanticLayer, metrics: list[str]) -> dict[str, Any]:
    chosen = rng.sample(metrics, min(len(metrics), rng.choice([1, 1, 1, 2, 2, 3])))
    others = [d for d in layer.dimensions(chosen) if d != "metric_time"]
    group_by = []
    if rng.random() < 0.75:
        group_by.append(f"metric_time__{rng.choice(['day', 'day', 'week', 'month', 'quarter', 'year'])}")
    group_by += rng.sample(others, min(len(others), rng.choice([0, 0, 1, 1, 2])))
    where = []
    if rng.random() < 0.3 and others:
        name = rng.choice(others)
        kind = "Dimension" if name.count("__") == 1 else "Entity"
        where = [f"{{{{ {kind}('{name}') }}}} IS NOT NULL"] if name.count("__") <= 1 else []
    query: dict[str, Any] = {"metrics": chosen, "group_by": group_by, "where": where}
    if rng.random() < 0.2 and group_by and group_by[0].startswith("metric_time"):
        query["time_constraint"] = ("2019-12-20", "2020-02-10")
    return query


@pytest.mark.parametrize(("name", "count"), MANIFESTS)
def test_same_rows(name: str, count: int) -> None:
    seed = int(os.environ.get("STEELYARD_TEST_SEED", random.randrange(1 << 20)))
    print(f"seed {seed} (set STEELYARD_TEST_SEED to repeat)")
    rng = random.Random(seed)
    manifest = as_json(shipped_manifest(name))
    layer, tables = SemanticLayer.from_dict(manifest), random_tables(manifest, seed)
    compared = 0
    for _ in range(count):
        query = _query(rng, layer, [m["name"] for m in manifest["metrics"]])
        if any(d in str(query) for d in DELIBERATE):
            continue
        compared += _agree(name, layer, tables, query)
    assert compared >= count // 6


def _agree(name: str, layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, query: dict[str, Any]) -> bool:
    """Whether the oracle answers, too. Fails where it does and the rows differ."""
    try:
        theirs = oracle_sql(oracle(name), query)
        expected = normalised(tables, theirs)
    except Exception:
        return False
    try:
        ours = layer.compile(MetricQuery(**query)).sql
    except SemanticError as error:
        pytest.fail(f"refused {query}: {error}")
    assert normalised(tables, ours) == expected, f"{query}\n{ours}\n-- MetricFlow:\n{theirs}"
    return True
