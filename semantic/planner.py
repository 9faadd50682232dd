"""Query to plan: settle names, split metrics into leaves, build one relation per scan, combine them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from .ask import Ask, Offset, TimeRange, Use
from .carry import carried
from .catalog import Catalog, Input, Leaf, Measure, Metric, Model
from .combine import MetricColumn, Relation, combine
from .conversion import conversions
from .cumulative import cumulative
from .distinct import distinct_values
from .errors import InvalidQueryError, UnknownNameError, UnsupportedError
from .expressions import Predicate, parse_predicate, rename
from .grains import RANK, coarsest, finest, floor, step
from .leaf import Named, days, on_spine, plain
from .plan import Plan, Select, Union
from .query import Item, MetricQuery, MetricRef, parse_item, parse_order
from .resolve import Resolver, is_hidden
from .restriction import Restriction
from .rows import Context, is_time_item, masked
from .security import table_for, visible_metrics
from .sqlexpr import coalesce, number, ratio
from .suggest import near


@dataclass
class Planner:
    """Plans one query. Not shared between threads; the catalog and resolver are."""

    catalog: Catalog
    resolver: Resolver
    restriction: Restriction
    ctes: dict[str, Select | Union] = field(default_factory=dict)
    used_models: dict[str, None] = field(default_factory=dict)
    _depth: int = 0

    def __post_init__(self) -> None:
        self.context = Context(
            self.catalog, self.resolver, self.restriction, self._table, self._metric_subquery, self._add_cte
        )
        self.visible = visible_metrics(self.catalog, self.restriction)
        self.custom = frozenset(self.catalog.custom_grains)

    # -- the query ----------------------------------------------------------------------------------------

    def plan(self, query: MetricQuery) -> tuple[Plan, Ask]:
        """The plan of a query and what it was taken to ask. Raises SemanticError subclasses."""
        _check(query)
        query = self._expand_saved(query)
        metrics = [self.metric(name) for name in dict.fromkeys(n.strip().lower() for n in query.metrics)]
        ask = self._settle(query, metrics)
        if metrics:
            body = self._metrics(metrics, ask)
        else:
            if not ask.items:
                raise InvalidQueryError("The query names neither a metric nor a dimension.")
            body = distinct_values(
                self.context, ask, deduplicate=query.apply_group_by, min_max=query.min_max_only
            )
        body = self._ordered(body, query, ask, metrics)
        return Plan(body, tuple(self.ctes.items())), ask

    def _expand_saved(self, query: MetricQuery) -> MetricQuery:
        if query.saved_query is None:
            return query
        saved = self.catalog.saved_queries.get(query.saved_query)
        if saved is None or any(m not in self.visible for m in saved.metrics):
            known = [
                n for n, q in self.catalog.saved_queries.items() if all(m in self.visible for m in q.metrics)
            ]
            raise UnknownNameError(
                f"The saved query {query.saved_query} does not exist.", hint=near(query.saved_query, known)
            )
        return replace(
            query, saved_query=None,
            metrics=[*saved.metrics, *query.metrics], group_by=[*saved.group_by, *query.group_by],
            where=[*saved.where, *query.where], order_by=query.order_by or saved.order_by,
            limit=saved.limit if query.limit is None else query.limit,
        )  # fmt: skip

    def metric(self, name: str) -> Metric:
        """A metric that the reader may see. Raises UnknownNameError with near misses."""
        if name not in self.visible:
            raise UnknownNameError(f"The metric {name} does not exist.", hint=near(name, self.visible))
        return self.catalog.metrics[name]

    def _settle(self, query: MetricQuery, metrics: list[Metric]) -> Ask:
        leaves = [leaf for m in metrics for leaf in self.leaves(m)]
        default, least = self._metric_time_grains(metrics, leaves)
        items = [self._grained(parse_item(g, self.custom), leaves, default, least) for g in query.group_by]
        items = list(dict.fromkeys(items))
        for name, text in query.computed:
            expression = self._grained_filter(parse_predicate(text, self.custom), leaves, default, least)
            items.append(Item((), name, kind="computed", expression=expression))
        filters = tuple(
            self._grained_filter(parse_predicate(w, self.custom), leaves, default, least)
            for w in _texts(query.where)
        )
        shown = [i for i in items if i.is_metric_time and i.grain in RANK]
        grain = finest([i.grain or "" for i in shown]) if shown else least
        return Ask(tuple(items), filters, _time_range(query.time_constraint, grain))

    def _metric_time_grains(self, metrics: list[Metric], leaves: list[Leaf]) -> tuple[str, str]:
        """The grain that metric_time has by default, and the finest that all metrics know."""
        own = [self._leaf_grain(leaf) for leaf in leaves]
        least = coarsest(own) if own else "day"
        stated = [m.default_grain for m in metrics if m.default_grain in RANK]
        default = coarsest([*[g for g in stated if g], *([] if stated else ["day", least])])
        return default, least if own else "nanosecond"

    def _leaf_grain(self, leaf: Leaf) -> str:
        model = self.catalog.models[leaf.measure.model]
        dimension = model.dimensions.get(leaf.measure.agg_time or "")
        return (dimension.grain if dimension else None) or "day"

    def _grained(self, item: Item, leaves: list[Leaf], default: str, least: str) -> Item:
        """The item with its grain settled. metric_time finer than a metric knows is shown as known."""
        if item.part:
            return replace(item, grain=None)
        if item.is_metric_time:
            grain = item.grain or default
            if grain in RANK and RANK[grain] < RANK[least] and leaves:
                grain = least
            return replace(item, grain=grain, kind="time")
        if item.grain:
            return replace(item, kind="time")
        grain = self._dimension_grain(item, leaves)
        return replace(item, grain=grain, kind="time") if grain else replace(item, kind=_kind(item))

    def _dimension_grain(self, item: Item, leaves: list[Leaf]) -> str | None:
        models: Iterable[Model] = [self.catalog.models[leaf.measure.model] for leaf in leaves]
        for model in models or self.catalog.models.values():
            if self.resolver.reaches(model, item, self.restriction):
                found = self.resolver.find(model, item, self.restriction)
                return found.dimension.grain if found.dimension else None
        return None

    def _grained_filter(
        self, predicate: Predicate, leaves: list[Leaf], default: str, least: str
    ) -> Predicate:
        refs = tuple(
            r if isinstance(r, MetricRef) else self._grained(r, leaves, default, least)
            for r in predicate.refs
        )
        for ref in refs:
            if isinstance(ref, MetricRef):
                self.metric(ref.metric)
        names = " ".join(r.name for r in refs if isinstance(r, Item))
        return Predicate(f"{predicate.text} /* {names} */", refs, predicate.condition)

    # -- metrics ------------------------------------------------------------------------------------------

    def leaves(self, metric: Metric) -> list[Leaf]:
        """All leaves below a metric."""
        if metric.conversion is not None:
            return [metric.conversion.base]
        if metric.leaf is not None:
            return [metric.leaf]
        return [leaf for i in metric.inputs for leaf in self.leaves(self._input(metric, i))]

    def _input(self, owner: Metric, used: Input) -> Metric:
        if used.name not in self.catalog.metrics:
            raise UnknownNameError(f"Metric {owner.name} uses {used.name}, which does not exist.")
        return self.catalog.metrics[used.name]

    def _metrics(self, metrics: list[Metric], ask: Ask) -> Select:
        uses: dict[Use, str] = {}
        reserved = {i.name for i in ask.items}
        columns = []
        for metric in metrics:
            before: set[str] = set()
            expr = self._expr(metric, ask, (), (), uses, before, reserved)
            invents = expr.find(exp.Coalesce, exp.Case, exp.If, exp.Is) is not None
            top_level_fill = metric.kind in ("simple", "cumulative")
            columns.append(MetricColumn(metric.name, expr, frozenset(before), invents and not top_level_fill))
        relations = self._relations(uses, ask)
        return combine(self.context, ask, relations, columns, self._add_cte)

    def _expr(
        self, metric: Metric, ask: Ask, filters: tuple[Predicate, ...], offsets: tuple[Offset, ...],
        uses: dict[Use, str], used: set[str], reserved: set[str],
    ) -> exp.Expr:  # fmt: skip
        """A metric as an expression over leaf columns; the leaves it needs are added to `uses`."""
        own = (*filters, *self._filters(metric.filters, [metric]))

        def leaf(
            leaf: Leaf, *, days: bool = False, cumulated: bool = False, converted: bool = False
        ) -> exp.Expr:
            events = metric.conversion.base if converted and metric.conversion else leaf
            use = Use(
                leaf,
                (*own, *self._filters(events.filters, [metric])),
                offsets,
                metric.cumulative if cumulated else None,
                metric.conversion if converted else None,
                days or leaf.measure.over_period,
            )
            if use not in uses:
                name, n = leaf.name + ("_converted" if converted else ""), 1
                while name in uses.values() or name in reserved:
                    n += 1
                    name = f"{leaf.name}_{n}"
                uses[use] = name
            used.add(uses[use])
            value: exp.Expr = exp.column(uses[use])
            return value if leaf.fill is None else coalesce(value, number(leaf.fill))

        match metric.kind:
            case "simple":
                assert metric.leaf is not None
                return leaf(metric.leaf)
            case "period_mean":
                assert metric.leaf is not None
                return ratio(leaf(metric.leaf), leaf(self._days_leaf(metric.leaf), days=True))
            case "cumulative":
                assert metric.leaf is not None
                return leaf(metric.leaf, cumulated=True)
            case "conversion":
                how = metric.conversion
                assert how is not None
                converted = leaf(
                    replace(how.conversion, join_spine=how.conversion.join_spine), converted=True
                )
                base = leaf(how.base)  # its groups show even where nothing converted
                return converted if how.calculation == "conversions" else ratio(converted, base)
        inputs = {}
        for used_input in metric.inputs:
            below = self._input(metric, used_input)
            inner = (*own, *self._filters(used_input.filters, [metric]))
            shift: tuple[Offset, ...] = offsets
            if used_input.offset_window is not None:
                shift = (*shift, used_input.offset_window)
            if used_input.offset_to_grain is not None:
                shift = (*shift, used_input.offset_to_grain)
            inputs[used_input.alias.lower()] = (below, inner, shift)
        if metric.kind == "ratio":
            top, bottom = [
                self._expr(*_args(i, ask), uses, used, reserved) for i in _pair(metric, own, offsets, self)
            ]
            return ratio(top, bottom)

        def value(name: str) -> exp.Expr | None:
            if name.lower() not in inputs:
                return None
            below, inner, shift = inputs[name.lower()]
            return exp.paren(self._expr(below, ask, inner, shift, uses, used, reserved), copy=False)

        return _unwrapped(rename(metric.expr, value))

    def _days_leaf(self, leaf: Leaf) -> Leaf:
        measure = leaf.measure
        model = self.catalog.models[measure.model]
        if measure.agg_time is None or measure.agg_time not in model.dimensions:
            raise UnsupportedError(f"{leaf.name} has no time of aggregation, so no mean over days.")
        at = model.dimensions[measure.agg_time].expr
        counted = Measure(measure.model, "count_distinct", at, measure.agg_time, over_period=True)
        return Leaf(f"{leaf.name}_days", counted)

    def _filters(self, texts: tuple[str, ...], metrics: list[Metric]) -> tuple[Predicate, ...]:
        if not texts:
            return ()
        leaves = [leaf for m in metrics for leaf in self.leaves(m)]
        default, least = self._metric_time_grains(metrics, leaves)
        found = []
        for text in texts:
            predicate = parse_predicate(text, self.custom, True)
            found.append(self._grained_filter(predicate, leaves, default, least))
        return tuple(found)

    def _relations(self, uses: dict[Use, str], ask: Ask) -> list[Relation]:
        shapes: dict[tuple[object, ...], Named] = {}
        for use, name in uses.items():
            shapes.setdefault(use.shape(), []).append((name, use))
        relations = []
        for named in shapes.values():
            relations.append(
                Relation(self._relation(ask, named), frozenset(n for n, _ in named), named[0][1].is_days)
            )
        if all(r.is_days for r in relations) and len(ask.items):
            relations.append(self._key_relation(ask, next(iter(uses))))
        return relations

    def _relation(self, ask: Ask, named: Named) -> Select:
        use = named[0][1]
        if use.is_days:
            return days(self.context, ask, named)
        if use.conversion is not None:
            select = conversions(self.context, ask, named)
            base = replace(use, leaf=use.conversion.base)
            return on_spine(self.context, ask, base, select) if use.leaf.join_spine else select
        if use.leaf.measure.carry_forward_days is not None and use.cumulative is None:
            select = carried(self.context, ask, named)
        elif use.cumulative is not None:
            select = cumulative(self.context, ask, named)
        else:
            select = plain(self.context, ask, named)
        return on_spine(self.context, ask, use, select) if use.leaf.join_spine else select

    def _key_relation(self, ask: Ask, use: Use) -> Relation:
        """The groups to show when only days of the period are asked for."""
        rooted = replace(use, is_days=False)
        select = plain(self.context, ask, [("days", rooted)])
        return Relation(replace(select, values=()), frozenset())

    # -- surroundings -------------------------------------------------------------------------------------

    def _table(self, model: Model):  # type: ignore[no-untyped-def]
        self.used_models[model.name] = None
        return table_for(self.catalog, model, self.restriction)

    def _metric_subquery(self, ref: MetricRef) -> Select:
        if self._depth > 8:
            raise InvalidQueryError(f"The metric filter on {ref.metric} refers to itself.")
        self._depth += 1
        metric = self.metric(ref.metric)
        select = self._metrics([metric], Ask(ref.group_by))
        self._depth -= 1
        return select

    def _add_cte(self, name: str, node: Select | Union) -> str:
        """Add a named subquery; the same name and a select with more columns replaces it."""
        old = self.ctes.get(name)
        if (
            old is not None
            and isinstance(old, Select)
            and isinstance(node, Select)
            and old.source is node.source
        ):
            self.ctes[name] = node
            return name
        unique, n = name, 1
        while unique in self.ctes:
            n += 1
            unique = f"{name}_{n}"
        self.ctes[unique] = node
        return unique

    def _ordered(self, body: Select, query: MetricQuery, ask: Ask, metrics: list[Metric]) -> Select:
        names = [c.name for c in body.columns]
        order = []
        for key in _texts(query.order_by):
            name, descending = parse_order(key)
            matches = [n for n in names if n == name] or [i.name for i in ask.items if i.base == name]
            if len(set(matches)) != 1:
                visible = [n for n in names]
                raise UnknownNameError(
                    f"The order key {name} is not in the query.",
                    hint=near(name, visible) or "Select it first.",
                )
            item = next((i for i in ask.items if i.name == matches[0]), None)
            if item is not None and masked(item, self.restriction):
                from .errors import ForbiddenUseError

                raise ForbiddenUseError(f"{item.base} is masked for you.", hint="It cannot be ordered by.")
            order.append((exp.column(matches[0], quoted=True), descending))
        return replace(body, order=tuple(order), limit=query.limit)


def _args(bundle: tuple[Metric, tuple[Predicate, ...], tuple[Offset, ...]], ask: Ask):  # type: ignore[no-untyped-def]
    metric, filters, offsets = bundle
    return metric, ask, filters, offsets


def _pair(metric: Metric, own: tuple[Predicate, ...], offsets: tuple[Offset, ...], planner: Planner):  # type: ignore[no-untyped-def]
    for used in metric.inputs:
        shift = offsets
        if used.offset_window is not None:
            shift = (*shift, used.offset_window)
        if used.offset_to_grain is not None:
            shift = (*shift, used.offset_to_grain)
        below = planner._input(metric, used)
        yield below, (*own, *planner._filters(used.filters, [metric])), shift


def _unwrapped(expr: exp.Expr) -> exp.Expr:
    """Parentheses are needed only around operators."""

    def strip(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Paren) and isinstance(node.this, (exp.Column, exp.Func, exp.Paren)):
            return node.this
        return node

    return expr.transform(strip, copy=False)


def _kind(item: Item) -> str:
    return "any" if item.kind == "time" else item.kind


def _texts(value: Iterable[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _check(query: MetricQuery) -> None:
    for name in ("metrics", "group_by", "where", "order_by"):
        value = getattr(query, name)
        if isinstance(value, str) or not all(isinstance(v, str) for v in value):
            raise InvalidQueryError(f"{name} must be a list of strings.")
    limit = query.limit
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise InvalidQueryError(f"The limit must be a whole number of rows, not {limit!r:.80}.")
    if query.min_max_only and query.metrics:
        raise InvalidQueryError("min_max_only is for a dimension without metrics.")
    if not query.apply_group_by and query.metrics:
        raise InvalidQueryError("apply_group_by=False is for dimensions without metrics.")


def _time_range(constraint: tuple[str, str] | None, grain: str) -> TimeRange | None:
    """A constraint widened to whole periods of `grain`."""
    if constraint is None:
        return None
    grain = grain if grain in RANK and grain != "nanosecond" else "day"
    try:
        texts = list(constraint)
        start, end = (
            dt.datetime.fromisoformat(str(c)).replace(tzinfo=None) if c is not None else None for c in texts
        )
    except ValueError as error:
        raise InvalidQueryError(
            f"The time constraint {constraint!r:.120} is not a pair of ISO dates.", hint="Write 2017-06-01."
        ) from error
    if start is not None and end is not None and start > end:
        raise InvalidQueryError(f"The time constraint starts ({start}) after it ends ({end}).")
    return TimeRange(
        floor(start, grain) if start is not None else None,
        step(floor(end, grain), grain) if end is not None else None,
    )


__all__ = ["Planner", "is_hidden", "is_time_item"]
