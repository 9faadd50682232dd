"""Which names of the definitions a query uses or rests on: the whole set that planning may come to need.

What is found from any model that planning could read from counts, so the set may hold more than one plan uses
and never less: planning is held to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..definitions.catalog import Catalog, Metric, SimpleMetric
from ..definitions.used_name import UsedName
from .predicates import Predicate, parse_predicate
from .request import METRIC_TIME, GroupByItem, MetricRef, dunder
from .resolve import Resolver


@dataclass(frozen=True)
class MetricNames:
    """The names that a metric rests on, and the models that it aggregates."""

    models: frozenset[str] = frozenset()
    names: frozenset[UsedName] = frozenset()


class NameCollector:
    """Collects names within one catalog. What a metric rests on is worked out once."""

    def __init__(self, catalog: Catalog, resolver: Resolver) -> None:
        self.catalog = catalog
        self._resolver = resolver
        self._custom = frozenset(catalog.custom_grains)
        self._all_models = frozenset(catalog.models)
        self._of_metric = lru_cache(maxsize=None)(self._metric)
        self._own = lru_cache(maxsize=None)(self._own_names)
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
            models = self._all_models
        named = [MetricRef(name, ()) for name in asked]
        own = [*items, *(reference for predicate in predicates for reference in predicate.refs)]
        for key in order:
            if key in self.catalog.metrics:
                named.append(MetricRef(key, ()))
            else:
                own.append(dunder(key, self._custom))
        named += [reference for reference in own if isinstance(reference, MetricRef)]
        direct = [reference for reference in own if isinstance(reference, GroupByItem)]
        parts = [frozenset(self._references(direct, models))]
        for ref in named:
            below = self._of_metric(ref.metric).names
            parts.append(below | frozenset(self._references([ref], models)) if ref.group_by else below)
        return tuple(dict.fromkeys(parts))

    def _metric(self, name: str) -> MetricNames:
        """What a metric rests on: it, all that it is computed from, and what each of them names."""
        below = self._with_inputs(name)
        models = frozenset(s.measure.model for metric in below for s in _leaves(metric))
        return MetricNames(models, frozenset[UsedName]().union(*(self._own(m.name) for m in below)))

    def _with_inputs(self, name: str) -> tuple[Metric, ...]:
        """A metric and all metrics below it, each once."""
        metrics: dict[str, Metric] = {}
        left = [name]
        while left:
            metric = self.catalog.metrics.get(left.pop())
            if metric is not None and metric.name not in metrics:
                metrics[metric.name] = metric
                left += [used.name for used in metric.inputs]
        return tuple(metrics.values())

    def _own_names(self, name: str) -> frozenset[UsedName]:
        """A metric's name, and what its own definition refers to, seen from any model that it aggregates."""
        metric = self.catalog.metrics[name]
        names = {UsedName("metric", name)}
        for simple in _leaves(metric):
            names.update(self._simple_metric(simple))
        if references := [*self._filtered(metric), *_keys(metric)]:
            below = (s.measure.model for m in self._with_inputs(name) for s in _leaves(m))
            names.update(self._references(references, frozenset(below)))
        return frozenset(names)

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
        yield from self._meanings(item, models)

    def _meanings_of(self, item: GroupByItem, models: frozenset[str]) -> tuple[UsedName, ...]:
        """Everything that an item may mean, seen from some models."""
        seen_from = (self.catalog.models[name] for name in models)
        return tuple(m.used_name for model in seen_from for m in self._resolver.every_meaning(model, item))


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
