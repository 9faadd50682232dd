"""Queries without metrics: the distinct values of dimensions, from the model nearest to all of them."""

from __future__ import annotations

from sqlglot import exp

from ..ast.bind import bind
from ..definitions.catalog import Model
from ..errors import InvalidQueryError, UnknownNameError, UnsupportedError
from ..query.request import Item, MetricRef, dunder
from ..query.resolve import is_hidden
from ..query.resolved import Ask
from ..query.visibility import visible_metrics
from ..suggest import near
from .aggregate import group_guard
from .fact_scan import Context, Rows
from .nodes import Column, Join, Select, Source, Table
from .time_offset import SPINE, spine_grain


class ValueRows(Rows):
    """The rows of a model where metric_time is the time spine, and a missing join keeps both sides."""

    join_kind = "FULL"

    def is_time(self, item: Item) -> bool:
        return item.is_metric_time

    def _validity(self, target: Model, alias: str) -> list[exp.Expr]:
        """Every version's value exists: no time is asked about."""
        return []


def distinct_values(context: Context, ask: Ask, *, deduplicate: bool, min_max: bool) -> Select:
    """The distinct combinations of the items that exist. min_max: smallest and largest of one item."""
    refs = [r for p in ask.filters for r in p.items()]
    refs += [r for i in ask.items if i.kind == "computed" for r in i.expression.items()]
    used = [i for i in (*ask.items, *refs) if i.kind != "computed"]
    timed = tuple(i for i in used if i.is_metric_time)
    others = [i for i in used if not i.is_metric_time]
    metric_keys = [i for p in ask.filters for r in p.refs if isinstance(r, MetricRef) for i in r.group_by]
    if ask.time_range is not None and not timed:
        raise InvalidQueryError("A time constraint needs metric_time in the group-by of a dimension query.")
    spine = context.spine(spine_grain(timed, context, "day"), "metric_time") if timed else None
    time = bind(spine.column, SPINE) if spine else None
    if others or metric_keys:
        wanted = others or [Item((), i.element, kind="entity") for i in metric_keys]
        model = nearest_model(context, wanted)
        rows = ValueRows(context, model, None, time, spine.grain if spine else None)
        if spine:
            rows.joins.append(Join(Source(Table(spine.relation), SPINE), None, "CROSS"))
    else:
        spine = spine or context.spine("day", "metric_time")
        rows = ValueRows(context, next(iter(context.catalog.models.values())), None, time, spine.grain)
        rows.source = Source(Table(spine.relation), SPINE)
    keys = tuple(Column(i.name, rows.column(i)) for i in ask.items)
    where = [rows.condition(p) for p in ask.filters]
    if ask.time_range is not None:
        where += ask.time_range.conditions(rows.time())
    guard = group_guard(rows) if others or metric_keys else ()
    if guard and (min_max or not deduplicate):
        raise UnsupportedError("Values of small groups are suppressed for you, so only distinct values show.")
    if guard:
        return Select(
            rows.source, keys, (), tuple(rows.joins), tuple(where), guard, grouped=True, eager=False
        )
    if min_max:
        if len(keys) != 1:
            raise InvalidQueryError("min_max_only answers exactly one dimension.")
        name, value = keys[0].name, keys[0].expr
        keys = (
            Column(f"{name}__min", exp.Min(this=value)),
            Column(f"{name}__max", exp.Max(this=value.copy())),
        )
    return Select(
        rows.source, keys, (), tuple(rows.joins), tuple(where), distinct=deduplicate and not min_max,
        eager=False,
    )  # fmt: skip


def nearest_model(context: Context, items: list[Item]) -> Model:
    """The model that reaches all items by the fewest joins; keys are read from the model that owns them."""
    best: tuple[tuple[int, int], Model] | None = None
    for model in context.catalog.models.values():
        if not all(context.resolver.reaches(model, i, context.restriction) for i in items):
            continue
        try:
            found = [context.resolver.find(model, i, context.restriction) for i in items]
        except UnknownNameError:
            continue
        hops = len({f.hops[:n] for f in found for n in range(1, len(f.hops) + 1)})
        foreign = sum(getattr(f.definition, "kind", "") == "foreign" for f in found)
        if best is None or (hops, foreign) < best[0]:
            best = ((hops, foreign), model)
    if best is None:
        raise _unreachable(context, items)
    return best[1]


def _unreachable(context: Context, items: list[Item]) -> UnknownNameError:
    models = list(context.catalog.models.values())
    for item in items:
        if not any(context.resolver.reaches(m, item, context.restriction) for m in models):
            known = {n for m in models for n in context.resolver.names(m)}
            shown = [n for n in known if not is_hidden(dunder(n, ()), context.restriction)]
            if item.base in visible_metrics(context.catalog, context.restriction):
                hint = f"It is a metric: name it among the metrics, in SQL as MEASURE({item.base})."
                return UnknownNameError(f"{item.base} is no dimension.", hint=hint)
            return UnknownNameError(f"{item.base} does not exist.", hint=near(item.base, shown))
    names = ", ".join(i.base for i in items)
    return UnknownNameError(f"No semantic model reaches all of {names}.", hint="Ask for them separately.")
