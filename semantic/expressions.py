"""SQL expressions of definitions and filters: parsed once, checked, and bound to a table alias."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .errors import InvalidQueryError, ManifestError
from .query import Item, MetricRef, dunder, parse_call

TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
PLACEHOLDER = "steelyard_ref_"
FORBIDDEN = (
    exp.Query, exp.Subquery, exp.Table, exp.Command, exp.DDL, exp.DML, exp.Placeholder, exp.Parameter,
    exp.Window, exp.AggFunc, exp.Star, exp.SessionParameter, exp.Lambda, exp.Semicolon, exp.Alias,
)  # fmt: skip
SAFE_FUNCTIONS = frozenset({"len", "strlen", "contains", "prefix", "suffix", "isfinite"})
SAFE_TYPES = frozenset(
    [
        "Abs",
        "And",
        "Or",
        "Xor",
        "Not",
        "Case",
        "If",
        "Coalesce",
        "Nullif",
        "Cast",
        "TryCast",
        "Lower",
        "Upper",
        "Initcap",
        "Trim",
        "Length",
        "Substring",
        "StrPosition",
        "Concat",
        "ConcatWs",
        "DPipe",
        "SafeDPipe",
        "Contains",
        "StartsWith",
        "EndsWith",
        "Left",
        "Right",
        "Replace",
        "Pad",
        "Reverse",
        "RegexpLike",
        "RegexpILike",
        "RegexpReplace",
        "RegexpExtract",
        "Round",
        "Ceil",
        "Floor",
        "Sign",
        "Sqrt",
        "Pow",
        "Exp",
        "Ln",
        "Log",
        "Mod",
        "IntDiv",
        "SafeDivide",
        "Greatest",
        "Least",
        "DateTrunc",
        "TimestampTrunc",
        "Extract",
        "Date",
        "DateAdd",
        "DateSub",
        "DateDiff",
        "TimestampAdd",
        "TimestampSub",
        "TimestampDiff",
        "TsOrDsToDate",
        "TsOrDsToTimestamp",
        "StrToDate",
        "StrToTime",
        "Timestamp",
        "Year",
        "Quarter",
        "Month",
        "Week",
        "WeekOfYear",
        "Day",
        "DayOfMonth",
        "DayOfWeek",
        "DayOfWeekIso",
        "DayOfYear",
        "Hour",
        "Minute",
        "Second",
        "MonthName",
        "DayName",
        "LastDay",
        "Exists",
        "IsNan",
        "IsInf",
        "Ascii",
        "Chr",
        "Levenshtein",
        "Split",
        "SplitPart",
        "Anonymous",
        "Array",
    ]
)
"""What a filter of a query may call: only functions of the values of its own row."""

SAFE_DATA_TYPES = frozenset(
    [
        "BIGINT",
        "BOOLEAN",
        "CHAR",
        "DATE",
        "DATETIME",
        "DECIMAL",
        "DOUBLE",
        "FLOAT",
        "INT",
        "INTERVAL",
        "NCHAR",
        "NVARCHAR",
        "SMALLINT",
        "TEXT",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMPLTZ",
        "TIMESTAMPNTZ",
        "TIMESTAMPTZ",
        "TIMESTAMP_MS",
        "TIMESTAMP_NS",
        "TIMESTAMP_S",
        "TINYINT",
        "VARCHAR",
    ]
)
"""What a filter may cast to: plain values."""


@dataclass(frozen=True)
class Predicate:
    """A filter: a condition whose references are numbered placeholders. Identity is its text."""

    text: str
    refs: tuple[Item | MetricRef, ...]
    condition: exp.Expr

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predicate) and other.text == self.text

    def items(self) -> tuple[Item, ...]:
        return tuple(r for r in self.refs if isinstance(r, Item))


@lru_cache(maxsize=8192)
def _parsed(text: str, dialect: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(text, dialect=dialect)
    except (SqlglotError, RecursionError) as error:
        raise ManifestError(f"The expression {text!r:.200} of the manifest is not valid SQL.") from error


def bind(text: str, alias: str, dialect: str = "duckdb") -> exp.Expr:
    """An expression of a definition over the columns of `alias`."""
    tree = _parsed(text, dialect)
    if isinstance(tree, exp.Column):
        if tree.table:
            return tree.copy()
        return exp.Column(this=tree.this.copy(), table=exp.to_identifier(alias, quoted=_needs_quotes(alias)))
    tree = tree.copy()
    for column in tree.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(alias, quoted=_needs_quotes(alias)))
    return tree


def rename(text: str, replace: Callable[[str], exp.Expr | None], dialect: str = "duckdb") -> exp.Expr:
    """An expression whose bare names are replaced (a derived metric's expression over its inputs)."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table:
            new = replace(node.name)
            if new is None:
                raise ManifestError(
                    f"The expression {text!r:.200} names {node.name}, which is no input of it."
                )
            return new
        return node

    return _parsed(text, dialect).copy().transform(swap, copy=False)


SAFE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
RESERVED = frozenset(
    [
        "all",
        "and",
        "any",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "cast",
        "check",
        "column",
        "create",
        "cross",
        "current_date",
        "default",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "exists",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "in",
        "inner",
        "intersect",
        "into",
        "is",
        "join",
        "key",
        "leading",
        "left",
        "like",
        "limit",
        "natural",
        "not",
        "null",
        "of",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "primary",
        "references",
        "right",
        "select",
        "session_user",
        "set",
        "some",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "values",
        "view",
        "when",
        "where",
        "window",
        "with",
        "week",
        "day",
        "month",
        "year",
        "quarter",
        "hour",
        "minute",
        "second",
        "rows",
        "row",
        "at",
    ]
)


def _needs_quotes(name: str) -> bool:
    return SAFE_NAME.fullmatch(name) is None or name in RESERVED


@lru_cache(maxsize=8192)
def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=_needs_quotes(name))


def ident(name: str) -> exp.Identifier:
    """An identifier, quoted where it has to be."""
    return _identifier(name).copy()


def column(alias: str, name: str) -> exp.Column:
    """`alias.name`."""
    return exp.Column(this=ident(name), table=ident(alias))


@lru_cache(maxsize=4096)
def parse_predicate(text: str, custom_grains: frozenset[str], trusted: bool = False) -> Predicate:
    """A filter with its references taken out. Bare names count as references by dunder name.

    Raises InvalidQueryError for anything but one scalar condition: no subquery, no aggregate, no window,
    and no function outside the known ones, so that a filter can only compare values of the query.
    """
    refs: list[Item | MetricRef] = []

    def number(ref: Item | MetricRef) -> str:
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
        if node.name.startswith(PLACEHOLDER) and not node.table:
            continue
        if node.table:
            raise InvalidQueryError(f"The filter {text!r:.200} names {node.sql()}.", hint=_FILTER_HINT)
        node.replace(exp.column(number(dunder(node.name, custom_grains))))
    if isinstance(condition, exp.Column) and not condition.name.startswith(PLACEHOLDER):
        condition = exp.column(number(dunder(condition.name, custom_grains)))
    return Predicate(" ".join(text.split()), tuple(refs), condition)


_FILTER_HINT = "Write for instance {{ Dimension('product__department') }} = 'GROCERY'."


def parse_condition(source: str, shown: str) -> exp.Expr:
    """One SQL expression, or InvalidQueryError."""
    return _condition(source, shown).copy()


@lru_cache(maxsize=4096)
def _condition(source: str, shown: str) -> exp.Expr:
    try:
        statements = sqlglot.parse(f"SELECT ({source}\n)", dialect="duckdb")
    except (SqlglotError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise InvalidQueryError(
            f"The filter {shown!r:.200} is not a valid condition.", hint=_FILTER_HINT
        ) from error
    select = statements[0] if len(statements) == 1 else None
    if isinstance(select, exp.Select) and len(select.expressions) == 1:
        inner = select.expressions[0]
        alone = not any(v for k, v in select.args.items() if k not in ("expressions", "kind"))
        if alone and isinstance(inner, exp.Paren) and isinstance(inner.this, exp.Condition):
            condition: exp.Expr = inner.this
            condition.pop()
            return condition
    raise InvalidQueryError(f"The filter {shown!r:.200} is not a valid condition.", hint=_FILTER_HINT)


def check_scalar(condition: exp.Expr, shown: str) -> None:
    """Raises InvalidQueryError unless the expression only computes with values of its own row."""
    for node in condition.walk():
        if isinstance(node, FORBIDDEN):
            raise InvalidQueryError(
                f"The filter {shown!r:.200} holds {type(node).__name__.lower()}, which a filter cannot.",
                hint=_FILTER_HINT,
            )
        if isinstance(node, exp.Func) and type(node).__name__ not in SAFE_TYPES:
            raise InvalidQueryError(
                f"The filter {shown!r:.200} calls {node.sql_name()}, which it may not.", hint=_FILTER_HINT
            )
        if isinstance(node, exp.DataType) and getattr(node.this, "name", "") not in SAFE_DATA_TYPES:
            raise InvalidQueryError(
                f"The filter {shown!r:.200} casts to the unknown type {node.sql()!r}.", hint=_FILTER_HINT
            )
        if isinstance(node, exp.Anonymous) and node.name.lower() not in SAFE_FUNCTIONS:
            raise InvalidQueryError(
                f"The filter {shown!r:.200} calls the unknown function {node.name!r}.", hint=_FILTER_HINT
            )


def fill_placeholders(predicate: Predicate, value: Callable[[Item | MetricRef], exp.Expr]) -> exp.Expr:
    """The condition with each reference replaced by `value(ref)`."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name.startswith(PLACEHOLDER):
            new = value(predicate.refs[int(node.name[len(PLACEHOLDER) :])])
            return new if isinstance(new, (exp.Column, exp.Func)) else exp.paren(new, copy=False)
        return node

    return predicate.condition.copy().transform(swap, copy=False)


def names_of(refs: Collection[Item]) -> str:
    return ", ".join(sorted(i.name for i in refs))
