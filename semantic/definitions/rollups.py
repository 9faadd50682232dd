"""Rollups: tables of a fact aggregated already, declared in the `meta` of the dbt model that builds them.

    config: {meta: {steelyard: {rollup: {
      of: sales_lines,                                       # the semantic model that it sums up
      keeps: {metric_time__day: date_day, location: location_id, product__department: department},
      measures: {net_sales: sum, line_count: {agg: count, expr: sales_line_id}}}}}}

`keeps` maps names as a query writes them to the rollup's columns, `measures` its other columns to the
aggregate that they hold of the semantic model's table. Grain: one row per combination of what it keeps, NULLs
included. A measure is told by its SQL, not by its name: where a definition changes and the rollup does not,
they no longer match and the fact answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import RollupError
from ..suggest import near
from .aggregations import DECOMPOSABLE
from .catalog import Rollup, RollupMeasure

STORED = ("table", "incremental")
KEYS = ("of", "keeps", "measures")
INSTEAD = {
    "average": "Keep a sum and a count of the same expression: averages are made of both.",
    "count_distinct": "Distinct values cannot be added up; keep the column itself among `keeps`.",
}


def load_rollups(path: str | Path) -> tuple[Rollup, ...]:
    """The rollups declared in dbt's `manifest.json`; none if there is no such file.

    Raises RollupError naming the model whose declaration cannot be read.
    """
    return rollups_of(dbt_nodes(path))


def dbt_nodes(path: str | Path) -> tuple[Mapping[str, Any], ...]:
    """The models and tests of dbt's `manifest.json`; none if there is no such file. Raises RollupError."""
    try:
        text = Path(path).read_text()
    except FileNotFoundError:
        return ()
    try:
        return tuple(json.loads(text)["nodes"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RollupError(f"The manifest {path} cannot be read: {error}.") from error


def rollups_of(nodes: Iterable[Mapping[str, Any]]) -> tuple[Rollup, ...]:
    """The rollups that models declare themselves to be. Raises RollupError naming the model at fault."""
    return tuple(rollup for node in nodes if (rollup := _declared(node)) is not None)


def _declared(node: Mapping[str, Any]) -> Rollup | None:
    """The rollup that a model declares itself to be, or None."""
    config = node.get("config") or {}
    own = (config.get("meta") or {}).get("steelyard")
    if node.get("resource_type") != "model" or not isinstance(own, Mapping) or "rollup" not in own:
        return None
    name, relation = str(node["name"]), node.get("relation_name")
    if config.get("materialized") not in STORED or not relation:
        raise RollupError(f"The rollup {name} is no table.", hint=f"Materialise it as {' or '.join(STORED)}.")
    rollup = read_rollup(name, str(relation), own["rollup"])
    complete = (config.get("contract") or {}).get("enforced")  # otherwise some columns may be told of only
    columns = {str(c).lower() for c in node.get("columns") or ()} if complete else set()
    for column in (*dict(rollup.keeps).values(), *(m.column for m in rollup.measures)):
        if columns and column.lower() not in columns:
            raise RollupError(f"The rollup {name} has no column {column}.", hint=near(column, columns))
    return rollup


def read_rollup(name: str, relation: str, raw: Any) -> Rollup:
    """A rollup from its declaration. Raises RollupError where that is malformed or adds nothing up."""
    if not isinstance(raw, Mapping) or not all(isinstance(raw.get(k), (str, Mapping)) for k in KEYS):
        raise RollupError(f"The rollup {name} must say `of`, `keeps` and `measures`.")
    if unknown := sorted(set(raw) - set(KEYS)):
        raise RollupError(f"The rollup {name} says {unknown[0]}.", hint=near(str(unknown[0]), KEYS))
    keeps, measures = raw["keeps"], raw["measures"]
    if not isinstance(keeps, Mapping) or not isinstance(measures, Mapping) or not keeps:
        raise RollupError(f"The rollup {name} must map what it keeps, and its measures, to columns.")
    return Rollup(
        name=name,
        relation=relation,
        of=str(raw["of"]),
        keeps=tuple((str(item), str(column)) for item, column in keeps.items()),
        measures=tuple(_measure(name, str(column), how) for column, how in measures.items()),
    )


def _measure(rollup: str, column: str, how: Any) -> RollupMeasure:
    declared = {"agg": how} if isinstance(how, str) else how
    if not isinstance(declared, Mapping) or not isinstance(declared.get("agg"), str):
        raise RollupError(
            f"The rollup {rollup}: {column} says no aggregation.", hint="Write for instance sum."
        )
    agg = declared["agg"].lower()
    if agg not in DECOMPOSABLE:
        raise RollupError(
            f"The rollup {rollup}: {column} is a {agg}, which cannot be aggregated again.",
            hint=INSTEAD.get(agg, f"One of {', '.join(DECOMPOSABLE)} can."),
        )
    return RollupMeasure(column, agg, str(declared.get("expr") or column))
