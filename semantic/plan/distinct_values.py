"""Queries without metrics: the distinct values of dimensions, from the model nearest to all of them.

>>> answer(by="product__department product__brand")
DRUG big
GROCERY big
GROCERY own
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import bind
from ..definitions.catalog import Model
from ..errors import InvalidQueryError, UnknownNameError, UnsupportedError
from ..query.request import GroupByItem, MetricRef, dunder
from ..query.resolve import is_hidden
from ..query.resolved import ResolvedQuery
from ..query.visibility import visible_metrics
from ..suggest import near
from .aggregate import threshold_condition
from .builder import PlanBuilder
from .fact_scan import FactScan
from .nodes import Column, Join, Select, Source, Table
from .time_offset import SPINE, spine_grain


class ValueScan(FactScan):
    """The rows of a model where metric_time is the time spine, and a missing join keeps both sides."""

    join_kind = "FULL"

    def is_time(self, item: GroupByItem) -> bool:
        return item.is_metric_time

    def _validity(self, target: Model, alias: str) -> list[exp.Expr]:
        """Every version's value exists: no time is asked about."""
        return []


def distinct_values(
    builder: PlanBuilder, query: ResolvedQuery, *, deduplicate: bool, min_max: bool
) -> Select:
    """The distinct combinations of the items that exist. min_max: smallest and largest of one item."""
    used = _named_items(query)
    timed = tuple(i for i in used if i.is_metric_time)
    if query.time_range is not None and not timed:
        raise InvalidQueryError("A time constraint needs metric_time in the group-by of a dimension query.")
    others = [i for i in used if not i.is_metric_time] or _metric_keys(query)
    scan = _scan_of(builder, others, timed) if others else _scan_of_spine(builder, timed)
    keys = tuple(Column(i.name, scan.column(i)) for i in query.items)
    where = [scan.condition(p) for p in query.filters]
    if query.time_range is not None:
        where += query.time_range.conditions(scan.time())
    minimum_group = threshold_condition(scan) if others else ()
    if minimum_group and (min_max or not deduplicate):
        raise UnsupportedError("Values of small groups are suppressed for you, so only distinct values show.")
    if minimum_group:
        return Select(
            scan.source, keys, (), tuple(scan.joins), tuple(where), minimum_group, grouped=True, eager=False
        )
    return Select(
        scan.source, _min_and_max(keys) if min_max else keys, (), tuple(scan.joins), tuple(where),
        distinct=deduplicate and not min_max, eager=False,
    )  # fmt: skip


def _named_items(query: ResolvedQuery) -> list[GroupByItem]:
    """The items that a query names anywhere: shown, filtered by, and within expressions."""
    computed = [i.expression for i in query.items if i.kind == "computed"]
    within = [item for predicate in (*query.filters, *computed) for item in predicate.items()]
    return [i for i in (*query.items, *within) if i.kind != "computed"]


def _metric_keys(query: ResolvedQuery) -> list[GroupByItem]:
    """The entities by which filters ask for metrics."""
    asked = [ref for predicate in query.filters for ref in predicate.refs if isinstance(ref, MetricRef)]
    return [GroupByItem((), key.element, kind="entity") for ref in asked for key in ref.group_by]


def _scan_of(builder: PlanBuilder, items: list[GroupByItem], timed: tuple[GroupByItem, ...]) -> ValueScan:
    """The rows of the model nearest to the items, with every instant of the time spine if time is shown."""
    model = nearest_model(builder, items)
    if not timed:
        return ValueScan(builder, model, None)
    spine = builder.spine(spine_grain(timed, builder, "day"), "metric_time")
    scan = ValueScan(builder, model, None, bind(spine.column, SPINE), spine.grain)
    scan.joins.append(Join(Source(Table(spine.relation), SPINE), None, "CROSS"))
    return scan


def _scan_of_spine(builder: PlanBuilder, timed: tuple[GroupByItem, ...]) -> ValueScan:
    """The rows of the time spine alone."""
    spine = builder.spine(spine_grain(timed, builder, "day"), "metric_time")
    any_model = next(iter(builder.catalog.models.values()))
    scan = ValueScan(builder, any_model, None, bind(spine.column, SPINE), spine.grain)
    scan.source = Source(Table(spine.relation), SPINE)
    return scan


def _min_and_max(keys: tuple[Column, ...]) -> tuple[Column, ...]:
    if len(keys) != 1:
        raise InvalidQueryError("min_max_only answers exactly one dimension.")
    name, value = keys[0].name, keys[0].expr
    return (
        Column(f"{name}__min", exp.Min(this=value)),
        Column(f"{name}__max", exp.Max(this=value.copy())),
    )


def nearest_model(builder: PlanBuilder, items: list[GroupByItem]) -> Model:
    """The model that reaches all items by the fewest joins; keys are read from the model that owns them."""
    best: tuple[tuple[int, int], Model] | None = None
    for model in builder.catalog.models.values():
        if not all(builder.resolver.reaches(model, i, builder.restriction) for i in items):
            continue
        try:
            resolved = [builder.resolver.find(model, i, builder.restriction) for i in items]
        except UnknownNameError:
            continue
        steps = len({f.steps[:n] for f in resolved for n in range(1, len(f.steps) + 1)})
        foreign = sum(getattr(f.definition, "kind", "") == "foreign" for f in resolved)
        if best is None or (steps, foreign) < best[0]:
            best = ((steps, foreign), model)
    if best is None:
        raise _unreachable(builder, items)
    return best[1]


def _unreachable(builder: PlanBuilder, items: list[GroupByItem]) -> UnknownNameError:
    models = list(builder.catalog.models.values())
    for item in items:
        if not any(builder.resolver.reaches(m, item, builder.restriction) for m in models):
            names_known = {n for m in models for n in builder.resolver.names(m)}
            visible = [n for n in names_known if not is_hidden(dunder(n, ()), builder.restriction)]
            if item.base in visible_metrics(builder.catalog, builder.restriction):
                hint = f"It is a metric: name it among the metrics, in SQL as MEASURE({item.base})."
                return UnknownNameError(f"{item.base} is no dimension.", hint=hint)
            return UnknownNameError(f"{item.base} does not exist.", hint=near(item.base, visible))
    names = ", ".join(i.base for i in items)
    return UnknownNameError(f"No semantic model reaches all of {names}.", hint="Ask for them separately.")
