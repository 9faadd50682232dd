"""Names in semantic SQL: dimensions, time truncations and measures, as the governed query calls them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..ast.grains import RANK
from ..errors import InvalidQueryError, UnsupportedError
from ..layer import SemanticLayer
from ..query.request import METRIC_TIME
from ..query.scalar import check_scalar

TABLE = "metrics"
ANSWER = "answer"


@dataclass
class Reading:
    """What the core query needs: collected while its expressions are read."""

    layer: SemanticLayer
    metrics: dict[str, None] = field(default_factory=dict)
    items: dict[str, None] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    table_names: frozenset[str] = frozenset({TABLE})

    def key(self, node: exp.Expr) -> str:
        """The key column that an expression without measures is grouped by."""
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
        check_scalar(inner, text)
        return self.computed.setdefault(text, f"computed_{len(self.computed) + 1}")

    def over_names(self, node: exp.Expr) -> exp.Expr:
        """The expression with time truncations and columns as dunder names."""
        return node.copy().transform(self._name, copy=False)

    def _name(self, node: exp.Expr) -> exp.Expr:
        grain = grain_of(node)
        if grain is not None:
            inner = node.this
            while isinstance(inner, exp.Cast):
                inner = inner.this
            if isinstance(inner, exp.Column):
                name = self._column_name(inner)
                base = name.rsplit("__", 1)[0] if name.rsplit("__", 1)[-1] in RANK else name
                return exp.column(f"{base}__{grain}", quoted=True)
        if isinstance(node, exp.Column):
            name = self._column_name(node)
            return exp.column(f"{METRIC_TIME}__day" if name == METRIC_TIME else name, quoted=True)
        return node

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


def is_measure(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == "MEASURE"


def measures(node: exp.Expr) -> list[exp.Expr]:
    return [n for n in node.walk() if is_measure(n)]


def measure_name(node: exp.Expr) -> str:
    args = node.expressions
    if len(args) != 1 or not isinstance(args[0], exp.Column):
        raise InvalidQueryError("MEASURE takes the name of one metric.", hint="Write MEASURE(net_sales).")
    return args[0].name.lower()
