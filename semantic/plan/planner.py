"""Query to plan: settle names, unfold metrics into leaves, build one relation per scan, combine them."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from ..ast.grains import RANK, finest
from ..definitions.catalog import Catalog, Leaf, Metric, Model
from ..definitions.restriction import Restriction
from ..errors import ForbiddenUseError, InvalidQueryError, UnknownNameError
from ..query.names import Names, check
from ..query.request import Item, MetricQuery, MetricRef, parse_item, parse_order
from ..query.resolve import Resolver
from ..query.resolved import Ask, Use
from ..query.time_range import time_range
from ..query.visibility import table_for
from ..suggest import near
from .aggregate import Named, days, on_spine, plain
from .carry_forward import carried
from .combine_outputs import Relation, combine
from .conversion import conversions
from .cumulative import cumulative
from .distinct_values import distinct_values
from .fact_scan import Context, masked
from .metric_inputs import Expansion
from .nodes import Plan, Ref, Select, Table, Union
from .period_offset import moves_periods, recorded, relabelled
from .suppression_probe import GroupProbe, printed

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
        self.names = Names(catalog, resolver, restriction)
        self.context = Context(
            catalog, resolver, restriction, self._table, self._metric_subquery, self._add_cte, dates
        )
        self.ctes: dict[str, Select | Union] = {}
        self.used_models: dict[str, None] = {}
        self._depth = 0

    def plan(self, query: MetricQuery) -> tuple[Plan, Ask]:
        """The plan of a query and what it was taken to ask. Raises SemanticError subclasses."""
        check(query)
        query = self.names.saved(query)
        metrics = [self.names.metric(n) for n in dict.fromkeys(n.strip().lower() for n in query.metrics)]
        ask = self._settle(query, metrics)
        if metrics:
            body = self._metrics(metrics, ask)
        elif ask.items:
            body = distinct_values(
                self.context, ask, deduplicate=query.apply_group_by, min_max=query.min_max_only
            )
        else:
            raise InvalidQueryError("The query names neither a metric nor a dimension.")
        body = self._ordered(body, query, ask)
        return Plan(body, tuple(self.ctes.items())), ask

    def probes(self) -> tuple[GroupProbe, ...]:
        """What tells who stands behind the groups of the query that was planned."""
        return tuple(printed(probe, self.ctes.items()) for probe in self.context.probes.values())

    def _settle(self, query: MetricQuery, metrics: list[Metric]) -> Ask:
        names, grains = self.names, self.names.grains(metrics)
        items = [names.item(parse_item(g, names.custom), grains) for g in query.group_by]
        items = list(dict.fromkeys(items))
        for name, text in query.computed:
            items.append(Item((), name, kind="computed", expression=names.filter(text, grains)))
        filters = tuple(names.filter(text, grains) for text in query.where)
        shown = [i.grain or "" for i in items if i.is_metric_time and i.grain in RANK]
        grain = finest(shown) if shown else grains.least
        return Ask(tuple(items), filters, time_range(query.time_constraint, grain))

    def _metrics(self, metrics: list[Metric], ask: Ask) -> Select:
        expansion = Expansion(self.names, ask)
        columns = [expansion.column(metric) for metric in metrics]
        return combine(self.context, ask, self._relations(expansion.uses, ask), columns)

    def _relations(self, uses: dict[Use, str], ask: Ask) -> list[Relation]:
        """One relation per shape: uses of one fact with the same filters share a scan."""
        shapes: dict[tuple[object, ...], Named] = {}
        for use, name in uses.items():
            shapes.setdefault(use.shape(), []).append((name, use))
        selects = self._shared(ask, list(shapes.values()))
        relations = [
            Relation(select, frozenset(n for n, _ in named), named[0][1].is_days)
            for named, select in zip(shapes.values(), selects, strict=True)
        ]
        if ask.items and all(r.is_days for r in relations):
            keys = plain(self.context, ask, [("days", replace(next(iter(uses)), is_days=False))])
            relations.append(Relation(replace(keys, values=()), frozenset()))
        return relations

    def _shared(self, ask: Ask, shapes: list[Named]) -> list[Select]:
        """The relation of each shape. Offsets of whole periods read one aggregate with what they offset."""
        families: dict[tuple[object, ...], list[Named]] = {}
        for named in shapes:
            if moves_periods(self.context, ask, named[0][1]):
                families.setdefault(replace(named[0][1], offsets=()).shape(), []).append(named)
        bases: dict[tuple[object, ...], tuple[Ref, dict[Leaf, str]]] = {}
        for shape, family in families.items():
            if len(family) > 1 and ask.time_range is None:
                leaves = {u.leaf: n for named in reversed(family) for n, u in named}
                columns = [(n, replace(family[0][0][1], leaf=leaf, offsets=())) for leaf, n in leaves.items()]
                name = f"{columns[0][0]}_as_recorded"
                bases[shape] = (Ref(self._add_cte(name, plain(self.context, ask, columns))), leaves)
        return [self._with_base(ask, named, bases) for named in shapes]

    def _with_base(
        self, ask: Ask, named: Named, bases: dict[tuple[object, ...], tuple[Ref, dict[Leaf, str]]]
    ) -> Select:
        use = named[0][1]
        base = bases.get(replace(use, offsets=()).shape())
        moves = moves_periods(self.context, ask, use)
        if base is not None and moves:
            select = relabelled(self.context, ask, use, base[0], {n: base[1][u.leaf] for n, u in named})
        elif use.offsets and moves:
            still = [(n, replace(u, offsets=())) for n, u in named]
            inner = plain(self.context, recorded(ask, use), still)
            select = relabelled(self.context, ask, use, inner, {n: n for n, _ in named})
        else:
            return self._relation(ask, named)
        return on_spine(self.context, ask, use, select) if use.leaf.join_spine else select

    def _relation(self, ask: Ask, named: Named) -> Select:
        use = named[0][1]
        if use.is_days:
            return days(self.context, ask, named)
        timed = use
        if use.conversion is not None:
            select = conversions(self.context, ask, named)
            timed = replace(use, leaf=use.conversion.base)
        elif use.cumulative is not None:
            select = cumulative(self.context, ask, named)
        elif use.leaf.measure.carry_forward_days is not None:
            select = carried(self.context, ask, named)
        else:
            select = plain(self.context, ask, named)
        return on_spine(self.context, ask, timed, select) if use.leaf.join_spine else select

    # -- what the parts of a plan ask back ----------------------------------------------------------------

    def _table(self, model: Model) -> Table:
        self.used_models[model.name] = None
        return table_for(self.catalog, model, self.restriction)

    def _metric_subquery(self, ref: MetricRef) -> Select:
        if self._depth > DEEPEST:
            raise InvalidQueryError(f"The metric filter on {ref.metric} refers to itself.")
        self._depth += 1
        noted = dict(self.context.probes)
        select = self._metrics([self.names.metric(ref.metric)], Ask(ref.group_by))
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

    def _ordered(self, body: Select, query: MetricQuery, ask: Ask) -> Select:
        names = [c.name for c in body.columns]
        order: list[tuple[exp.Expr, bool]] = []
        for key in query.order_by:
            name, descending = parse_order(key)
            found = [n for n in names if n == name] or [i.name for i in ask.items if i.base == name]
            if len(set(found)) != 1:
                raise UnknownNameError(
                    f"The order key {name} is not in the query.", hint=near(name, names) or "Select it first."
                )
            item = next((i for i in ask.items if i.name == found[0]), None)
            if item is not None and masked(item, self.restriction):
                raise ForbiddenUseError(f"{item.base} is masked for you.", hint="It cannot be ordered by.")
            order.append((exp.column(found[0], quoted=True), descending))
        return replace(body, order=tuple(order), limit=query.limit)
