"""Filters: conditions whose references to dimensions and metrics are numbered placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from sqlglot import exp

from ..ast.constructors import cast
from ..errors import InvalidQueryError
from .request import GroupByItem, MetricRef, dunder, parse_call
from .scalar import FILTER_HINT, INSTANT, check_scalar, parse_condition

TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
PLACEHOLDER = "steelyard_ref_"


@dataclass(frozen=True)
class Predicate:
    """A filter: a condition whose references are numbered placeholders.

    Filters are equal if their conditions and references are. `sql` is the condition, written out.
    """

    sql: str
    refs: tuple[GroupByItem | MetricRef, ...]
    condition: exp.Expr = field(compare=False)

    @cached_property
    def _hash(self) -> int:
        return hash((self.sql, self.refs))

    def __hash__(self) -> int:
        return self._hash

    def described(self) -> str:
        """The condition with the names that it refers to, for people."""

        def name(ref: GroupByItem | MetricRef) -> exp.Expr:
            return exp.column(ref.name if isinstance(ref, GroupByItem) else ref.metric)

        return fill_placeholders(self, name).sql("duckdb")

    def with_refs(self, refs: tuple[GroupByItem | MetricRef, ...]) -> Predicate:
        """The same condition over other references."""
        return Predicate(self.sql, refs, self.condition)

    def items(self) -> tuple[GroupByItem, ...]:
        return tuple(r for r in self.refs if isinstance(r, GroupByItem))


def is_reference(node: exp.Expr) -> bool:
    """Whether a part of a predicate's condition stands for one of its references."""
    return isinstance(node, exp.Column) and node.name.startswith(PLACEHOLDER)


def reference_of(predicate: Predicate, node: exp.Expr) -> GroupByItem | MetricRef:
    """What a placeholder in a predicate's condition stands for."""
    return predicate.refs[int(node.name[len(PLACEHOLDER) :])]


@lru_cache(maxsize=4096)
def parse_predicate(text: str, custom_grains: frozenset[str], trusted: bool = False) -> Predicate:
    """A filter with its references taken out. Bare names count as references by dunder name.

    Raises InvalidQueryError for anything but one scalar condition: no subquery, no aggregate, no window,
    and no function outside the known ones, so that a filter can only compare values of the query.
    """
    refs: list[GroupByItem | MetricRef] = []

    def number(ref: GroupByItem | MetricRef) -> str:
        if ref not in refs:
            refs.append(ref)
        return f"{PLACEHOLDER}{refs.index(ref)}"

    if not isinstance(text, str) or not text.strip() or len(text) > 100_000:
        raise InvalidQueryError(f"A filter must be a non-empty condition, not {text!r:.80}.")
    source = TEMPLATE.sub(lambda m: f" {number(parse_call(m.group(1), custom_grains))} ", text)
    condition = parse_condition(source, text)
    if not trusted:
        check_scalar(condition, text)
    for node in list(condition.find_all(exp.Column)):
        if is_reference(node) and not node.table:
            continue
        if node.table:
            raise InvalidQueryError(f"The filter {text!r:.200} names {node.sql()}.", hint=FILTER_HINT)
        node.replace(exp.column(number(dunder(node.name, custom_grains))))
    if isinstance(condition, exp.Column) and not is_reference(condition):
        condition = exp.column(number(dunder(condition.name, custom_grains)))
    condition = condition.transform(lambda node: _instant(node, refs), copy=False)
    return Predicate(condition.sql("duckdb"), tuple(refs), condition)


def _instant(node: exp.Expr, refs: list[GroupByItem | MetricRef]) -> exp.Expr:
    """A text with a time of day that a time is compared with as the instant that it is, not as its day."""
    parent = node.parent
    if (
        isinstance(node, exp.Literal)
        and node.is_string
        and isinstance(parent, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In))
        and INSTANT.fullmatch(node.name)
        and any(is_reference(other) and _is_time(other, refs) for other in parent.iter_expressions())
    ):
        return cast(node, exp.DType.TIMESTAMP)
    return node


def _is_time(reference: exp.Expr, refs: list[GroupByItem | MetricRef]) -> bool:
    ref = refs[int(reference.name[len(PLACEHOLDER) :])]
    return isinstance(ref, GroupByItem) and (ref.kind == "time" or ref.is_metric_time)


def fill_placeholders(predicate: Predicate, value: Callable[[GroupByItem | MetricRef], exp.Expr]) -> exp.Expr:
    """The condition with each reference replaced by `value(ref)`."""

    def swap(node: exp.Expr) -> exp.Expr:
        if is_reference(node):
            new = value(reference_of(predicate, node))
            return new if isinstance(new, (exp.Column, exp.Func)) else exp.paren(new, copy=False)
        return node

    return predicate.condition.copy().transform(swap, copy=False)
