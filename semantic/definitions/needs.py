"""What a metric needs of the data, as its definitions say: tables, or columns of tables, that come with it.

    config: {meta: {steelyard: {needs: [inventory_snapshots]}}}

on a semantic model holds for every metric of its measures; on a metric for that metric, too. A need is a
table (`returns`), a column that is not NULL throughout (`sales_lines.customer_id`), or several of these
joined by ` or `, of which one is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .catalog import Catalog, SimpleMetric

ALTERNATIVE = " or "


def metric_needs(catalog: Catalog, name: str) -> tuple[str, ...]:
    """Needs of a metric and of all that it is computed from, each once. Raises KeyError."""
    return tuple(dict.fromkeys(_needs(catalog, name)))


def _needs(catalog: Catalog, name: str) -> Iterator[str]:
    metric = catalog.metrics[name]
    simple = [metric.simple] if metric.simple else []
    if metric.conversion:
        simple += [metric.conversion.base, metric.conversion.conversion]
    for part in simple:
        yield from _of_measure(catalog, part)
    for used in metric.inputs:
        yield from _needs(catalog, used.name)
    yield from _declared(metric.meta)


def _of_measure(catalog: Catalog, part: SimpleMetric) -> Iterator[str]:
    yield from _declared(catalog.models[part.measure.model].meta)
    if part.name in catalog.metrics:  # a metric over a measure brings what that metric declares
        yield from _declared(catalog.metrics[part.name].meta)


def _declared(meta: Mapping[str, object]) -> Iterator[str]:
    own = meta.get("steelyard")
    needs = own.get("needs") if isinstance(own, Mapping) else None
    if isinstance(needs, list):
        yield from map(str, needs)
