"""The rows of a fact with everything that a query needs joined on: grain is one row per fact row.

All joins run from the fact to models that have at most one row per key, LEFT, so no fact row is lost or
repeated: an orphan or NULL key shows as a NULL dimension.

An orphan keeps its row:

    >>> answer("net_sales", "product__department", sales=[("2024-01-30", "p1", 10), ("2024-01-31", "p9", 7)])
    GROCERY 10
    None 7
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from ..ast.bind import bind, column
from ..ast.constructors import conjunction, eq, extract, trunc
from ..ast.grains import RANK
from ..definitions.catalog import Dimension, Model
from ..definitions.restriction import Restriction
from ..errors import (
    AmbiguousNameError,
    DuplicateKeyError,
    ForbiddenUseError,
    InvalidQueryError,
    UnknownNameError,
)
from ..query.predicates import Predicate, fill_placeholders
from ..query.request import GroupByItem, MetricRef
from ..query.resolve import JoinStep, ResolvedItem, named_in, resolved_in
from ..query.resolved import MetricInput, ResolvedQuery
from ..query.total import TEXT, TIME, is_total_condition, is_total_value, total, total_condition
from .builder import PlanBuilder
from .nodes import Join, Source, Table

MASK = "***"


def masked(item: GroupByItem, restriction: Restriction) -> bool:
    """Whether a reader sees stars for the item, judged by its name."""
    return named_in(item, restriction.masked_dimensions)


class FactScan:
    """Builds the joined rows of one fact. `time` replaces the fact's own metric time (shifts, spines)."""

    join_kind = "LEFT"

    def __init__(
        self, builder: PlanBuilder, model: Model, agg_time: str | None, time: exp.Expr | None = None,
        time_grain: str | None = None,
    ) -> None:  # fmt: skip
        self.builder = builder
        self.model = model
        self.alias = model.name
        self.agg_time = agg_time
        self.time_override = time
        self.time_grain = time_grain
        self.source = Source(builder.table(model), self.alias)
        self.joins: list[Join] = []
        self.metric_refs: dict[MetricRef, exp.Expr] = {}
        self._aliases: dict[tuple[JoinStep, ...], str] = {(): self.alias}
        self._calendars: dict[tuple[str, exp.Expr], str] = {}
        self._relations: dict[str, str] = {}

    # -- time ---------------------------------------------------------------------------------------------

    def own_time(self) -> exp.Expr:
        """The fact's own aggregation time, as recorded."""
        return bind(self._agg_dimension().expr, self.alias)

    def _agg_dimension(self) -> Dimension:
        if self.agg_time is None or self.agg_time not in self.model.dimensions:
            raise UnknownNameError(f"{self.model.name} has no time of aggregation, so no metric_time.")
        return self.model.dimensions[self.agg_time]

    def own_grain(self) -> str:
        """The finest grain at which the fact's time is known."""
        return self._agg_dimension().grain or "day"

    def time(self) -> exp.Expr:
        """Metric time: the fact's own, or what replaces it."""
        return self.time_override.copy() if self.time_override is not None else self.own_time()

    def is_time(self, item: GroupByItem) -> bool:
        """Whether an item is metric time, by that name or by the name of the fact's time dimension."""
        return is_time_item(item, self.model, self.agg_time)

    # -- columns ------------------------------------------------------------------------------------------

    def column(self, item: GroupByItem, *, filtering: bool = False) -> exp.Expr:
        """The value of an item on each row. Raises for unknown, ambiguous and wrongly masked names."""
        if item.kind == "computed":
            filled = self._filled(item.expression)
            return filled if self._answers_everybody() or is_total_value(item.expression) else total(filled)
        if masked(item, self.builder.restriction):
            return self._mask(item, filtering)
        if self.is_time(item):
            return self._at_grain(self.time(), item, self.time_grain or self.own_grain())
        if item.is_metric_time:
            raise UnknownNameError(f"metric_time does not exist for {self.model.name}.")
        resolved = self.builder.resolver.find(self.model, item, self.builder.restriction)
        if resolved_in(resolved, self.builder.restriction.masked_dimensions):
            return self._mask(item, filtering)
        value = bind(resolved.definition.expr, self._join_path(resolved))
        dimension = resolved.dimension
        if dimension is not None and dimension.grain is not None:
            return self._at_grain(value, item, dimension.grain)
        if item.grain or item.part:
            raise InvalidQueryError(
                f"{item.base} is no time dimension, so it has no {item.grain or item.part}."
            )
        return value

    @staticmethod
    def _mask(item: GroupByItem, filtering: bool) -> exp.Expr:
        if filtering:
            raise ForbiddenUseError(
                f"{item.base} is masked for you.",
                hint="Group by it; filters by it are refused, also those of a metric's definition.",
            )
        return exp.Literal.string(MASK)

    def _at_grain(self, value: exp.Expr, item: GroupByItem, known_grain: str) -> exp.Expr:
        if item.part:
            return extract(value, item.part)
        grain = item.grain or known_grain
        if grain in self.builder.catalog.custom_grains:
            return self._custom(value, grain)
        if grain not in RANK:
            raise UnknownNameError(f"The grain {grain} does not exist.")
        if RANK[grain] < RANK[known_grain]:
            raise InvalidQueryError(
                f"{item.base} is known by {known_grain}, so it cannot be shown by {grain}.",
                hint=f"Ask for {item.base}__{known_grain} or coarser.",
            )
        return self.truncated(value, grain)

    def truncated(self, value: exp.Expr, grain: str) -> exp.Expr:
        """The period that holds a value; a column known to hold dates is its own day."""
        if grain == "day" and isinstance(value, exp.Column):
            relation = self.model.relation if value.table == self.alias else self._relations.get(value.table)
            if relation is not None and (relation, value.name) in self.builder.dates:
                return value
        return trunc(value, grain)

    def own_instant(self) -> exp.Expr:
        """The fact's own time at the grain at which it is known."""
        return self.truncated(self.own_time(), self.own_grain())

    def _custom(self, value: exp.Expr, grain: str) -> exp.Expr:
        """A custom calendar's period: looked up in the time spine by the spine's grain."""
        spine = self.builder.catalog.custom_grains[grain]
        at = trunc(value, spine.grain)
        key = (spine.relation, at)
        alias = self._calendars.get(key)
        if alias is None:
            alias = self._calendars[key] = f"calendar_{len(self._calendars) + 1}"
            self.joins.append(
                Join(Source(Table(spine.relation), alias), eq(at, bind(spine.column, alias)), "LEFT")
            )
        return bind(self.builder.catalog.custom_column(grain), alias)

    # -- joins --------------------------------------------------------------------------------------------

    def _join_path(self, resolved: ResolvedItem) -> str:
        """The alias of the item's model. Each target has its own chain of joins from the fact, but for the
        steps that surely find at most one row: those are joined once for all targets behind them.
        """
        alias = self._aliases.get(resolved.steps)
        if alias is None:
            shared = self._shared_steps(resolved.steps)
            chain = [(self.model, self.alias)]
            for n, step in enumerate(resolved.steps, 1):
                path = resolved.steps[:n]
                if n <= shared and path in self._aliases:
                    chain.append((self.builder.catalog.models[step.model], self._aliases[path]))
                    continue
                chain.append(self._join(step, chain, path if n <= shared else resolved.steps))
                if n <= shared:
                    self._aliases[path] = chain[-1][1]
            alias = self._aliases[resolved.steps] = chain[-1][1]
        return alias

    def _shared_steps(self, steps: tuple[JoinStep, ...]) -> int:
        """How many steps, from the first on, can be shared: their keys are unique, so rows cannot differ."""
        catalog = self.builder.catalog
        if self.join_kind != "LEFT" or not catalog.unique_keys:
            return 0
        unique = [catalog.is_unique(catalog.models[s.model], s.entity) for s in steps]
        return unique.index(False) if False in unique else len(unique)

    def _join(
        self, step: JoinStep, chain: list[tuple[Model, str]], path: tuple[JoinStep, ...]
    ) -> tuple[Model, str]:
        """Join one more model to a chain of joins from the fact."""
        catalog = self.builder.catalog
        left_model, left = chain[-1]
        target = catalog.models[step.model]
        taken = {self.alias, *(j.source.alias for j in self.joins)}
        alias = step.model if step.model not in taken else "__".join(h.entity for h in path)
        while alias in taken:
            alias += "_"
        on = [
            eq(
                bind(left_model.entities[step.entity].expr, left),
                bind(target.entities[step.entity].expr, alias),
            )
        ]
        partitions = self._partition_keys(chain, target, alias)
        self._refuse_duplicates(target, step.entity, len(partitions))
        on += partitions
        on += self._validity(target, alias)
        self.joins.append(Join(Source(self.builder.table(target), alias), conjunction(on), self.join_kind))
        self._relations[alias] = target.relation
        return target, alias

    def _refuse_duplicates(self, target: Model, entity: str, partitions: int) -> None:
        """Raises DuplicateKeyError if the data hold a key twice, so that a join over it would repeat rows."""
        duplicate = self.builder.catalog.duplicate_keys.get((target.name, entity))
        if duplicate is None or self.join_kind != "LEFT" or 0 < len(duplicate.unless) == partitions:
            return
        restriction = self.builder.restriction
        is_sayable = duplicate.first is not None and not (restriction.rows or restriction.allow_nothing)
        first = f" (first {duplicate.first:.80}, {duplicate.rows} rows)" if is_sayable else ""
        raise DuplicateKeyError(
            f"{target.name} has several rows for {duplicate.keys} of its values of {entity}{first}, "
            f"so rows of {self.model.name} would count several times.",
            hint=f"Leave out what is reached by {entity}, or make the key unique where it is built.",
        )

    @staticmethod
    def _partition_keys(chain: list[tuple[Model, str]], target: Model, alias: str) -> list[exp.Expr]:
        """A partition agrees with the nearest partition of that name before it in the chain."""
        keys = []
        for other in target.dimensions.values():
            before = [
                (m, a) for m, a in reversed(chain) if other.is_partition and _is_partition(m, other.name)
            ]
            if not before:
                continue
            model, left = before[0]
            own = model.dimensions[other.name]
            a, b = bind(own.expr, left), bind(other.expr, alias)
            keys.append(eq(trunc(a, own.grain), trunc(b, own.grain)) if own.grain else eq(a, b))
        return keys

    def _validity(self, target: Model, alias: str) -> list[exp.Expr]:
        """A slowly changing model joins the version that was valid at the fact's own time."""
        window = target.validity()
        if window is None:
            return []
        start, end = (bind(d.expr, alias) for d in window)
        now = self.own_time()
        return [
            exp.GTE(this=now, expression=start),
            exp.paren(exp.or_(exp.LT(this=now.copy(), expression=end), end.copy().is_(exp.null()))),
        ]

    # -- filters ------------------------------------------------------------------------------------------

    def condition(self, predicate: Predicate) -> exp.Expr:
        """A filter or key over these rows, of the query or of a definition: none may speak of what is masked.

        With a threshold on groups it answers for every row, since an error would tell of rows under it.
        """
        filled = self._filled(predicate)
        if self._answers_everybody() or is_total_condition(predicate, self._holds):
            return filled
        return total_condition(filled)

    def _answers_everybody(self) -> bool:
        """Whether no row is hidden by the size of its group."""
        return self.builder.restriction.minimum_group is None

    def _filled(self, predicate: Predicate) -> exp.Expr:
        """The expression of a filter or computed key over these rows."""

        def value(ref: GroupByItem | MetricRef) -> exp.Expr:
            if isinstance(ref, MetricRef):
                return self._metric(ref)
            return self.column(ref, filtering=True)

        return fill_placeholders(predicate, value)

    def _holds(self, ref: GroupByItem | MetricRef) -> str:
        """What a reference surely holds: text in a column of texts, time if it is a time."""
        if isinstance(ref, MetricRef) or ref.part:
            return ""
        if ref.grain or self.is_time(ref):
            return TIME if ref.grain is None or ref.grain in RANK else ""
        value = self.column(ref, filtering=True)
        if not isinstance(value, exp.Column):
            return ""
        relation = self.model.relation if value.table == self.alias else self._relations.get(value.table, "")
        return TEXT if (relation, value.name) in self.builder.texts else ""

    def conditions(
        self,
        query: ResolvedQuery,
        metric_input: MetricInput,
        only: Callable[[Predicate], bool] | None = None,
    ) -> list[exp.Expr]:
        """The filters of an input's definitions, then the query's, then its time range. `only`: some."""
        filters = (*metric_input.filters, *query.filters)
        conditions = [self.condition(p) for p in filters if only is None or only(p)]
        if query.time_range is not None:
            conditions += query.time_range.conditions(self.time())
        return conditions

    def _metric(self, ref: MetricRef) -> exp.Expr:
        """A metric's value for an entity of each row, joined from a subquery grouped by that entity."""
        if ref in self.metric_refs:
            return self.metric_refs[ref].copy()
        alias = f"by_{'_'.join(i.element for i in ref.group_by)}_{len(self.metric_refs) + 1}"
        select = self.builder.metric_filters[ref]
        on = []
        for item, key in zip(ref.group_by, select.keys, strict=True):
            on.append(eq(self._outer_key(item), column(alias, key.name)))
        self.joins.append(Join(Source(select, alias), conjunction(on), self.join_kind))
        self.metric_refs[ref] = column(alias, ref.metric)
        return self.metric_refs[ref].copy()

    def _outer_key(self, item: GroupByItem) -> exp.Expr:
        """The entity of these rows that a metric filter's grouping refers to."""
        for links in ((), item.links):
            candidate = GroupByItem(links, item.element, None, None, "entity")
            try:
                return self.column(candidate, filtering=True)
            except (UnknownNameError, AmbiguousNameError):
                continue
        return self.column(item, filtering=True)


def _is_partition(model: Model, name: str) -> bool:
    return name in model.dimensions and model.dimensions[name].is_partition


def is_time_item(item: GroupByItem, model: Model, agg_time: str | None) -> bool:
    """Whether an item means the time by which a measure of `model` is aggregated."""
    if item.kind == "computed":
        return False
    if item.is_metric_time:
        return agg_time is not None
    return item.element == agg_time and item.links in ((model.primary,), ())
