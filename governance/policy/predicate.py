"""Row conditions with two truth values, and how they are written for DuckDB and for the ops store.

SQL has three truth values, policy has two. Every test of a column is therefore paired with `NotNull` by the
adapter that builds these trees, and negation is safe: a NULL never turns into permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from semantic.sql.quoting import literal

Scalar: TypeAlias = str | int | bool


@dataclass(frozen=True)
class Fixed:
    """True or false whatever the row."""

    value: bool


@dataclass(frozen=True)
class NotNull:
    """The column is not NULL."""

    column: str


@dataclass(frozen=True)
class OneOf:
    """The column is one of the values. Only used beside `NotNull`."""

    column: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Compare:
    """A number in the column is in this order to the value. Only used beside `NotNull`."""

    column: str
    operator: str
    value: int


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Predicate


@dataclass(frozen=True)
class Every:
    """All parts hold."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class Some:
    """At least one part holds."""

    parts: tuple[Predicate, ...]


Predicate: TypeAlias = Fixed | NotNull | OneOf | Compare | Not | Every | Some

TRUE = Fixed(True)
FALSE = Fixed(False)


def every(parts: Iterable[Predicate]) -> Predicate:
    """Conjunction, flattened, without repetitions and constants."""
    return _joined(Every, parts, absorbing=FALSE, neutral=TRUE)


def some(parts: Iterable[Predicate]) -> Predicate:
    """Disjunction, flattened, without repetitions and constants."""
    return _joined(Some, parts, absorbing=TRUE, neutral=FALSE)


def negate(part: Predicate) -> Predicate:
    """The opposite, with double negations gone."""
    if isinstance(part, Fixed):
        return Fixed(not part.value)
    return part.part if isinstance(part, Not) else Not(part)


def _joined(
    kind: type[Every] | type[Some], parts: Iterable[Predicate], *, absorbing: Fixed, neutral: Fixed
) -> Predicate:
    flat: dict[Predicate, None] = {}
    for part in parts:
        for piece in part.parts if isinstance(part, Every | Some) and type(part) is kind else (part,):
            flat[piece] = None
    flat.pop(neutral, None)
    if absorbing in flat or any(negate(piece) in flat for piece in flat):
        return absorbing
    return neutral if not flat else next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def columns_of(predicate: Predicate) -> frozenset[str]:
    """Every column that the predicate reads."""
    if isinstance(predicate, NotNull | OneOf | Compare):
        return frozenset({predicate.column})
    if isinstance(predicate, Not):
        return columns_of(predicate.part)
    if isinstance(predicate, Every | Some):
        return frozenset().union(*(columns_of(part) for part in predicate.parts))
    return frozenset()


def holds(predicate: Predicate, row: Mapping[str, Scalar | None]) -> bool:  # noqa: PLR0911
    """Evaluate on one row; a column that the row lacks is NULL. For explanations and tests."""
    if isinstance(predicate, Fixed):
        return predicate.value
    if isinstance(predicate, Not):
        return not holds(predicate.part, row)
    if isinstance(predicate, Every):
        return all(holds(part, row) for part in predicate.parts)
    if isinstance(predicate, Some):
        return any(holds(part, row) for part in predicate.parts)
    value = row.get(predicate.column)
    if value is None:
        return False
    if isinstance(predicate, NotNull):
        return True
    if isinstance(predicate, OneOf):
        return value in predicate.values
    left, right = int(value), predicate.value
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        predicate.operator
    ]


def to_sql(predicate: Predicate, names: Mapping[str, str] | None = None) -> str:
    """A SQL condition that is never NULL. `names` renames columns (attribute of the policy → dimension)."""
    if isinstance(predicate, Fixed):
        return "TRUE" if predicate.value else "FALSE"
    if isinstance(predicate, Not):
        return f"NOT ({to_sql(predicate.part, names)})"
    if isinstance(predicate, Every | Some):
        glue = " AND " if isinstance(predicate, Every) else " OR "
        return glue.join(_nested(part, names) for part in predicate.parts)
    column = (names or {}).get(predicate.column, predicate.column)
    if isinstance(predicate, NotNull):
        return f"{column} IS NOT NULL"
    if isinstance(predicate, OneOf):
        return f"{column} IN ({', '.join(_literal(value) for value in predicate.values)})"
    return f"{column} {predicate.operator} {predicate.value}"


def _nested(part: Predicate, names: Mapping[str, str] | None) -> str:
    text = to_sql(part, names)
    return f"({text})" if isinstance(part, Every | Some) else text


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else literal(value)


def to_clause(  # noqa: PLR0911
    predicate: Predicate, columns: Mapping[str, ColumnElement[object]]
) -> ColumnElement[bool]:
    """The same condition for the ops store. `columns` maps attributes of the policy to columns."""
    if isinstance(predicate, Fixed):
        return true() if predicate.value else false()
    if isinstance(predicate, Not):
        return not_(to_clause(predicate.part, columns))
    if isinstance(predicate, Every):
        return and_(*(to_clause(part, columns) for part in predicate.parts))
    if isinstance(predicate, Some):
        return or_(*(to_clause(part, columns) for part in predicate.parts))
    column = columns[predicate.column]
    if isinstance(predicate, NotNull):
        return column.is_not(None)
    if isinstance(predicate, OneOf):
        return column.in_(predicate.values)
    clause: ColumnElement[bool] = column.op(predicate.operator, is_comparison=True)(predicate.value)
    return clause
