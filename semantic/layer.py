"""The front door: a semantic layer over one manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .ast.memoize import LeastRecentlyUsed
from .definitions.catalog import Catalog, Metric
from .definitions.manifest import build_catalog, load_catalog
from .definitions.restriction import NO_RESTRICTION, Restriction
from .plan.planner import Planner
from .plan.suppression_probe import GroupProbe
from .plan.to_sql import to_sql
from .query.request import GroupByItem, MetricQuery
from .query.resolve import Resolver, is_hidden
from .query.visibility import visible_metrics
from .rules import Statistics, rewrite, rollups_not_read, rollups_read

PLAN_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of the answer. kind: metric, time, dimension or entity; meta is the metric's own."""

    name: str
    kind: str
    label: str = ""
    description: str = ""
    meta: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where an answer comes from: metrics (with all they build on), semantic models, tables."""

    metrics: tuple[str, ...]
    models: tuple[str, ...]
    relations: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    """Output column to the metrics, or the dimension, that it is made of."""


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL that answers a query, ready to run. `key` identifies (query, dialect, restriction)."""

    sql: str
    columns: tuple[OutputColumn, ...]
    lineage: Lineage
    dialect: str
    explain: str = ""
    key: int = 0
    rollups: tuple[str, ...] = ()
    """The rollups that it reads instead of their facts."""
    probes: tuple[GroupProbe, ...] = ()
    """Under a minimum size of groups: the probes of their contributing entities."""


class SemanticLayer:
    """All metrics of one manifest. Immutable but for a locked cache of plans, so threads can share it."""

    def __init__(self, catalog: Catalog, statistics: Statistics | None = None) -> None:
        self.catalog = catalog
        self._resolver = Resolver(catalog)
        self._statistics = (statistics or Statistics()).with_rollups(catalog, self._resolver)
        self._plans: LeastRecentlyUsed[CompiledQuery] = LeastRecentlyUsed(PLAN_CACHE_SIZE)

    @classmethod
    def from_manifest(cls, path: str | Path, statistics: Statistics | None = None) -> SemanticLayer:
        """The layer of a `semantic_manifest.json`, legacy or new form. Raises ManifestError.

        `statistics` (sizes of tables) only help to choose faster SQL.
        """
        return cls(load_catalog(path), statistics)

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> SemanticLayer:
        """The layer of a manifest that is already parsed."""
        return cls(build_catalog(manifest))

    # -- what exists --------------------------------------------------------------------------------------

    def metrics(self, restriction: Restriction | None = None) -> tuple[Metric, ...]:
        """The metrics that a reader may see, by name; private ones left out."""
        visible = visible_metrics(self.catalog, restriction or NO_RESTRICTION)
        metrics = [m for m in self.catalog.metrics.values() if m.name in visible and not m.is_private]
        return tuple(sorted(metrics, key=lambda m: m.name))

    def metric(self, name: str, restriction: Restriction | None = None) -> Metric:
        """One metric. Raises UnknownNameError with near misses."""
        return self._planner(restriction).names.metric(name)

    def dimensions(
        self, metrics: list[str] | None = None, restriction: Restriction | None = None
    ) -> tuple[str, ...]:
        """The group-by names that all of the metrics share (of every model, where none is given)."""
        planner = self._planner(restriction)
        models = [
            self.catalog.models[simple.measure.model]
            for n in metrics or ()
            for simple in planner.names.simple_metrics(planner.names.metric(n))
        ]
        sets = [set(self._resolver.names(m)) for m in models or self.catalog.models.values()]
        names = set.intersection(*sets) if models else set.union(*sets) if sets else set()
        visible = {
            n
            for n in names
            if not is_hidden(GroupByItem(tuple(n.split("__")[:-1]), n.split("__")[-1]), planner.restriction)
        }
        return tuple(sorted(visible | {"metric_time"}))

    # -- compile ------------------------------------------------------------------------------------------

    def compile(
        self, query: MetricQuery, dialect: str = "duckdb", restriction: Restriction | None = None, *,
        explain: bool = False, comments: bool = False,
    ) -> CompiledQuery:  # fmt: skip
        """SQL for a query under a restriction.

        Raises UnknownNameError, AmbiguousNameError, InvalidQueryError, ForbiddenUseError or UnsupportedError;
        never answers another question than the one asked. Repeated queries come from a cache.
        """
        key = (query.key(), dialect, restriction, explain, comments)
        if (cached := self._plans.get(key)) is not None:
            return cached
        planner = self._planner(restriction)
        plan, resolved = planner.plan(query)
        plan = rewrite(plan, self._statistics)
        sql = to_sql(plan, dialect, comments=comments)
        rollups = rollups_read(plan) if self._statistics.rollups else {}
        text = ""
        if explain:
            from .plan.explain import explain_plan

            text = explain_plan(plan, rollups_not_read(plan, self._statistics))
        compiled = CompiledQuery(
            sql=sql,
            columns=tuple(
                self._column(c.name, {i.name: i for i in resolved.items}) for c in plan.body.columns
            ),
            lineage=self._lineage(planner, query, [c.name for c in plan.body.columns], rollups),
            dialect=dialect,
            explain=text,
            key=hash(key),
            rollups=tuple(rollups),
            probes=planner.probes(),
        )
        self._plans.put(key, compiled)
        return compiled

    def forget_plans(self) -> None:
        """Empty the plan cache (for measuring)."""
        self._plans.clear()

    def explain(self, query: MetricQuery, restriction: Restriction | None = None) -> str:
        """The logical plan as text."""
        return self.compile(query, restriction=restriction, explain=True).explain

    def _planner(self, restriction: Restriction | None) -> Planner:
        return Planner(self.catalog, self._resolver, restriction or NO_RESTRICTION, self._statistics.dates)

    def _column(self, name: str, items: Mapping[str, GroupByItem]) -> OutputColumn:
        metric = self.catalog.metrics.get(name) if name not in items else None
        if metric is not None:
            return OutputColumn(name, "metric", metric.label or name, metric.description, metric.meta)
        item = items.get(name)
        is_time = item is not None and (item.grain or item.part)
        kind = "time" if is_time else "entity" if item is not None and item.kind == "entity" else "dimension"
        return OutputColumn(name, kind, name)

    def _lineage(
        self, planner: Planner, query: MetricQuery, names: list[str], rollups: Mapping[str, str]
    ) -> Lineage:
        below: dict[str, tuple[str, ...]] = {}
        for name in query.metrics:
            below[name.strip().lower()] = tuple(dict.fromkeys(self._below(name.strip().lower())))
        models = tuple(planner.builder.used_models)
        return Lineage(
            metrics=tuple(dict.fromkeys(m for names in below.values() for m in names)),
            models=models,
            relations=tuple(
                dict.fromkeys([*rollups.values(), *(self.catalog.models[m].relation for m in models)])
            ),
            columns={n: below.get(n, (n,)) for n in names},
        )

    def _below(self, name: str) -> list[str]:
        metric = self.catalog.metrics.get(name)
        if metric is None:
            return []
        return [name, *(m for i in metric.inputs for m in self._below(i.name))]
