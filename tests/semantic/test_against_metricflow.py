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

from .metricflow_oracle import (
    as_json,
    normalised,
    oracle,
    oracle_sql,
    random_tables,
    saved_query_sql,
    shipped_manifest,
)
from .random_queries import Generator

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


def _deliberate(query: dict[str, Any]) -> bool:
    """Whether a query shows a difference that docs/semantic-differences.md lists."""
    text = str(query)
    grains = [g for g in query["group_by"] if g.startswith("metric_time__")]
    two_grains_on_a_spine = len(grains) > 1 and ("fill_nulls" in text or "spine" in text)
    early_months = "trailing_3_months" in text and "time_constraint" in query
    return two_grains_on_a_spine or early_months or any(d in text for d in DELIBERATE)


@pytest.mark.parametrize(("name", "count"), MANIFESTS)
def test_same_rows(name: str, count: int) -> None:
    seed = int(os.environ.get("STEELYARD_TEST_SEED", random.randrange(1 << 20)))
    print(f"seed {seed} (set STEELYARD_TEST_SEED to repeat)")
    rng = random.Random(seed)
    manifest = as_json(shipped_manifest(name))
    layer, tables = SemanticLayer.from_dict(manifest), random_tables(manifest, seed)
    generator = Generator(rng, layer)
    compared = 0
    for i in range(count):
        query = (
            generator.values() if i % 10 == 9 else generator.query([m["name"] for m in manifest["metrics"]])
        )
        if not _deliberate(query):
            compared += _agree(name, layer, tables, query)
    assert compared >= count // 8


def test_saved_queries_have_the_same_rows() -> None:
    manifest = as_json(shipped_manifest("simple_manifest"))
    layer, tables = SemanticLayer.from_dict(manifest), random_tables(manifest, 3)
    tables.execute("UPDATE main.dim_listings_latest SET capacity = 3 + length(capacity)")  # compared with a number
    tables.execute("ALTER TABLE main.dim_listings_latest ALTER capacity TYPE INTEGER")
    saved = [q["name"] for q in manifest["saved_queries"]]
    assert len(saved) > 3
    for name in saved:
        expected = normalised(tables, saved_query_sql(oracle("simple_manifest"), name))
        assert normalised(tables, layer.compile(MetricQuery(saved_query=name)).sql) == expected, name


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
