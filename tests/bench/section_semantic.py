"""Planning speed beside MetricFlow on its own manifest, and cumulative metrics beside its range join."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from semantic import MetricQuery, SemanticLayer
from tests.bench.rows import Row, alternate_ms, median_ms
from tests.semantic.metricflow_oracle import as_json, oracle, oracle_sql, random_tables, shipped_manifest
from tests.semantic.retailer import manifest

QUERIES = [
    {"metrics": ["bookings"], "group_by": ["metric_time__day"]},
    {"metrics": ["booking_value", "bookings_per_view"], "group_by": ["metric_time__week"]},
    {"metrics": ["bookings"], "group_by": ["listing__country_latest", "metric_time__month"]},
    {"metrics": ["revenue_mtd"], "group_by": ["metric_time__day"]},
    {"metrics": ["bookings_growth_2_weeks"], "group_by": ["metric_time__day"]},
    {"metrics": ["current_account_balance_by_user"], "group_by": ["metric_time__month"]},
    {"metrics": ["visit_buy_conversion_rate_7days"], "group_by": ["metric_time__day"]},
    {"metrics": ["views", "listings"], "group_by": ["listing__is_lux_latest"]},
]


def run(*, quick: bool = False) -> Iterator[Row]:
    """Plans are made afresh each time; the last rows show the plan cache and execution."""
    raw = as_json(shipped_manifest("simple_manifest"))
    layer, engine = SemanticLayer.from_dict(raw), oracle("simple_manifest")
    ours, theirs = [], []
    for query in QUERIES:

        def plan(q: dict[str, object] = query) -> object:
            layer.forget_plans()
            return layer.compile(MetricQuery(**q))  # type: ignore[arg-type]

        mine, other = alternate_ms([plan, lambda q=query: oracle_sql(engine, q)], 3 if quick else 9)  # type: ignore[misc]
        ours.append(mine)
        theirs.append(other)
    middle, peer = statistics.median(ours), statistics.median(theirs)
    yield Row(
        "semantic",
        "plan a query, median",
        "ms",
        middle,
        peer=peer,
        ratio=middle / peer,
        holds=middle <= peer / 3,
    )
    worst = max(a / b for a, b in zip(ours, theirs, strict=True))
    yield Row(
        "semantic", "plan a query, worst ratio to MetricFlow", "×", worst, target=1.0, holds=worst <= 1.0
    )
    query = MetricQuery(["bookings"], ["metric_time__day"])
    layer.compile(query)
    cached = median_ms(lambda: [layer.compile(query) for _ in range(1000)]) / 1000
    yield Row("semantic", "repeat a plan from the cache", "ms", cached, target=0.1, holds=cached < 0.1)
    yield _forty_offsets()
    yield _cumulative(raw, layer, rows=20_000 if quick else 200_000)


def _forty_offsets() -> Row:
    raw = manifest()
    for days in range(1, 41):
        before = {
            "name": "net_sales", "alias": "before", "offset_window": {"count": days, "granularity": "day"}
        }  # fmt: skip
        raw["metrics"].append(
            {
                "name": f"sales_{days}_ago",
                "type": "derived",
                "type_params": {"expr": "before", "metrics": [before]},
            }
        )
    layer = SemanticLayer.from_dict(raw)
    query = MetricQuery([f"sales_{d}_ago" for d in range(1, 41)], ["metric_time__day"])

    def plan() -> object:
        layer.forget_plans()
        return layer.compile(query)

    took = median_ms(plan)
    return Row("semantic", "plan 40 offset metrics in one query", "ms", took, target=50, holds=took < 50)


def _cumulative(raw: dict[str, object], layer: SemanticLayer, rows: int) -> Row:
    tables = random_tables(raw, 1)
    tables.execute("SET threads = 2")
    tables.execute(
        "INSERT INTO main.fct_revenue (created_at, revenue) SELECT DATE '2019-12-01' + (i % 120)::INT,"
        f" i % 100 FROM range({rows}) t(i)"
    )
    tables.execute(
        "INSERT INTO main.mf_time_spine (ds)"
        " SELECT x::DATE FROM range(TIMESTAMP '2020-06-01', TIMESTAMP '2020-12-01', INTERVAL 1 DAY) t(x)"
    )
    query = {"metrics": ["revenue_all_time"], "group_by": ["metric_time__day"]}
    ours = layer.compile(MetricQuery(**query)).sql
    theirs = oracle_sql(oracle("simple_manifest"), query)
    mine, other = alternate_ms(
        [lambda: tables.execute(ours).fetchall(), lambda: tables.execute(theirs).fetchall()], 3
    )
    return Row(
        "semantic", f"running total by day over {rows:,} rows", "ms", mine, peer=other, ratio=mine / other,
        holds=mine <= other / 30,
    )  # fmt: skip
