"""Planning speed beside MetricFlow and Sidemantic, and cumulative metrics beside MetricFlow's range join."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine

from semantic import MetricQuery, SemanticLayer
from tests.bench.rows import Row, alternate_ms, median_ms
from tests.bench.sidemantic_peer import VERSION, sidemantic_plan_ms
from tests.seeds import fixed_random
from tests.semantic.metricflow_oracle import (
    as_json,
    engine_of,
    normalised,
    oracle_sql,
    random_tables,
    shipped_manifest,
)
from tests.semantic.random_queries import Generator
from tests.semantic.retailer import manifest

SUITE = Path(__file__).parents[3] / "shared" / "conformance"
Case = tuple[SemanticLayer, MetricFlowEngine, dict[str, Any]]


def run(*, quick: bool = False) -> Iterator[Row]:
    """Plans are made afresh each time; the last rows show the plan cache and execution."""
    yield from _beside_metricflow(quick=quick)
    yield from _simple_metric()
    yield _forty_offsets()
    yield _year_to_date(rows=20_000 if quick else 200_000)


def _beside_metricflow(*, quick: bool) -> Iterator[Row]:
    cases = (_suite() if (SUITE / "cases.json").exists() else _random_cases())[:: 5 if quick else 1]
    ours, theirs = [], []
    for layer, engine, query in cases:

        def plan(layer: SemanticLayer = layer, query: dict[str, Any] = query) -> object:
            layer.forget_plans()
            return layer.compile(MetricQuery(**query))

        ours_ms, other = alternate_ms([plan, lambda e=engine, q=query: oracle_sql(e, q)], 3)  # type: ignore[misc]
        ours.append(ours_ms)
        theirs.append(other)
    middle, peer = statistics.median(ours), statistics.median(theirs)
    name = f"plan a query, median of {len(ours)} (peer: MetricFlow)"
    yield Row("semantic", name, "ms", middle, "⅓ of the peer", peer, middle / peer, holds=middle <= peer / 3)
    worst = max(a / b for a, b in zip(ours, theirs, strict=True))
    yield Row("semantic", "plan a query, worst ratio to MetricFlow", "×", worst, 1.0, holds=worst <= 1.0)


def _suite() -> list[Case]:
    """The metric queries of dbt's own integration suite that MetricFlow plans."""
    planned, layers = [], {}
    for case in json.loads((SUITE / "cases.json").read_text()):
        spec, name = case["spec"], case["model"]
        if name not in layers:
            path = SUITE / "manifests" / f"{name}.json"
            layers[name] = (SemanticLayer.from_manifest(path), engine_of(json.loads(path.read_text())))
        fields = ("metrics", "group_by", "where", "limit", "time_constraint")
        query = {"group_by": [], "where": [], **{k: spec[k] for k in fields if spec.get(k)}}
        if spec.get("metrics") and _planned((*layers[name], query)):
            planned.append((*layers[name], query))
    return planned


def _random_cases(count: int = 100) -> list[Case]:
    """Random queries over the manifest that MetricFlow's package ships."""
    raw = as_json(shipped_manifest("simple_manifest"))
    layer, engine = SemanticLayer.from_dict(raw), engine_of(raw)
    generator = Generator(fixed_random(7), layer)
    names = [m["name"] for m in raw["metrics"]]
    cases: list[Case] = [(layer, engine, generator.query(names)) for _ in range(count)]
    return [case for case in cases if _planned(case)]


def _planned(case: Case) -> bool:
    try:
        oracle_sql(case[1], case[2])
        case[0].compile(MetricQuery(**case[2]))
    except Exception:  # the peer refuses some of them; those are not compared
        return False
    return True


def _simple_metric() -> Iterator[Row]:
    layer = SemanticLayer.from_dict(manifest())
    query = MetricQuery(["net_sales"], ["metric_time__week"])

    def plan() -> object:
        layer.forget_plans()
        return layer.compile(query)

    ours_ms, peer = median_ms(plan, 300), sidemantic_plan_ms()
    yield Row(
        "semantic", f"plan a simple metric (peer: Sidemantic {VERSION})", "ms", ours_ms, "no slower", peer,
        ours_ms / peer if peer else None, holds=ours_ms <= peer if peer else None,
    )  # fmt: skip
    layer.compile(query)
    cached = median_ms(lambda: [layer.compile(query) for _ in range(1000)]) / 1000
    yield Row("semantic", "repeat a plan from the cache", "ms", cached, 0.1, holds=cached < 0.1)


def _forty_offsets() -> Row:
    raw = manifest()
    for days in range(1, 41):
        before = {
            "name": "net_sales", "alias": "before", "offset_window": {"count": days, "granularity": "day"}
        }  # fmt: skip
        params = {"expr": "before", "metrics": [before]}
        raw["metrics"].append({"name": f"sales_{days}_ago", "type": "derived", "type_params": params})
    layer = SemanticLayer.from_dict(raw)
    query = MetricQuery([f"sales_{d}_ago" for d in range(1, 41)], ["metric_time__day"])

    def plan() -> object:
        layer.forget_plans()
        return layer.compile(query)

    took = median_ms(plan)
    return Row("semantic", "plan 40 offset metrics in one query", "ms", took, 50, holds=took < 50)


def _year_to_date(rows: int) -> Row:
    """Revenue since the start of the year by day: both compilers' SQL on one database, the same rows."""
    raw = as_json(shipped_manifest("simple_manifest"))
    metric = next(m for m in raw["metrics"] if m["name"] == "revenue_mtd")
    metric["type_params"]["cumulative_type_params"]["grain_to_date"] = "year"
    if metric["type_params"].get("grain_to_date"):
        metric["type_params"]["grain_to_date"] = "year"
    tables = _revenue(raw, rows)
    query: dict[str, Any] = {"metrics": ["revenue_mtd"], "group_by": ["metric_time__day"]}
    ours = SemanticLayer.from_dict(raw).compile(MetricQuery(**query)).sql
    theirs = oracle_sql(engine_of(raw), query)
    same = normalised(tables, ours) == normalised(tables, theirs)
    ours_ms, other = alternate_ms(
        [lambda: tables.execute(ours).fetchall(), lambda: tables.execute(theirs).fetchall()], 3
    )
    return Row(
        "semantic", f"year to date by day over {rows:,} rows, the same rows (peer: MetricFlow)", "ms",
        ours_ms, "1/30 of the peer", other, ours_ms / other, holds=same and ours_ms <= other / 30,
    )  # fmt: skip


def _revenue(raw: dict[str, Any], rows: int) -> duckdb.DuckDBPyConnection:
    """A year of revenue and the days of that year."""
    tables = random_tables(raw, 1)
    tables.execute("SET threads = 2")
    tables.execute("DELETE FROM main.fct_revenue; DELETE FROM main.mf_time_spine")
    tables.execute(
        "INSERT INTO main.fct_revenue (created_at, revenue) SELECT DATE '2020-01-01' + (i % 366)::INT,"
        f" i % 100 FROM range({rows}) t(i)"
    )
    tables.execute(
        "INSERT INTO main.mf_time_spine (ds)"
        " SELECT x::DATE FROM range(TIMESTAMP '2020-01-01', TIMESTAMP '2021-01-01', INTERVAL 1 DAY) t(x)"
    )
    return tables
