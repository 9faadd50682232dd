"""Request to plan: resolve names, unfold metrics into inputs, build one relation per scan, combine them."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.grains import RANK, finest
from ..definitions.catalog import Catalog, Metric, Model, SimpleMetric
from ..definitions.restriction import Restriction
from ..errors import ForbiddenUseError, InvalidQueryError, UnknownNameError
from ..query.names import NameResolver, check_request
from ..query.request import GroupByItem, MetricQuery, MetricRef, parse_item, parse_order
from ..query.resolve import Resolver
from ..query.resolved import MetricInput, ResolvedQuery
from ..query.time_range import time_range
from ..suggest import near
from .aggregate import ScanGroup, aggregate_measures, days_with_data, join_time_spine
from .carry_forward import carry_forward
from .combine_outputs import Relation, combine_outputs
from .conversion import conversions
from .cumulative import cumulative
from .distinct_values import distinct_values
from .fact_scan import PlanContext, masked
from .metric_inputs import Expansion
from .nodes import Plan, Ref, Select, Table, Union
from .period_offset import as_recorded, shift_labels, shifts_whole_periods
from .row_rules import table_for
from .suppression_probe import GroupProbe, probe_sql

DEEPEST = 8
"""Metric filters within metric filters."""


class Planner:
    """Plans one query. Not shared between threads; the catalog and resolver are."""

    def __init__(
        self,
        catalog: Catalog,
        resolver: Resolver,
        restriction: Restriction,
        dates: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.catalog = catalog
        self.restriction = restriction
        self.names = NameResolver(catalog, resolver, restriction)
        self.context = PlanContext(
            catalog, resolver, restriction, self._table, self._metric_subquery, self._add_cte, dates
        )
        self.ctes: dict[str, Select | Union] = {}
        self.used_models: dict[str, None] = {}
        self._depth = 0

    def plan(self, request: MetricQuery) -> tuple[Plan, ResolvedQuery]:
        """The plan of a query and what it was resolved to. Raises SemanticError subclasses."""
        check_request(request)
        request = self.names.saved(request)
        metrics = [self.names.metric(n) for n in dict.fromkeys(n.strip().lower() for n in request.metrics)]
        query = self._resolve(request, metrics)
        if metrics:
            body = self._metrics(metrics, query)
        elif query.items:
            body = distinct_values(
                self.context, query, deduplicate=request.apply_group_by, min_max=request.min_max_only
            )
        else:
            raise InvalidQueryError("The query names neither a metric nor a dimension.")
        body = self._ordered(body, request, query)
        return Plan(body, tuple(self.ctes.items())), query

    def probes(self) -> tuple[GroupProbe, ...]:
        """The probes of the contributing entities of the groups of the query that was planned."""
        return tuple(probe_sql(probe, self.ctes.items()) for probe in self.context.probes.values())

    def _resolve(self, request: MetricQuery, metrics: list[Metric]) -> ResolvedQuery:
        names, grains = self.names, self.names.grains(metrics)
        items = [names.item(parse_item(g, names.custom), grains) for g in request.group_by]
        items = list(dict.fromkeys(items))
        for name, text in request.computed:
            items.append(GroupByItem((), name, kind="computed", expression=names.filter(text, grains)))
        filters = tuple(names.filter(text, grains) for text in request.where)
        shown_grains = [i.grain or "" for i in items if i.is_metric_time and i.grain in RANK]
        whole = finest(shown_grains) if shown_grains and request.whole_periods else None
        asked = time_range(request.time_constraint, grains.least, whole=whole)
        return ResolvedQuery(tuple(items), filters, asked)

    def _metrics(self, metrics: list[Metric], query: ResolvedQuery) -> Select:
        expansion = Expansion(self.names, query)
        columns = [expansion.column(metric) for metric in metrics]
        return combine_outputs(self.context, query, self._relations(expansion.inputs, query), columns)

    def _relations(self, inputs: dict[MetricInput, str], query: ResolvedQuery) -> list[Relation]:
        """One relation per shape: inputs of one fact with the same filters share a scan."""
        shapes: dict[tuple[object, ...], ScanGroup] = {}
        for metric_input, name in inputs.items():
            shapes.setdefault(metric_input.shape(), []).append((name, metric_input))
        selects = self._shared(query, list(shapes.values()))
        relations = [
            Relation(select, frozenset(n for n, _ in group), group[0][1].is_days)
            for group, select in zip(shapes.values(), selects, strict=True)
        ]
        if query.items and all(r.is_days for r in relations):
            keys = aggregate_measures(
                self.context, query, [("days", replace(next(iter(inputs)), is_days=False))]
            )
            relations.append(Relation(replace(keys, values=()), frozenset()))
        return relations

    def _shared(self, query: ResolvedQuery, shapes: list[ScanGroup]) -> list[Select]:
        """The relation of each shape. Offsets of whole periods read one aggregate with what they offset."""
        families: dict[tuple[object, ...], list[ScanGroup]] = {}
        for group in shapes:
            if shifts_whole_periods(self.context, query, group[0][1]):
                families.setdefault(replace(group[0][1], offsets=()).shape(), []).append(group)
        bases: dict[tuple[object, ...], tuple[Ref, dict[SimpleMetric, str]]] = {}
        for shape, family in families.items():
            if len(family) > 1 and query.time_range is None:
                simple_metrics = {u.simple: n for group in reversed(family) for n, u in group}
                columns = [
                    (n, replace(family[0][0][1], simple=simple, offsets=()))
                    for simple, n in simple_metrics.items()
                ]
                name = f"{columns[0][0]}_as_recorded"
                bases[shape] = (
                    Ref(self._add_cte(name, aggregate_measures(self.context, query, columns))),
                    simple_metrics,
                )
        return [self._with_base(query, group, bases) for group in shapes]

    def _with_base(
        self,
        query: ResolvedQuery,
        group: ScanGroup,
        bases: dict[tuple[object, ...], tuple[Ref, dict[SimpleMetric, str]]],
    ) -> Select:
        metric_input = group[0][1]
        base = bases.get(replace(metric_input, offsets=()).shape())
        entity_deltas = shifts_whole_periods(self.context, query, metric_input)
        if base is not None and entity_deltas:
            select = shift_labels(
                self.context, query, metric_input, base[0], {n: base[1][u.simple] for n, u in group}
            )
        elif metric_input.offsets and entity_deltas:
            still = [(n, replace(u, offsets=())) for n, u in group]
            inner = aggregate_measures(self.context, as_recorded(query, metric_input), still)
            select = shift_labels(self.context, query, metric_input, inner, {n: n for n, _ in group})
        else:
            return self._relation(query, group)
        return (
            join_time_spine(self.context, query, metric_input, select)
            if metric_input.simple.join_spine
            else select
        )

    def _relation(self, query: ResolvedQuery, group: ScanGroup) -> Select:
        metric_input = group[0][1]
        if metric_input.is_days:
            return days_with_data(self.context, query, group)
        timed = metric_input
        if metric_input.conversion is not None:
            select = conversions(self.context, query, group)
            timed = replace(metric_input, simple=metric_input.conversion.base)
        elif metric_input.cumulative is not None:
            select = cumulative(self.context, query, group)
        elif metric_input.simple.measure.carry_forward_days is not None:
            select = carry_forward(self.context, query, group)
        else:
            select = aggregate_measures(self.context, query, group)
        return (
            join_time_spine(self.context, query, timed, select) if metric_input.simple.join_spine else select
        )

    # -- what the parts of a plan ask back ----------------------------------------------------------------

    def _table(self, model: Model) -> Table:
        self.used_models[model.name] = None
        return table_for(self.catalog, model, self.restriction)

    def _metric_subquery(self, ref: MetricRef) -> Select:
        if self._depth > DEEPEST:
            raise InvalidQueryError(f"The metric filter on {ref.metric} refers to itself.")
        self._depth += 1
        noted = dict(self.context.probes)
        select = self._metrics([self.names.metric(ref.metric)], ResolvedQuery(ref.group_by))
        self.context.probes.clear()  # its groups decide rows and are not shown
        self.context.probes.update(noted)
        self._depth -= 1
        return select

    def _add_cte(self, name: str, node: Select | Union) -> str:
        unique, n = name, 1
        while unique in self.ctes:
            n += 1
            unique = f"{name}_{n}"
        self.ctes[unique] = node
        return unique

    def _ordered(self, body: Select, request: MetricQuery, query: ResolvedQuery) -> Select:
        names = [c.name for c in body.columns]
        order: list[tuple[exp.Expr, bool]] = []
        for key in request.order_by:
            name, descending = parse_order(key)
            matches = [n for n in names if n == name] or [i.name for i in query.items if i.base == name]
            if len(set(matches)) != 1:
                raise UnknownNameError(
                    f"The order key {name} is not in the query.", hint=near(name, names) or "Select it first."
                )
            item = next((i for i in query.items if i.name == matches[0]), None)
            if item is not None and masked(item, self.restriction):
                raise ForbiddenUseError(f"{item.base} is masked for you.", hint="It cannot be ordered by.")
            order.append((exp.column(matches[0], quoted=True), descending))
        return replace(body, order=tuple(order), limit=request.limit)
