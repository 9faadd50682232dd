"""The front door: a semantic layer over one manifest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .ast.memoize import LeastRecentlyUsed
from .definitions.as_of import dated
from .definitions.catalog import Catalog, Metric
from .definitions.manifest import build_catalog, load_catalog
from .definitions.restriction import NO_RESTRICTION, Restriction
from .plan.compiled import CompiledQuery, Lineage, OutputColumn
from .plan.explain import explain_plan
from .plan.planner import Planner
from .plan.suppression_probe import probe_sql
from .plan.to_sql import to_sql
from .query.parse import QueryParser
from .query.parsed import ParsedQuery, fenced
from .query.request import GroupByItem, MetricQuery
from .query.resolve import Resolver, is_hidden
from .query.visibility import visible_metrics
from .rules import Statistics, rewrite, rollups_not_read, rollups_read
from .sql import read
from .sql.shape import SqlShape

PLAN_CACHE_SIZE = 4096


@dataclass(frozen=True, eq=False, repr=False)
class SemanticLayer:
    """All metrics of one manifest. Immutable but for locked caches of what was compiled, so threads can share
    it. `statistics` (sizes of tables) only help to choose faster SQL. `as_of` is what CURRENT_DATE means;
    without it queries that say it are refused.
    """

    catalog: Catalog
    statistics: Statistics = field(default_factory=Statistics)
    as_of: dt.date | None = None
    _resolver: Resolver = field(init=False)
    _parser: QueryParser = field(init=False)
    _parsed: LeastRecentlyUsed[ParsedQuery] = field(init=False)
    _plans: LeastRecentlyUsed[CompiledQuery] = field(init=False)

    def __post_init__(self) -> None:
        catalog = self.catalog if self.as_of is None else dated(self.catalog, self.as_of)
        resolver = Resolver(catalog)
        derived = {
            "catalog": catalog,
            "statistics": self.statistics.with_rollups(catalog, resolver),
            "_resolver": resolver,
            "_parser": QueryParser(catalog, resolver, self.as_of),
            "_parsed": LeastRecentlyUsed[ParsedQuery](PLAN_CACHE_SIZE),
            "_plans": LeastRecentlyUsed[CompiledQuery](PLAN_CACHE_SIZE),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_manifest(
        cls, path: str | Path, statistics: Statistics | None = None, as_of: dt.date | None = None
    ) -> SemanticLayer:
        """The layer of a `semantic_manifest.json`, legacy or new form. Raises ManifestError.

        `statistics` (sizes of tables) only help to choose faster SQL. `as_of` is what CURRENT_DATE means.
        """
        return cls(load_catalog(path), statistics or Statistics(), as_of)

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any], as_of: dt.date | None = None) -> SemanticLayer:
        """The layer of a manifest that is already parsed."""
        return cls(build_catalog(manifest), as_of=as_of)

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

    def parse(self, query: MetricQuery | str) -> ParsedQuery:
        """A metric query or semantic SQL with all its names read, whoever asks; see `ParsedQuery.names`.

        Raises InvalidQueryError or UnsupportedError if it is malformed. A name that does not exist is refused
        by `compile`, in the same words as one that a restriction hides.
        """
        key = query if isinstance(query, str) else query.key()
        if (cached := self._parsed.get(key)) is not None:
            return cached
        parsed = read(query, self._parser) if isinstance(query, str) else self._parser.parse(query)
        with suppress(TypeError):  # a query may be made of lists, which cannot be looked up
            self._parsed.put(key, parsed)
        return parsed

    def compile(
        self, query: MetricQuery | ParsedQuery, dialect: str = "duckdb",
        restriction: Restriction | None = None, *, explain: bool = False, comments: bool = False,
    ) -> CompiledQuery:  # fmt: skip
        """SQL for a query under a restriction. A MetricQuery is parsed first.

        Raises UnknownNameError, AmbiguousNameError, InvalidQueryError, ForbiddenUseError or UnsupportedError;
        never answers another question than the one asked. Planning uses no name but those that the query was
        parsed to use and, if the restriction says which are authorized, none but those. Repeated queries come
        from a cache.
        """
        parsed = self.parse(query) if isinstance(query, MetricQuery) else query
        key = (parsed, dialect, restriction, explain, comments)
        if (cached := self._plans.get(key)) is not None:
            return cached
        if isinstance(parsed.shape, SqlShape):
            inner = None
            if not parsed.reads_nothing:
                governed = parsed.governed
                if restriction is not None and restriction.minimum_group is not None:
                    governed = fenced(governed)
                inner = self.compile(governed, "duckdb", restriction, explain=explain)
            compiled = replace(parsed.shape.over(inner, dialect), key=hash(key))
        else:
            compiled = self._compile(
                parsed,
                dialect,
                restriction or NO_RESTRICTION,
                explain=explain,
                comments=comments,
                key=hash(key),
            )
        self._plans.put(key, compiled)
        return compiled

    def _compile(
        self, query: ParsedQuery, dialect: str, restriction: Restriction, *,
        explain: bool, comments: bool, key: int,
    ) -> CompiledQuery:  # fmt: skip
        names = query.names() if restriction.authorized is None else query.names() & restriction.authorized
        planner = self._planner(replace(restriction, authorized=names))
        planned = planner.plan(query)
        plan = rewrite(planned.plan, self.statistics)
        sql = to_sql(plan, dialect, comments=comments)
        rollups = rollups_read(plan) if self.statistics.rollups else {}
        columns = [c.name for c in plan.body.columns]
        items = {i.name: i for i in planned.query.items}
        return CompiledQuery(
            sql=sql,
            columns=tuple(self._column(name, items) for name in columns),
            lineage=self._lineage(planner, query, columns, rollups),
            dialect=dialect,
            key=key,
            explain=explain_plan(plan, rollups_not_read(plan, self.statistics)) if explain else "",
            keys=planned.keys,
            rollups=tuple(rollups),
            probes=tuple(probe_sql(probe, planned.plan.ctes) for probe in planned.probes),
        )

    def forget_plans(self) -> None:
        """Empty the caches of plans and of parsed queries (for measuring)."""
        self._plans.clear()
        self._parsed.clear()

    def explain(self, query: MetricQuery | ParsedQuery, restriction: Restriction | None = None) -> str:
        """The logical plan as text."""
        return self.compile(query, restriction=restriction, explain=True).explain

    def _planner(self, restriction: Restriction | None) -> Planner:
        statistics = self.statistics
        return Planner(
            self.catalog, self._resolver, restriction or NO_RESTRICTION, statistics.dates, statistics.texts
        )

    def _column(self, name: str, items: Mapping[str, GroupByItem]) -> OutputColumn:
        metric = self.catalog.metrics.get(name) if name not in items else None
        if metric is not None:
            return OutputColumn(name, "metric", metric.label or name, metric.description, metric.meta)
        item = items.get(name)
        is_time = item is not None and (item.grain or item.part)
        kind = "time" if is_time else "entity" if item is not None and item.kind == "entity" else "dimension"
        return OutputColumn(name, kind, name)

    def _lineage(
        self, planner: Planner, query: ParsedQuery, names: list[str], rollups: Mapping[str, str]
    ) -> Lineage:
        below: dict[str, tuple[str, ...]] = {}
        for name in query.metrics:
            below[name] = tuple(dict.fromkeys(self._below(name)))
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


def parse_semantic_sql(
    layer: SemanticLayer, sql: str, restriction: Restriction | None = None, dialect: str = "duckdb"
) -> CompiledQuery:
    """A SELECT over `metrics` as a compiled, governed query.

    Raises InvalidQueryError or UnsupportedError (with what to write instead) for any other SQL, and what
    SemanticLayer.compile raises for unknown names.
    """
    return layer.compile(layer.parse(sql), dialect, restriction)
