"""Names in semantic SQL: dimensions, time truncations and measures, as the governed query calls them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..ast.grains import CALENDAR_UNITS, RANK, divides
from ..errors import InvalidQueryError, UnsupportedError
from ..query.request import METRIC_TIME
from .computed import check_computed

TABLE = "metrics"
ANSWER = "answer"
DATE_PARTS_OF_PERIODS = frozenset({"year", "quarter", "month", "hour", "minute", "second"})
"""Parts of a time that are the same all through a period of their name."""
_DATE = exp.DataType.Type.DATE
_TIMES = frozenset({_DATE} | {exp.DataType.Type[name] for name in ("TIMESTAMP", "TIMESTAMPNTZ", "DATETIME")})


@dataclass
class Reading:
    """What the core query needs: collected while its expressions are read."""

    metrics: dict[str, None] = field(default_factory=dict)
    items: dict[str, None] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    table_names: frozenset[str] = frozenset({TABLE})
    compared_by: str = "day"
    """The grain of a bare metric_time that is compared: the finest that the metrics know, if any."""

    def key(self, node: exp.Expr) -> str:
        """The key column that an expression without measures is grouped by, "" for a constant."""
        inner = self.over_names(node)
        if isinstance(inner, exp.Column):
            self.items[inner.name] = None
            return inner.name
        text = inner.sql("duckdb")
        if inner.find(exp.AggFunc):
            raise UnsupportedError(
                f"{text[:80]} aggregates, and metrics do so themselves.",
                hint="Write MEASURE(metric); count rows around it: SELECT COUNT(*) FROM (SELECT …) AS q.",
            )
        if not list(inner.find_all(exp.Column)):
            return ""
        check_computed(inner, text)
        return self.computed.setdefault(text, f"computed_{len(self.computed) + 1}")

    def answered(self, node: exp.Expr) -> exp.Expr | None:
        """An expression without measures over the answer's columns, None for a constant.

        What tells periods apart as their plain name does (a cast to a date, a step of time) is computed on
        the answer, so that the governed query asks for the period itself.
        """
        inner = self.over_names(node)
        period = one_to_one(inner)
        if period is not None:
            self.items[period.name] = None
            check_computed(inner, inner.sql("duckdb")[:80])
            return inner.transform(_of_answer, copy=False)
        key = self.key(node)
        return exp.column(key, table=ANSWER, quoted=True) if key else None

    def over_names(self, node: exp.Expr) -> exp.Expr:
        """The expression with time truncations and columns as dunder names."""
        return node.copy().transform(self._name, copy=False)

    def _name(self, node: exp.Expr) -> exp.Expr:
        grain = grain_of(node)
        if grain is not None:
            time = self._time(node.this, grain)
            return node if time is None else time
        part, inside = part_of(node)
        if part in DATE_PARTS_OF_PERIODS and inside is not None:
            time = self._time(inside, part)
            return node if time is None else exp.Extract(this=exp.var(part.upper()), expression=time)
        if isinstance(node, exp.Column):
            name = self._column_name(node)
            if name == METRIC_TIME:
                is_compared = node.find_ancestor(exp.Predicate) is not None
                name = f"{METRIC_TIME}__{self.compared_by if is_compared else 'day'}"
            return exp.column(name, quoted=True)
        return node

    def _time(self, node: exp.Expr, grain: str) -> exp.Column | None:
        """The period of `grain` of a time, whatever finer periods and casts it is read through."""
        while _is_wrapped(node, grain):
            node = node.this
        if not isinstance(node, exp.Column):
            return None
        name = self._column_name(node)
        base, _, last = name.rpartition("__")
        if last in RANK:
            if not divides(last, grain):
                return None
            name = base
        return exp.column(f"{name}__{grain}", quoted=True)

    def _column_name(self, node: exp.Column) -> str:
        if node.table and node.table.lower() not in self.table_names:
            raise InvalidQueryError(f"{node.sql()[:80]} is no column of metrics.")
        name = node.name.lower()
        return name


def grain_of(node: exp.Expr) -> str | None:
    if isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
        unit = str(node.text("unit") or node.args["unit"].name).strip("'").lower()
        if unit not in RANK:
            raise InvalidQueryError(
                f"DATE_TRUNC by {unit[:40]} is not understood.", hint="Use day, week, month …"
            )
        return unit
    return None


def _is_wrapped(node: exp.Expr, grain: str) -> bool:
    """Whether a node leaves the time inside it in its period of `grain`."""
    finer = grain_of(node)
    if finer is not None:
        return divides(finer, grain)
    return isinstance(node, exp.Paren) or (isinstance(node, exp.Cast) and _keeps(node, grain))


def _keeps(cast: exp.Cast, grain: str) -> bool:
    """Whether a cast leaves each time in its period of `grain`."""
    to = cast.to.this
    return to in _TIMES and (to != _DATE or RANK[grain] >= RANK["day"])


def one_to_one(node: exp.Expr) -> exp.Column | None:
    """The period that an expression only writes otherwise: two different periods give two different values.

    Casts to a date or time, and steps of a constant length. None for any other expression.
    """
    match node:
        case exp.Column():
            return node if node.name.rpartition("__")[2] in RANK else None
        case exp.Paren():
            return one_to_one(node.this)
        case exp.Cast():
            period = one_to_one(node.this)
            return period if period is not None and _keeps(node, _grain(period)) else None
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            period, step = one_to_one(node.this), node.expression
            constant = isinstance(step.this, (exp.Literal, exp.Neg)) and step.this.find(exp.Column) is None
            fixed = period is not None and (
                step.text("unit").lower().removesuffix("s") not in CALENDAR_UNITS
                or _grain(period) in CALENDAR_UNITS
            )
            return period if constant and fixed else None
    return None


def _grain(period: exp.Column) -> str:
    return period.name.rpartition("__")[2]


def _of_answer(node: exp.Expr) -> exp.Expr:
    return exp.column(node.name, table=ANSWER, quoted=True) if isinstance(node, exp.Column) else node


def part_of(node: exp.Expr) -> tuple[str, exp.Expr | None]:
    """The part of a date that a function gives, and the date: ("", None) for any other expression."""
    match node:
        case exp.Extract():
            return node.name.lower(), node.expression
        case exp.Year() | exp.Quarter() | exp.Month() | exp.Hour() | exp.Minute() | exp.Second():
            return type(node).__name__.lower(), node.this
        case exp.Anonymous() if node.name.lower() in ("date_part", "datepart") and len(node.expressions) == 2:
            return node.expressions[0].name.lower(), node.expressions[1]
    return "", None


def is_measure(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == "MEASURE"


def measures(node: exp.Expr) -> list[exp.Expr]:
    return [n for n in node.walk() if is_measure(n)]


def measure_name(node: exp.Expr) -> str:
    args = node.expressions
    if len(args) != 1 or not isinstance(args[0], exp.Column):
        raise InvalidQueryError("MEASURE takes the name of one metric.", hint="Write MEASURE(net_sales).")
    return args[0].name.lower()
