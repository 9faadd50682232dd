"""Snapshots without gaps: what a semantic model may declare so that closing balances are found by their day.

    config: {meta: {steelyard: {unbroken: true}}}

Every holding (combination of the model's foreign entities) that has a row has one on every later day of the
table. Then the last day of a period is the last day of each holding in it, and looking for the last days of
all holdings one by one is needless. A release is built only where this holds.
"""

from __future__ import annotations

from .ask import Ask, Use
from .catalog import Catalog, Model
from .errors import ManifestError
from .expressions import bind, named_table
from .predicates import Predicate
from .query import Item
from .rows import Context, is_time_item
from .sqlexpr import trunc


def is_unbroken(model: Model) -> bool:
    """Whether a model declares that its holdings have no gaps and run to the end."""
    own = model.meta.get("steelyard")
    return isinstance(own, dict) and own.get("unbroken") is True


def in_step(context: Context, ask: Ask, use: Use) -> bool:
    """Whether all holdings that a use reads have their last row of a period on the same day.

    That is so where the model is unbroken and nothing tells apart the rows of one holding: every filter and
    row rule speaks of time, or of the holding.
    """
    measure = use.leaf.measure
    model, how = context.catalog.models[measure.model], measure.non_additive
    if not is_unbroken(model) or how is None or how.choice != "max" or how.dimension != measure.agg_time:
        return False
    holding = {e.name for e in model.entities.values() if e.kind == "foreign"}
    rules = {r.entity for r in context.restriction.rows} & set(model.entities)
    if not {*how.groupings, *rules} <= holding:
        return False

    def of_the_holding(predicate: Predicate) -> bool:
        return all(
            isinstance(r, Item) and (is_time_item(r, model, measure.agg_time) or _by_key(context, model, r))
            for r in predicate.refs
        )

    return all(map(of_the_holding, (*use.filters, *ask.filters)))


def _by_key(context: Context, model: Model, item: Item) -> bool:
    """Whether an item is a foreign key of the model, or a dimension that a foreign key determines."""
    if item.kind == "computed":
        return False
    found = context.resolver.find(model, item, context.restriction)
    if not found.hops:
        return getattr(found.definition, "kind", "") == "foreign"
    timeless = all(context.catalog.models[h.model].validity() is None for h in found.hops)
    partitioned = any(d.is_partition for d in model.dimensions.values())
    return timeless and not partitioned and model.entities[found.hops[0].entity].kind == "foreign"


def broken_sql(model: Model) -> str:
    """SQL that counts the holdings of a model with a gap after their first day, or an early end."""
    dimension = model.dimensions.get(model.agg_time or "")
    if dimension is None:
        raise ManifestError(f"{model.name} declares itself unbroken and has no time of aggregation.")
    day = trunc(bind(dimension.expr, "facts"), dimension.grain or "day").sql("duckdb")
    keys = [bind(e.expr, "facts").sql("duckdb") for e in model.entities.values() if e.kind == "foreign"]
    table = named_table(model.relation).sql("duckdb")
    return (
        f"WITH days AS (SELECT DISTINCT {day} AS day FROM {table} AS facts), "
        "left_days AS (SELECT day, ROW_NUMBER() OVER (ORDER BY day DESC) AS n FROM days), "
        f"holdings AS (SELECT {', '.join(keys)}, MIN({day}) AS first_day, COUNT(DISTINCT {day}) AS n "
        f"FROM {table} AS facts GROUP BY {', '.join(keys)}) "
        "SELECT COUNT(*) FROM holdings JOIN left_days ON first_day = day WHERE holdings.n <> left_days.n"
    )


def unbroken_models(catalog: Catalog) -> list[Model]:
    """The models that declare it."""
    return [m for m in catalog.models.values() if is_unbroken(m)]
