"""Snapshots that know the next one: what a semantic model may declare so that closing balances are cheap.

    config: {meta: {steelyard: {next_count: {day: next_count_day, of: [location, product]}}}}

The dimension `day` holds, on each row, when the same series (combination of the entities `of`) was counted
next; NULL on its last row. A row is then the last of its series in a period where the next one is of another
period, or filtered away: no other row is looked at, and a rollup that keeps the dimension answers, too. A
release is built only where this holds, with one row a series and day.

The second row says that it is the last of its series, and a third follows:

    >>> from dataclasses import replace
    >>> stock = replace(catalog.models["fct_stock"], relation="counts")
    >>> declared = NextSnapshot(Dimension("later", "later", "day"), frozenset({"product"}))
    >>> values = "('2024-01-30', 'p1', '2024-01-31'), ('2024-01-31', 'p1', NULL), ('2024-02-28', 'p1', NULL)"
    >>> _ = tables.execute("CREATE TABLE counts (date_day DATE, product_id VARCHAR, later DATE)")
    >>> _ = tables.execute(f"INSERT INTO counts VALUES {values}")
    >>> show("SELECT * FROM counts")
    2024-01-30 p1 2024-01-31
    2024-01-31 p1 None
    2024-02-28 p1 None
    >>> show(wrong_snapshots_sql(stock, declared))
    1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..ast.bind import bind, named_table
from ..ast.constructors import extract, trunc
from ..ast.grains import RANK
from ..definitions.catalog import Catalog, Dimension, Model
from ..errors import ManifestError
from ..query.predicates import Predicate, is_reference
from ..query.request import GroupByItem
from ..query.resolved import MetricInput, ResolvedQuery, time_only
from .fact_scan import FactScan

CONSTANT = (exp.Literal, exp.Cast, exp.DataType, exp.Paren)
PARTS = {"month": ("month", "year"), "quarter": ("quarter", "year"), "year": ("year",)}
"""Parts of a date that are equal within a period of a grain, and of which one differs between two periods."""
COMPARISON = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ)


@dataclass(frozen=True)
class NextSnapshot:
    """What a model declares: the dimension that tells the next snapshot of a series, and what a series is."""

    day: Dimension
    of: frozenset[str]


def next_snapshot(model: Model) -> NextSnapshot | None:
    """What a model declares, None where it declares nothing. Raises ManifestError naming what is wrong."""
    own = model.meta.get("steelyard")
    match own.get("next_count") if isinstance(own, dict) else None:
        case None:
            return None
        case {"day": str(day), "of": [*of], **other} if (
            not other and day in model.dimensions and of and all(name in model.entities for name in of)
        ):
            return NextSnapshot(model.dimensions[day], frozenset(of))
        case declared:
            raise ManifestError(
                f"{model.name} declares next_count: {declared!r:.200}.",
                hint="Write {day: <a dimension of the model>, of: [<entities of the model>]}.",
            )


def is_last_snapshot(
    query: ResolvedQuery, metric_input: MetricInput, scan: FactScan, periods: Sequence[GroupByItem]
) -> list[exp.Expr] | None:
    """Conditions that leave, of rows that the filters leave, the last of each series and period.

    None where the model does not declare it, or where a series' days that are left of a period may not
    follow each other: then a next count that is filtered away does not end them. They follow each other where
    every filter and row rule speaks of the series alone, or compares time with constants.
    """
    measure, model = metric_input.simple.measure, scan.model
    declared, how = next_snapshot(model), measure.non_additive
    if declared is None or how is None or how.choice != "max":
        return None
    if not how.dimension == measure.agg_time == model.agg_time:  # the time that the next count is told by
        return None
    rules = {r.entity for r in scan.builder.restriction.rows} & set(model.entities)
    if set(how.groupings) != declared.of or not rules <= declared.of or not all(map(_is_grain, periods)):
        return None
    filters = (*metric_input.filters, *query.filters)
    of_time = [p for p in filters if time_only(p, scan.is_time)]
    if not all(p in of_time or _of_the_series(scan, declared.of, p) for p in filters):
        return None
    if not all(all(map(_is_grain, p.refs)) and _is_span(p.condition) for p in of_time):
        return None

    day = bind(declared.day.expr, scan.alias)
    later = FactScan(scan.builder, model, measure.agg_time, day)
    ends: list[exp.Expr] = [day.copy().is_(exp.null())]
    ends += [part for item in periods for part in _differs(later, scan, item)]
    left = [later.condition(predicate) for predicate in of_time]
    if query.time_range is not None:
        left += query.time_range.conditions(later.time())
    ends += [exp.not_(exp.paren(condition, copy=False), copy=False) for condition in left]
    return [scan.own_time().is_(exp.null()).not_(), exp.paren(exp.or_(*ends, copy=False), copy=False)]


def _differs(later: FactScan, scan: FactScan, item: GroupByItem) -> list[exp.Expr]:
    """Conditions one of which holds where the next count is of another period than the row.

    Calendar parts are looked up faster than a period is cut off.
    """
    here, there = scan.column(item), later.column(item)
    if item.grain in PARTS and isinstance(here, exp.TimestampTrunc):
        sides = [(extract(there.this, part), extract(here.this, part)) for part in PARTS[item.grain]]
    else:
        sides = [(there, here)]
    return [exp.NEQ(this=a, expression=b) for a, b in sides]


def _is_grain(item: object) -> bool:
    """Whether equal values of a time item are days in a row, in their order."""
    return isinstance(item, GroupByItem) and item.part is None and item.grain in RANK


def _is_span(condition: exp.Expr) -> bool:
    """Whether a condition on time alone compares it with constants so that days in a row are left."""
    match condition:
        case exp.And() | exp.Paren():
            return all(_is_span(part) for part in condition.iter_expressions())
        case exp.Between():
            bounds = condition.args["low"], condition.args["high"]
            return is_reference(condition.this) and all(map(_is_constant, bounds))
        case exp.Binary() if isinstance(condition, COMPARISON):
            sides = condition.this, condition.expression
            return any(map(is_reference, sides)) and any(map(_is_constant, sides))
    return False


def _is_constant(node: exp.Expr) -> bool:
    return all(isinstance(part, CONSTANT) for part in node.walk())


def _of_the_series(scan: FactScan, series_key: frozenset[str], predicate: Predicate) -> bool:
    """Whether all rows of a series meet a condition alike: its keys, or what they determine, decide it."""
    builder, model = scan.builder, scan.model

    def is_of_series(item: object) -> bool:
        if not isinstance(item, GroupByItem) or item.kind == "computed" or scan.is_time(item):
            return False
        resolved = builder.resolver.find(model, item, builder.restriction)
        if not resolved.steps:
            return item.element in series_key and item.element in model.entities
        timeless = all(builder.catalog.models[h.model].validity() is None for h in resolved.steps)
        partitioned = any(d.is_partition for d in model.dimensions.values())
        return timeless and not partitioned and resolved.steps[0].entity in series_key

    return all(map(is_of_series, predicate.refs))


def wrong_snapshots_sql(model: Model, declared: NextSnapshot) -> str:
    """SQL that counts the rows of a model whose next count is not the next row of their series."""
    dimension = model.dimensions.get(model.agg_time or "")
    if dimension is None:
        raise ManifestError(f"{model.name} declares next_count and has no time of aggregation.")
    grain = dimension.grain or "day"
    day, later = (trunc(bind(d.expr, "facts"), grain).sql("duckdb") for d in (dimension, declared.day))
    keys = ", ".join(bind(model.entities[e].expr, "facts").sql("duckdb") for e in sorted(declared.of))
    table = named_table(model.relation).sql("duckdb")
    return (
        f"SELECT COUNT(*) FROM (SELECT {later} AS declared, "
        f"LEAD({day}) OVER (PARTITION BY {keys} ORDER BY {day}) AS actual "
        f"FROM {table} AS facts WHERE {day} IS NOT NULL) AS counts WHERE declared IS DISTINCT FROM actual"
    )


def declared_next_snapshots(catalog: Catalog) -> Iterable[tuple[Model, NextSnapshot]]:
    """The models that declare it."""
    for model in catalog.models.values():
        if (declared := next_snapshot(model)) is not None:
            yield model, declared
