"""Request to plan: resolve names, unfold metrics into inputs, build one relation per scan, combine them.

>>> sales = [("2024-01-30", "p1", 10), ("2024-02-01", "p1", 5), ("2024-02-02", "p2", 3)]
>>> answer("net_sales price", "metric_time__month", sales=sales)
2024-01-01 10 10
2024-02-01 8 4
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlglot import exp

from ..ast.grains import RANK, finest
from ..definitions.catalog import Catalog, Metric, SimpleMetric
from ..definitions.restriction import Restriction
from ..errors import ForbiddenUseError, InvalidQueryError, UnknownNameError
from ..query.names import NameResolver
from ..query.parsed import ParsedQuery
from ..query.predicates import Predicate
from ..query.request import GroupByItem, MetricRef
from ..query.resolve import Resolver
from ..query.resolved import (
    ConversionInput,
    CumulativeInput,
    DaysInput,
    MetricInput,
    ResolvedQuery,
    ScanGroup,
)
from ..query.time_range import time_range
from ..suggest import near
from .aggregate import aggregate_measures, days_with_data, join_time_spine
from .builder import PlanBuilder
from .carry_forward import carry_forward
from .combine_outputs import Relation, combine_outputs
from .conversion import conversions, goal_filters
from .cumulative import cumulative
from .distinct_values import distinct_values
from .fact_scan import masked
from .metric_inputs import Expansion
from .nodes import Part, Plan, ProbeRows, Ref, Select
from .period_offset import as_recorded, shift_labels, shifts_whole_periods

Kind = TypeVar("Kind", bound=MetricInput)
DEEPEST = 8
"""Metric filters within metric filters."""


@dataclass(frozen=True)
class PlannedQuery:
    """The plan of a query, what the query was resolved to, and the probes of the groups that it shows.

    `keys`: the output column of each key that was asked for, in that order.
    """

    plan: Plan
    query: ResolvedQuery
    keys: tuple[str, ...]
    probes: tuple[ProbeRows, ...]


@dataclass(frozen=True)
class _SharedBase:
    """An aggregate that several offsets read: its columns by the metric, and the probes of its groups."""

    ref: Ref
    columns: dict[SimpleMetric, str]
    probes: tuple[ProbeRows, ...]


class Planner:
    """Plans one query. Not shared between threads; the catalog and resolver are."""

    def __init__(
        self,
        catalog: Catalog,
        resolver: Resolver,
        restriction: Restriction,
        dates: frozenset[tuple[str, str]] = frozenset(),
        texts: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.catalog = catalog
        self.restriction = restriction
        self.names = NameResolver(catalog, resolver, restriction)
        self.builder = PlanBuilder(catalog, resolver, restriction, dates, texts)
        self.keys: tuple[str, ...] = ()

    def plan(self, request: ParsedQuery) -> PlannedQuery:
        """The plan of a query and what it was resolved to. Raises SemanticError subclasses."""
        if request.saved_query is not None:
            self.names.check_saved(request.saved_query)
        metrics = [self.names.metric(name) for name in request.metrics]
        query = self._resolve(request, metrics)
        if metrics:
            part = self._metrics(metrics, query, depth=0)
        elif query.items:
            self._plan_metric_filters(_references(query, query.filters), depth=0)
            part = Part(
                distinct_values(
                    self.builder, query, deduplicate=request.apply_group_by, min_max=request.min_max_only
                )
            )
        else:
            raise InvalidQueryError("The query names neither a metric nor a dimension.")
        body = self._ordered(part.select, request, query)
        probes = {probe.name: probe for probe in part.probes}  # two parts may count the same rows
        return PlannedQuery(
            Plan(body, tuple(self.builder.ctes.items())), query, self.keys, tuple(probes.values())
        )

    def _resolve(self, request: ParsedQuery, metrics: list[Metric]) -> ResolvedQuery:
        names, grains = self.names, self.names.grains(metrics)
        resolved = [names.item(item, grains) for item in request.items]
        self.keys = (*(item.name for item in resolved), *(name for name, _ in request.computed))
        items = list(dict.fromkeys(resolved))
        for name, predicate in request.computed:
            items.append(
                GroupByItem((), name, kind="computed", expression=names.predicate(predicate, grains))
            )
        filters = tuple(names.predicate(predicate, grains) for predicate in request.filters)
        shown_grains = [i.grain or "" for i in items if i.is_metric_time and i.grain in RANK]
        whole = finest(shown_grains) if shown_grains and request.whole_periods else None
        asked = time_range(request.time_constraint, grains.least, whole=whole)
        return ResolvedQuery(tuple(items), filters, asked)

    def _metrics(self, metrics: list[Metric], query: ResolvedQuery, depth: int) -> Part:
        expansion = Expansion(self.names, query)
        columns = [expansion.column(metric) for metric in metrics]
        filters = [p for i in expansion.inputs for p in self._filters_of(i)]
        if any(not isinstance(i, DaysInput) for i in expansion.inputs) or query.items:
            filters += query.filters
        self._plan_metric_filters(_references(query, filters), depth)
        relations, probes = self._relations(expansion.inputs, query)
        return Part(combine_outputs(self.builder, query, relations, columns), probes)

    def _filters_of(self, metric_input: MetricInput) -> tuple[Predicate, ...]:
        """The filters that the scans of an input apply, beside those of the query."""
        match metric_input:
            case DaysInput():
                return ()
            case ConversionInput():
                return (*metric_input.filters, *goal_filters(self.builder, metric_input.how.conversion))
        return metric_input.filters

    def _plan_metric_filters(self, references: list[MetricRef], depth: int) -> None:
        """Plan the metrics that filters refer to, so that scans can join them."""
        for reference in references:
            if reference not in self.builder.metric_filters:
                if depth > DEEPEST:
                    raise InvalidQueryError(f"The metric filter on {reference.metric} refers to itself.")
                metric, keys = self.names.metric(reference.metric), ResolvedQuery(reference.group_by)
                part = self._metrics([metric], keys, depth + 1)  # its groups decide rows and are not shown
                self.builder.metric_filters[reference] = part.select

    def _relations(
        self, inputs: dict[MetricInput, str], query: ResolvedQuery
    ) -> tuple[list[Relation], tuple[ProbeRows, ...]]:
        """One relation per shape: inputs of one fact with the same filters share a scan."""
        shapes: dict[tuple[object, ...], list[tuple[str, MetricInput]]] = {}
        for metric_input, name in inputs.items():
            shapes.setdefault(metric_input.shape(), []).append((name, metric_input))
        groups = [ScanGroup(tuple(columns)) for columns in shapes.values()]
        parts = self._shared(query, groups)
        relations = [
            Relation(part.select, frozenset(group.names), isinstance(group.first, DaysInput))
            for group, part in zip(groups, parts, strict=True)
        ]
        if query.items and all(r.is_days for r in relations):
            some = next(iter(inputs)).as_simple()
            keys = aggregate_measures(self.builder, query, ScanGroup((("days", some),)))
            parts.append(keys)
            relations.append(Relation(replace(keys.select, values=()), frozenset()))
        return relations, tuple(probe for part in parts for probe in part.probes)

    def _shared(self, query: ResolvedQuery, groups: list[ScanGroup[MetricInput]]) -> list[Part]:
        """The relation of each shape. Offsets of whole periods read one aggregate with what they offset."""
        if not any(group.first.offsets for group in groups):
            return [self._relation(query, group) for group in groups]
        families: dict[tuple[object, ...], list[ScanGroup[MetricInput]]] = {}
        for group in groups:
            if shifts_whole_periods(self.builder, query, group.first):
                families.setdefault(replace(group.first, offsets=()).shape(), []).append(group)
        bases: dict[tuple[object, ...], _SharedBase] = {}
        for shape, family in families.items():
            if len(family) > 1 and query.time_range is None:
                simple_metrics = {u.simple: n for group in reversed(family) for n, u in group}
                columns = [
                    (n, replace(family[0].first, simple=simple, offsets=()))
                    for simple, n in simple_metrics.items()
                ]
                shared, name = ScanGroup(tuple(columns)), f"{columns[0][0]}_as_recorded"
                part = aggregate_measures(self.builder, query, shared)
                ref = Ref(self.builder.add_cte(name, part.select))
                bases[shape] = _SharedBase(ref, simple_metrics, part.probes)
        return [self._with_base(query, group, bases) for group in groups]

    def _with_base(
        self,
        query: ResolvedQuery,
        group: ScanGroup[MetricInput],
        bases: dict[tuple[object, ...], _SharedBase],
    ) -> Part:
        metric_input = group.first
        base = bases.get(replace(metric_input, offsets=()).shape())
        is_shifted = shifts_whole_periods(self.builder, query, metric_input)
        if base is not None and is_shifted:
            values = {n: base.columns[u.simple] for n, u in group}
            part = Part(shift_labels(self.builder, query, metric_input, base.ref, values), base.probes)
        elif metric_input.offsets and is_shifted:
            still = ScanGroup(tuple((n, replace(u, offsets=())) for n, u in group))
            inner = aggregate_measures(self.builder, as_recorded(query, metric_input), still)
            select = shift_labels(self.builder, query, metric_input, inner.select, {n: n for n, _ in group})
            part = replace(inner, select=select)
        else:
            return self._relation(query, group)
        return self._on_spine(query, metric_input, part)

    def _on_spine(self, query: ResolvedQuery, metric_input: MetricInput, part: Part) -> Part:
        if not metric_input.simple.join_spine:
            return part
        return replace(part, select=join_time_spine(self.builder, query, metric_input, part.select))

    def _relation(self, query: ResolvedQuery, group: ScanGroup[MetricInput]) -> Part:
        """The aggregated rows of one scan group, as its kind of input says."""
        builder, first = self.builder, group.first
        timed = first
        match first:
            case DaysInput():
                return Part(days_with_data(builder, query, group))
            case ConversionInput():
                part = Part(conversions(builder, query, _of(ConversionInput, group)))
                timed = replace(first, simple=first.how.base)
            case CumulativeInput():
                part = cumulative(builder, query, _of(CumulativeInput, group))
            case _ if first.simple.measure.carry_forward_days is not None:
                part = Part(carry_forward(builder, query, group))
            case _:
                part = aggregate_measures(builder, query, group)
        return self._on_spine(query, timed, part)

    def _ordered(self, body: Select, request: ParsedQuery, query: ResolvedQuery) -> Select:
        if not request.order and request.limit is None and not request.offset:
            return body
        names = [c.name for c in body.columns]
        asked = {item.name: name for item, name in zip(request.items, self.keys, strict=False)}
        order: list[tuple[exp.Expr, bool]] = []
        for key in request.order:
            name, descending = asked.get(key.name, key.name), key.descending
            matches = [n for n in names if n == name] or [i.name for i in query.items if i.base == name]
            if len(set(matches)) != 1:
                raise UnknownNameError(
                    f"The order key {name} is not in the query.", hint=near(name, names) or "Select it first."
                )
            item = next((i for i in query.items if i.name == matches[0]), None)
            if item is not None and masked(item, self.restriction):
                raise ForbiddenUseError(f"{item.base} is masked for you.", hint="It cannot be ordered by.")
            order.append((exp.column(matches[0], quoted=True), descending))
        if request.limit is not None or request.offset:
            done = {expression.name for expression, _ in order}
            keys = [i for i in query.items if i.name in names and i.name not in done]
            order += [
                (exp.column(i.name, quoted=True), False) for i in keys if not masked(i, self.restriction)
            ]
        return replace(body, order=tuple(order), limit=request.limit, offset=request.offset)


def _of(kind: type[Kind], group: ScanGroup[MetricInput]) -> ScanGroup[Kind]:
    """A group of inputs of one kind, typed as that."""
    return ScanGroup(tuple((name, i) for name, i in group if isinstance(i, kind)))


def _references(query: ResolvedQuery, filters: Iterable[Predicate]) -> list[MetricRef]:
    """The metrics that filters, and the computed keys of a query, refer to."""
    computed = [i.expression for i in query.items if i.kind == "computed"]
    return [r for p in (*filters, *computed) for r in p.refs if isinstance(r, MetricRef)]
