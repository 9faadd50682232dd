"""Which names of the definitions a query uses or rests on: the whole set that planning may come to need.

What is found from any model that planning could read from counts, so the set may hold more than one plan uses
and never less: planning is held to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ..definitions.catalog import Catalog, Metric, SimpleMetric
from ..definitions.used_name import UsedName
from .predicates import Predicate, parse_predicate
from .request import METRIC_TIME, GroupByItem, MetricRef, dunder
from .resolve import Resolver, used_name


@dataclass(frozen=True)
class MetricNames:
    """The names that a metric rests on, and the models that it aggregates."""

    models: frozenset[str] = frozenset()
    names: frozenset[UsedName] = frozenset()

    def __or__(self, other: MetricNames) -> MetricNames:
        return MetricNames(self.models | other.models, self.names | other.names)


class NameCollector:
    """Collects names within one catalog. What a metric rests on is worked out once."""

    def __init__(self, catalog: Catalog, resolver: Resolver) -> None:
        self.catalog = catalog
        self._resolver = resolver
        self._custom = frozenset(catalog.custom_grains)
        self._of_metric = lru_cache(maxsize=None)(self._metric)
        self._meanings = lru_cache(maxsize=16384)(self._meanings_of)

    def query(
        self,
        metrics: Iterable[str],
        items: Iterable[GroupByItem],
        predicates: Iterable[Predicate],
        order: Iterable[str],
    ) -> tuple[frozenset[UsedName], ...]:
        """The names of a query by what brings them: first its own items, then each metric that it names."""
        asked = tuple(metrics)
        models = frozenset[str]().union(*(self._of_metric(name).models for name in asked))
        if not asked:
            models = frozenset(self.catalog.models)
        named = [MetricRef(name, ()) for name in asked]
        own = [*items, *(reference for predicate in predicates for reference in predicate.refs)]
        for key in order:
            if key in self.catalog.metrics:
                named.append(MetricRef(key, ()))
            else:
                own.append(dunder(key, self._custom))
        named += [reference for reference in own if isinstance(reference, MetricRef)]
        direct = [reference for reference in own if isinstance(reference, GroupByItem)]
        parts = [self._references(direct, models), *(self._references([ref], models) for ref in named)]
        return tuple(dict.fromkeys(frozenset(part) for part in parts))

    def _metric(self, name: str) -> MetricNames:
        return self._below(name, ())

    def _below(self, name: str, above: tuple[str, ...]) -> MetricNames:
        metric = self.catalog.metrics.get(name)
        if metric is None or name in above:
            return MetricNames()
        names = MetricNames(names=frozenset({UsedName("metric", name)}))
        for used in metric.inputs:
            names |= self._below(used.name, (*above, name))
        for simple in _leaves(metric):
            names |= MetricNames(frozenset({simple.measure.model}), frozenset(self._simple_metric(simple)))
        references = [*self._filtered(metric), *_keys(metric)]
        return names | MetricNames(names=frozenset(self._references(references, names.models)))

    def _simple_metric(self, simple: SimpleMetric) -> Iterator[UsedName]:
        """The simple metric that is aggregated, and the keys by which it does not add up."""
        if simple.name in self.catalog.metrics:
            yield UsedName("metric", simple.name)
        measure = simple.measure
        keys = [measure.agg_time] if measure.agg_time else []
        if measure.non_additive is not None:
            keys += [measure.non_additive.dimension, *measure.non_additive.groupings]
        for key in keys:
            yield from self._item(GroupByItem((), key), frozenset({measure.model}))

    def _filtered(self, metric: Metric) -> Iterator[GroupByItem | MetricRef]:
        """What the filters in a metric's definition refer to."""
        texts = [*metric.filters, *(text for used in metric.inputs for text in used.filters)]
        texts += [text for simple in _leaves(metric) for text in simple.filters]
        for text in texts:
            yield from parse_predicate(text, self._custom, True).refs

    def _references(
        self, references: Iterable[GroupByItem | MetricRef], models: frozenset[str]
    ) -> Iterator[UsedName]:
        for reference in references:
            if isinstance(reference, GroupByItem):
                yield from self._item(reference, models)
                continue
            below = self._of_metric(reference.metric)
            yield from below.names
            for item in reference.group_by:
                yield from self._item(item, below.models)
                for links in {(), item.links}:
                    yield from self._item(GroupByItem(links, item.element, kind="entity"), models)
                yield from self._item(item, models)

    def _item(self, item: GroupByItem, models: frozenset[str]) -> Iterator[UsedName]:
        """Everything that an item may mean, seen from any of the models."""
        if item.kind == "computed":
            yield from self._references(item.expression.refs, models)
            return
        if item.is_metric_time:
            yield UsedName("dimension", METRIC_TIME)
        for model in models:
            yield from self._meanings(model, item)

    def _meanings_of(self, model: str, item: GroupByItem) -> tuple[UsedName, ...]:
        """Everything that an item may mean, seen from one model."""
        kinds = {item.kind} if item.kind == "entity" else {item.kind, "any", "time"}
        meanings = (
            self._resolver.everything(self.catalog.models[model], replace(item, kind=k)) for k in kinds
        )
        return tuple(used_name(meaning) for of_kind in meanings for meaning in of_kind)


def _leaves(metric: Metric) -> tuple[SimpleMetric, ...]:
    if metric.conversion is not None:
        return (metric.conversion.base, metric.conversion.conversion)
    return (metric.simple,) if metric.simple is not None else ()


def _keys(metric: Metric) -> Iterator[GroupByItem]:
    """What a conversion is counted by."""
    if metric.conversion is not None:
        yield GroupByItem((), metric.conversion.entity, kind="entity")
        for pair in metric.conversion.constants:
            yield from (dunder(name, ()) for name in pair)
