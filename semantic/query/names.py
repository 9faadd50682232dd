"""Resolve the names of a query: which metrics the reader may ask for, and the grain of each time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..ast.grains import RANK, coarsest
from ..definitions.catalog import Catalog, Input, Metric, SimpleMetric
from ..definitions.restriction import Restriction
from ..definitions.used_name import UsedName
from ..errors import UnknownNameError
from ..suggest import near
from .predicates import Predicate, parse_predicate
from .request import GroupByItem, MetricRef
from .resolve import Resolver
from .visibility import visible_metrics


@dataclass(frozen=True)
class Grains:
    """What metric_time means for some metrics: its grain by default, and the finest that all of them know."""

    models: tuple[str, ...]
    default: str
    least: str


class NameResolver:
    """Look-ups in one catalog for one reader."""

    def __init__(self, catalog: Catalog, resolver: Resolver, restriction: Restriction) -> None:
        self.catalog = catalog
        self.resolver = resolver
        self.restriction = restriction
        self.visible = visible_metrics(catalog, restriction)
        self.custom = frozenset(catalog.custom_grains)

    def metric(self, name: str) -> Metric:
        """A metric that the reader may see. Raises UnknownNameError with near misses."""
        if name not in self.visible or not self._is_authorized(name):
            raise UnknownNameError(f"The metric {name} does not exist.", hint=near(name, self.visible))
        return self.catalog.metrics[name]

    def _is_authorized(self, name: str) -> bool:
        authorized = self.restriction.authorized
        return authorized is None or UsedName("metric", name) in authorized

    def input(self, owner: Metric, used: Input) -> Metric:
        """A metric that another is built on."""
        if used.name not in self.catalog.metrics or not self._is_authorized(used.name):
            raise UnknownNameError(f"Metric {owner.name} uses {used.name}, which does not exist.")
        return self.catalog.metrics[used.name]

    def simple_metrics(self, metric: Metric) -> list[SimpleMetric]:
        """All simple metrics below a metric: what it aggregates, and by which time."""
        if metric.conversion is not None:
            return [metric.conversion.base]
        if metric.simple is not None:
            return [metric.simple]
        return [simple for i in metric.inputs for simple in self.simple_metrics(self.input(metric, i))]

    def grains(self, metrics: Iterable[Metric]) -> Grains:
        """The grains of metric_time for some metrics together."""
        metrics = list(metrics)
        simple_metrics = [simple for m in metrics for simple in self.simple_metrics(m)]
        own = [self._simple_grain(simple) for simple in simple_metrics]
        stated = [m.default_grain for m in metrics if m.default_grain in RANK]
        least = coarsest(own) if own else "nanosecond"
        default = coarsest([g for g in stated if g]) if stated else coarsest(["day", least])
        return Grains(tuple(dict.fromkeys(simple.measure.model for simple in simple_metrics)), default, least)

    def _simple_grain(self, simple: SimpleMetric) -> str:
        model = self.catalog.models[simple.measure.model]
        dimension = model.dimensions.get(simple.measure.agg_time or "")
        return (dimension.grain if dimension else None) or "day"

    def item(self, item: GroupByItem, grains: Grains) -> GroupByItem:
        """The item with its grain resolved. metric_time finer than a metric knows is shown as known."""
        if item.part:
            return replace(item, grain=None)
        if item.is_metric_time:
            grain = item.grain or grains.default
            if grain in RANK and RANK[grain] < RANK[grains.least] and grains.models:
                grain = grains.least
            return replace(item, grain=grain, kind="time")
        if item.grain:
            return replace(item, kind="time")
        own_grain = self._dimension_grain(item, grains)
        if own_grain:
            return replace(item, grain=own_grain, kind="time")
        return replace(item, kind="any") if item.kind == "time" else item

    def _dimension_grain(self, item: GroupByItem, grains: Grains) -> str | None:
        for name in grains.models or self.catalog.models:
            model = self.catalog.models[name]
            if self.resolver.reaches(model, item, self.restriction):
                resolved = self.resolver.find(model, item, self.restriction)
                return resolved.dimension.grain if resolved.dimension else None
        return None

    def defined(self, text: str, grains: Grains) -> Predicate:
        """A filter of a definition, with the grains of its references resolved."""
        return self.predicate(parse_predicate(text, self.custom, True), grains)

    def predicate(self, predicate: Predicate, grains: Grains) -> Predicate:
        """A filter with the grains of its references resolved. Raises UnknownNameError for hidden metrics."""
        refs = tuple(r if isinstance(r, MetricRef) else self.item(r, grains) for r in predicate.refs)
        for ref in refs:
            if isinstance(ref, MetricRef):
                self.metric(ref.metric)
        return predicate.with_refs(refs)

    def check_saved(self, name: str) -> None:
        """Raises UnknownNameError if there is no such saved query, or none that the reader may run."""
        saved = self.catalog.saved_queries
        visible = [n for n, q in saved.items() if all(m in self.visible for m in q.metrics)]
        if name not in visible:
            raise UnknownNameError(f"The saved query {name} does not exist.", hint=near(name, visible))
