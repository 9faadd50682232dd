"""What a user asks: metrics, group-by items, filters, order. Names here are not resolved yet.

`group_by` takes dunder names (`product__department`, `metric_time__week`) and dbt's object syntax
(`TimeDimension('metric_time', 'week')`, `Entity('customer')`), which both become an `Item`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..ast.grains import DATE_PARTS, RANK
from ..errors import InvalidQueryError

METRIC_TIME = "metric_time"
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class MetricQuery:
    """One governed question. No metrics: the distinct values of the dimensions.

    time_constraint is inclusive at both ends. With whole_periods (the default here, as in dbt's semantic
    layer) it is widened to whole periods of the grain asked for; without, exactly its days are counted.
    min_max_only answers the smallest and largest value of one dimension; apply_group_by=False (dimension
    queries only) leaves duplicates in. order_by names output columns; a leading `-` means descending. With a
    limit or an offset (rows to leave out first) the groups themselves decide between rows that tie.
    """

    metrics: Sequence[str] = ()
    group_by: Sequence[str] = ()
    where: Sequence[str] = ()
    order_by: Sequence[str] = ()
    limit: int | None = None
    offset: int = 0
    time_constraint: tuple[str, str] | None = None
    min_max_only: bool = False
    apply_group_by: bool = True
    whole_periods: bool = True
    saved_query: str | None = None
    computed: Sequence[tuple[str, str]] = ()
    """Further keys: (output name, scalar SQL over dimension names), as semantic SQL needs for CASE."""

    def key(self) -> tuple[object, ...]:
        """A hashable identity, for the plan cache."""
        return (
            tuple(self.metrics), tuple(self.group_by), tuple(self.where), tuple(self.order_by), self.limit,
            self.time_constraint and tuple(self.time_constraint), self.min_max_only, self.apply_group_by,
            self.whole_periods, self.saved_query, self.offset, tuple(map(tuple, self.computed)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupByItem:
    """A dimension, time dimension or entity as named by a query.

    `links` are the entities to walk, `element` the thing at the end. `grain` may be a custom calendar.
    kind is 'any' (a dunder name), 'dimension', 'time', 'entity' or 'computed' (then `expression` says how).
    """

    links: tuple[str, ...]
    element: str
    grain: str | None = None
    part: str | None = None
    kind: str = "any"
    expression: Any = None

    @property
    def base(self) -> str:
        """The name without grain or date part."""
        return "__".join((*self.links, self.element))

    @property
    def name(self) -> str:
        """The output column."""
        if self.part:
            return f"{self.base}__extract_{self.part}"
        return f"{self.base}__{self.grain}" if self.grain else self.base

    @property
    def is_metric_time(self) -> bool:
        return not self.links and self.element == METRIC_TIME


@dataclass(frozen=True, slots=True)
class MetricRef:
    """`Metric('bookings', ['listing'])` in a filter: a metric's value for an entity of each row."""

    metric: str
    group_by: tuple[GroupByItem, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key by output name."""

    name: str
    descending: bool


def parse_item(text: str, custom_grains: Collection[str]) -> GroupByItem:
    """An item from a dunder name or object syntax. Raises InvalidQueryError for anything else."""
    text = _checked(text)
    if "(" in text:
        call = parse_call(text, custom_grains)
        if isinstance(call, GroupByItem):
            return call
        raise InvalidQueryError(f"{text} cannot be grouped by.", hint="Group by a dimension or an entity.")
    return dunder(text, custom_grains)


def _checked(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidQueryError(f"A name must be a non-empty string, not {text!r:.80}.")
    if len(text) > LONGEST_TEXT:
        raise InvalidQueryError(f"A name or filter of {len(text)} characters is too long.")
    return text.strip()


def dunder(text: str, custom_grains: Collection[str]) -> GroupByItem:
    """An item from `entity__…__element[__grain]`."""
    parts = [p.strip() for p in text.lower().split("__")]
    grain = part = None
    if len(parts) > 1:
        last = parts[-1]
        if last in RANK or last in custom_grains:
            grain, parts = last, parts[:-1]
        elif last.startswith("extract_") and last[8:] in DATE_PARTS:
            part, parts = last[8:], parts[:-1]
    return GroupByItem(tuple(parts[:-1]), parts[-1], grain, part, "time" if grain or part else "any")


def parse_call(text: str, custom_grains: Collection[str]) -> GroupByItem | MetricRef:
    """`Dimension('a__b').grain('week')`, `TimeDimension(…)`, `Entity(…)` or `Metric(…)`."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidQueryError(
            f"{text:.200} is no dimension, entity or metric call.", hint=_CALL_HINT
        ) from error
    return _call(tree, text, custom_grains)


_CALL_HINT = "Write for instance Dimension('product__department') or TimeDimension('metric_time', 'week')."


@dataclass(frozen=True)
class _Call:
    """`Dimension('a__b', entity_path=['c'])`: what is called, with literal arguments."""

    called: str
    args: tuple[object, ...]
    keywords: dict[str, object]
    text: str

    def argument(self, position: int, *names: str) -> object:
        """A positional argument, else the first keyword of these names that is given, else None."""
        if position < len(self.args):
            return self.args[position]
        return next((self.keywords[name] for name in names if name in self.keywords), None)

    def word(self, value: object) -> str:
        return _word(value, self.text)


def _call(tree: ast.expr, text: str, custom_grains: Collection[str]) -> GroupByItem | MetricRef:
    if not isinstance(tree, ast.Call):
        raise InvalidQueryError(f"{text:.200} is no dimension, entity or metric call.", hint=_CALL_HINT)
    args = tuple(_literal(a, text) for a in tree.args)
    keywords = {k.arg or "": _literal(k.value, text) for k in tree.keywords}
    if isinstance(tree.func, ast.Attribute):
        return _method(_call(tree.func.value, text, custom_grains), tree.func.attr, args, text)
    called = tree.func.id if isinstance(tree.func, ast.Name) else ""
    call = _Call(called, args, keywords, text)
    match called:
        case "Dimension":
            return _linked(call, custom_grains)
        case "TimeDimension":
            return _time_dimension(call, custom_grains)
        case "Entity":
            return replace(_linked(call, custom_grains), kind="entity")
        case "Metric":
            keys = _sequence(call.argument(1, "group_by") or ())
            items = tuple(parse_item(call.word(key), custom_grains) for key in keys)
            return MetricRef(call.word(call.argument(0, "name", "metric_name")), items)
    raise InvalidQueryError(f"{text:.200}: {called or 'this'} is not understood.", hint=_CALL_HINT)


def _method(
    inner: GroupByItem | MetricRef, method: str, args: tuple[object, ...], text: str
) -> GroupByItem | MetricRef:
    """`.grain('week')`, `.date_part('month')` or `.descending(True)` of a call."""
    if isinstance(inner, GroupByItem) and len(args) == 1:
        if method == "grain":
            return replace(inner, grain=_word(args[0], text), kind="time")
        if method == "date_part":
            return replace(inner, part=_word(args[0], text), kind="time")
    if method == "descending":
        return inner
    raise InvalidQueryError(f"{text:.200}: .{method} is not understood here.", hint=_CALL_HINT)


def _linked(call: _Call, custom_grains: Collection[str]) -> GroupByItem:
    """The item that a call names first, behind the entities of its `entity_path`."""
    item = dunder(call.word(call.argument(0, "name", "metric_name")), custom_grains)
    path = tuple(call.word(step) for step in _sequence(call.keywords.get("entity_path") or ()))
    return replace(item, links=(*path, *item.links))


def _time_dimension(call: _Call, custom_grains: Collection[str]) -> GroupByItem:
    item = _linked(call, custom_grains)
    grain = call.argument(1, "time_granularity_name", "grain")
    part = call.argument(len(call.args), "date_part_name", "date_part")
    return replace(
        item,
        grain=call.word(grain) if grain else item.grain,
        part=call.word(part) if part else item.part,
        kind="time",
    )


def _literal(node: ast.expr, text: str) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError, RecursionError) as error:
        raise InvalidQueryError(
            f"{text:.200}: only literal arguments are understood.", hint=_CALL_HINT
        ) from error


def _word(value: object, text: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidQueryError(f"{text:.200}: a name in quotes is missing.", hint=_CALL_HINT)
    return value.strip().lower()


def _sequence(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def parse_order(text: str) -> Order:
    """The name and direction of an order key: `-net_sales`, `Metric('net_sales').descending(True)`."""
    text = _checked(text)
    if "(" not in text:
        return Order(text.removeprefix("-").lower(), text.startswith("-"))
    descending = text.startswith("-") or ".descending(True)" in text.replace(" ", "")
    call = parse_call(text.removeprefix("-"), ())
    return Order(call.metric if isinstance(call, MetricRef) else call.name, descending)
