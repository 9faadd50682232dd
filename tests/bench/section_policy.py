"""What policy costs: on planning a query, on a first question, and on answers about households."""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pyarrow as pa

from governance.disclosure import GroupControl
from governance.identity import Directory, Principal
from governance.policy.restriction import authorize, for_listing
from governance.policy.tagged_catalog import TaggedCatalog
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade
from semantic import Engine, MetricQuery, SemanticLayer
from semantic.errors import SteelyardError
from semantic.plan.suppression_probe import GroupProbe
from tests.bench.hidden_or_missing import refusals
from tests.bench.places import VAR
from tests.bench.rows import Row, alternate_ms, median_ms
from tests.seeds import fixed_random

QUERIES = [
    (["net_sales"], ["metric_time__week"]),
    (["net_sales", "gross_margin_rate"], ["metric_time__month", "location__region"]),
    (["inventory_turns"], ["metric_time__month", "product__department"]),
    (["net_sales_wow_growth"], ["metric_time__week"]),
    (["stockout_rate", "lost_sales_value"], ["location__region"]),
]
READERS = ("planner_east", "category_manager", "store_manager", "executive", "analytics_engineer")
HOUSEHOLDS = [
    (["net_sales"], ["customer__age_band"]),
    (["net_sales"], ["product__category", "customer__age_band"]),
]


def run(*, quick: bool = False) -> Iterator[Row]:
    """On the demo's release; plans are made afresh each time, results are not cached."""
    release = (VAR / "current").resolve()
    manifest = release / "semantic_manifest.json"
    engine = Engine(release / "warehouse.duckdb", cache_size=0)
    catalog = SemanticLayer.from_manifest(manifest).catalog
    layer = SemanticLayer(catalog, engine.statistics(catalog))
    yield from _planning(layer, TaggedCatalog.from_manifest(manifest), runs=9 if quick else 61)
    yield _first_question(layer, TaggedCatalog.from_manifest(manifest))
    yield from _households(layer, engine, TaggedCatalog.from_manifest(manifest), runs=3 if quick else 7)
    engine.close()
    yield from refusals(runs=20 if quick else 200)
    yield _audit(rows=10_000 if quick else 100_000)


def _planning(layer: SemanticLayer, tags: TaggedCatalog, *, runs: int) -> Iterator[Row]:
    planner = Directory.load().user("planner_east")
    queries = [MetricQuery(metrics=metrics, group_by=group_by) for metrics, group_by in QUERIES]
    free, bound = _beside_no_policy(layer, tags, [(planner, query) for query in queries], runs)
    yield _added("added to planning, rows cut to a region", sum(bound) / sum(free), statistics.median(free))
    asked = list(_random_questions(layer, tags, count=20 if runs < 20 else 60))
    free, bound = _beside_no_policy(layer, tags, asked, max(3, runs // 8))
    shares = [b / f for f, b in zip(free, bound, strict=True)]
    name = f"added to planning, {len(asked)} random questions of {len(READERS)} roles, median"
    yield _added(name, statistics.median(shares), statistics.median(free))
    households = [
        (planner, MetricQuery(metrics=metrics, group_by=group_by)) for metrics, group_by in HOUSEHOLDS
    ]
    free, bound = _beside_no_policy(layer, tags, households, runs)
    name = "added to planning about households: their groups are counted by a second query"
    share = sum(bound) / sum(free) - 1
    yield Row("policy", name, "%", 100 * share, peer=statistics.median(free))


def _added(name: str, ratio: float, plain_ms: float) -> Row:
    return Row("policy", name, "%", 100 * (ratio - 1), target=20, peer=plain_ms, holds=ratio < 1.2)


def _beside_no_policy(
    layer: SemanticLayer, tags: TaggedCatalog, asked: list[tuple[Principal, MetricQuery]], runs: int
) -> tuple[list[float], list[float]]:
    """Milliseconds to plan each query without a reader, and to decide what its reader sees and plan it."""
    free, bound = [], []
    for reader, query in asked:

        def plain(query: MetricQuery = query) -> None:
            layer.forget_plans()
            layer.compile(query)

        def governed(query: MetricQuery = query, reader: Principal = reader) -> None:
            layer.forget_plans()
            parsed = layer.parse(query)
            layer.compile(parsed, restriction=authorize(reader, parsed, tags))

        one, other = alternate_ms([plain, governed], runs)
        free.append(one)
        bound.append(other)
    return free, bound


def _random_questions(
    layer: SemanticLayer, tags: TaggedCatalog, *, count: int
) -> Iterator[tuple[Principal, MetricQuery]]:
    """Questions that their readers may ask, none about households."""
    rng, directory, questions = fixed_random(5), Directory.load(), 0
    while questions < count:
        reader = directory.user(rng.choice(READERS))
        visible = [m.name for m in layer.metrics(for_listing(reader, tags))]
        metrics = rng.sample(visible, rng.choice([1, 1, 2, 3]))
        names = [n for n in layer.dimensions(metrics) if n != "metric_time"]
        by = [f"metric_time__{rng.choice(['day', 'week', 'month'])}"]
        query = MetricQuery(metrics, [*by, *rng.sample(names, min(len(names), rng.choice([0, 1, 2])))])
        with suppress(SteelyardError):
            restriction = authorize(reader, layer.parse(query), tags)
            layer.compile(query, restriction=restriction)
            if restriction.minimum_group is None:
                questions += 1
                yield reader, query


def _first_question(layer: SemanticLayer, tags: TaggedCatalog) -> Row:
    from governance.policy import restriction

    reader, parsed = Directory.load().user("planner_east"), layer.parse(MetricQuery(["net_sales"]))

    def first() -> None:
        restriction._restriction.cache_clear()
        restriction._authorized.cache_clear()
        authorize(reader, parsed, tags)

    return Row("policy", "decide what a reader sees, first question of the kind", "ms", median_ms(first, 9))


def _audit(rows: int) -> Row:
    """The whole chain read and every seal computed again, as `steelyard audit verify` does."""
    entries = [audit.AuditEntry("service:x", "test", f"o.{n}", after={"n": n}) for n in range(rows)]
    with tempfile.TemporaryDirectory() as folder:
        store = OpsStore(f"sqlite:///{folder}/ops.db")
        upgrade(store)
        with store.write() as transaction:
            audit.append_many(transaction, entries, now=dt.datetime.now(dt.UTC))
        took = median_ms(lambda: audit.verify(store), 3)
        store.close()
    name, target = f"the audit's chain of {rows:,} rows verified", rows / 50  # two seconds for 100,000
    return Row("policy", name, "ms", took, target, holds=took < target)


def _households(layer: SemanticLayer, engine: Engine, tags: TaggedCatalog, *, runs: int) -> Iterator[Row]:
    reader, now = Directory.load().user("planner_east"), dt.datetime.now(dt.UTC)
    with tempfile.TemporaryDirectory() as folder:
        store = OpsStore(f"sqlite:///{folder}/ops.db")
        upgrade(store)
        for metrics, group_by in HOUSEHOLDS:
            parsed = layer.parse(MetricQuery(metrics=metrics, group_by=group_by))
            restriction = authorize(reader, parsed, tags)
            compiled = layer.compile(parsed, restriction=restriction)
            floor, groups = restriction.minimum_group, GroupControl(store)
            if floor is None:
                raise TypeError("a question about households without a floor")
            answers = {p.name: engine.run(p) for p in compiled.probes}
            query, probe, judged = alternate_ms(
                [
                    partial(engine.run, compiled),
                    partial(_run_all, engine, compiled.probes),
                    partial(
                        groups.suppress, "reader", compiled.probes, partial(_answer, answers), floor, now=now
                    ),
                ],
                runs,
            )
            yield Row(
                "policy",
                f"added to a question about households: {' × '.join(group_by)}",
                "ms",
                probe + judged,
                peer=query,
                ratio=(probe + judged) / query,
            )
        store.close()


def _run_all(engine: Engine, probes: tuple[GroupProbe, ...]) -> None:
    for probe in probes:
        engine.run(probe)


def _answer(answers: dict[str, pa.Table], probe: GroupProbe) -> pa.Table:
    return answers[probe.name]
