"""Which metrics a reader may know of: none that is hidden, or built on something hidden."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..definitions.catalog import Catalog, Metric
from ..definitions.restriction import Restriction
from .predicates import parse_predicate
from .request import GroupByItem, MetricRef
from .resolve import is_hidden


@lru_cache(maxsize=512)
def _visible(catalog: Catalog, restriction: Restriction) -> frozenset[str]:
    state: dict[str, bool] = {}

    def is_visible(name: str) -> bool:
        if name in state:
            return state[name]
        state[name] = True
        metric = catalog.metrics.get(name)
        if metric is not None:
            state[name] = (
                name not in restriction.hidden_metrics
                and all(is_visible(i.name) for i in metric.inputs)
                and all(_filter_is_visible(catalog, f, restriction, is_visible) for f in _filters(metric))
                and all(
                    simple_name not in restriction.hidden_metrics for simple_name in _simple_names(metric)
                )
            )
        return state[name]

    return frozenset(name for name in catalog.metrics if is_visible(name))


def visible_metrics(catalog: Catalog, restriction: Restriction) -> frozenset[str]:
    """The metrics a reader may know of: none that is hidden, or built on something hidden."""
    hidden = Restriction(
        hidden_metrics=restriction.hidden_metrics, hidden_dimensions=restriction.hidden_dimensions
    )
    return _visible(catalog, hidden)


def _simple_names(metric: Metric) -> tuple[str, ...]:
    if metric.conversion is not None:
        return (metric.conversion.base.name, metric.conversion.conversion.name)
    return (metric.simple.name,) if metric.simple is not None else ()


def _filters(metric: Metric) -> tuple[str, ...]:
    own = [*metric.filters, *(f for i in metric.inputs for f in i.filters)]
    if metric.simple is not None:
        own += metric.simple.filters
    if metric.conversion is not None:
        own += [*metric.conversion.base.filters, *metric.conversion.conversion.filters]
    return tuple(own)


def _filter_is_visible(
    catalog: Catalog, text: str, restriction: Restriction, is_visible: Callable[[str], bool]
) -> bool:
    if not restriction.hidden_dimensions and not restriction.hidden_metrics:
        return True
    predicate = parse_predicate(text, frozenset(catalog.custom_grains), True)
    for ref in predicate.refs:
        if isinstance(ref, MetricRef):
            if not is_visible(ref.metric) or any(is_hidden(i, restriction) for i in ref.group_by):
                return False
        elif isinstance(ref, GroupByItem) and is_hidden(ref, restriction):
            return False
    return True
