"""Who stands behind a group: the probe that lets the caller judge groups before they are shown.

A floor on the size of groups is part of the SQL (`leaf.group_guard`). What the floor cannot see is what
groups tell together: a total less the groups beside it, or one answer less another. For that the compiler
adds, to each aggregation under a floor, a probe of the same rows. It tells, for the finest groups that the
query distinguishes, how many entities are behind them and a linear sketch of their rows. Whoever judges the
sketches names groups to withhold, and the query is compiled again without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from .ask import Ask, Use
from .expressions import bind, ident
from .plan import Column, Plan, Select, Union
from .query import Item
from .render import printed as sql_of
from .restriction import SmallestGroup
from .rows import Rows
from .sqlexpr import cast

BUCKETS = 128
"""Numbers in a sketch. Groups that differ in the rows of k entities differ in at most k of them."""

ENTITY, WEIGHT, MATCHED = "entity__key", "entity__rows", "entity__matched"
_WRAP = 2**64


@dataclass(frozen=True)
class GroupProbe:
    """SQL that answers one row per finest group: `cell` and `shown` (JSON lists), `entities`, `sketch`.

    `cell` holds the keys of the query, every attribute of the entity that it filters or computes by, and last
    whether the filters match; `shown` the keys of the answer's group that it belongs to, NULL where the
    filters leave it out. `sketch` lists {bucket, weight}: sums of row hashes modulo 2**64, so sketches of
    disjoint groups add up. Entities that are NULL are not counted.
    """

    name: str
    sql: str
    model: str
    dimensions: int


@dataclass(frozen=True)
class Probed:
    """A probe before it is printed: the rows by their finest groups and entities."""

    name: str
    rows: Select
    cell: tuple[str, ...]
    shown: tuple[str, ...]
    model: str


def probed(rows: Rows, select: Select, ask: Ask, use: Use, guard: SmallestGroup) -> Probed:
    """The probe of one aggregation: its rows, before filters by attributes of the entity."""
    about = [p for p in (*use.filters, *ask.filters) if any(_is_about(rows, i, guard) for i in p.items())]
    by_entity = [rows.condition(p, trusted=True) for p in about]
    kept = [w for w in select.where if w not in by_entity]
    computed = [i for i in ask.items if i.kind == "computed" and _touches(rows, i, guard)]
    finer = {i.name: i for p in (*about, *(c.expression for c in computed)) for i in p.items()}
    shown = tuple(k for k in select.keys if k.name in {i.name for i in ask.items})
    own = tuple(k for k in shown if k.name not in {c.name for c in computed})
    added = tuple(Column(n, rows.column(i)) for n, i in finer.items() if n not in {k.name for k in own})
    key = bind(rows.model.entities[guard.entity].expr, rows.alias)
    matched = exp.and_(*by_entity) if by_entity else exp.true()
    matched = exp.func("COALESCE", matched, exp.false())
    every = {c.name: c for c in (*shown, *added)}
    keys = (*every.values(), Column(MATCHED, matched), Column(ENTITY, key))
    values = (Column(WEIGHT, exp.Sum(this=_row_hash(rows))),)
    known = exp.not_(key.copy().is_(exp.null()))
    body = Select(select.source, keys, values, tuple(rows.joins), (*kept, known), grouped=True, eager=False)
    name = hashlib.sha256(sql_of(Plan(body), "duckdb").encode()).hexdigest()[:16]
    cell = tuple(n for n in every if n not in {c.name for c in computed})
    return Probed(name, body, cell, tuple(k.name for k in shown), rows.model.name)


def withheld_condition(select: Select, ask: Ask, probe: Probed, guard: SmallestGroup) -> tuple[exp.Expr, ...]:
    """The HAVING that leaves out what the caller withholds."""
    texts = sorted(text for name, text in guard.withheld if name == probe.name)
    if not texts:
        return ()
    keys = [k.expr for k in select.keys if k.name in probe.shown]
    listed = exp.In(this=_json(keys), expressions=[exp.Literal.string(t) for t in texts])
    return (exp.not_(listed),)


def printed(probe: Probed, ctes: Iterable[tuple[str, Select | Union]]) -> GroupProbe:
    """The probe as SQL, with whatever named subqueries its rows refer to."""
    rows = exp.Var(this=sql_of(Plan(probe.rows, tuple(ctes)), "duckdb"))
    source = exp.Subquery(this=rows, alias=exp.TableAlias(this=ident("by_entity")))
    bucket = _modulo(_hash(exp.column(ident(ENTITY))), BUCKETS)
    weight = _wrapped(exp.Sum(this=exp.column(ident(WEIGHT))))
    names = dict.fromkeys((*probe.cell, *probe.shown))
    keys: list[exp.Expr] = [exp.column(ident(n)) for n in (*names, MATCHED)]
    by_bucket = exp.select(
        *[k.copy() for k in keys],
        exp.alias_(bucket, "bucket"),
        exp.alias_(exp.Count(this=exp.Star()), "entities"),
        exp.alias_(weight, "weight"),
        copy=False,
    ).from_(source, copy=False)
    by_bucket.set("group", _group_by(len(keys) + 1))
    cell = _json([exp.column(ident(n)) for n in probe.cell] + [exp.column(ident(MATCHED))])
    shown = exp.Case().when(exp.column(ident(MATCHED)), _json([exp.column(ident(n)) for n in probe.shown]))
    pair = exp.Anonymous(this="struct_pack", expressions=[
        exp.PropertyEQ(this=exp.to_identifier(n), expression=exp.column(n)) for n in ("bucket", "weight")
    ])  # fmt: skip
    outer = exp.select(
        exp.alias_(cell, "cell"),
        exp.alias_(shown, "shown"),
        exp.alias_(cast(exp.Sum(this=exp.column("entities")), exp.DType.BIGINT), "entities"),
        exp.alias_(exp.Anonymous(this="list", expressions=[pair]), "sketch"),
        copy=False,
    ).from_(by_bucket.subquery("by_bucket", copy=False), copy=False)
    outer.set("group", _group_by(2))
    return GroupProbe(probe.name, outer.sql("duckdb"), probe.model, len(probe.cell))


def _group_by(columns: int) -> exp.Group:
    """The first so many columns, by their number."""
    return exp.Group(expressions=[exp.Literal.number(n + 1) for n in range(columns)])


def _is_about(rows: Rows, item: Item, guard: SmallestGroup) -> bool:
    """Whether an item tells something about the entity that is counted."""
    if rows.is_time(item) or item.is_metric_time:
        return False
    found = rows.context.resolver.find(rows.model, item, rows.context.restriction)
    return any(hop.entity == guard.entity for hop in found.hops) or found.definition.name == guard.entity


def _touches(rows: Rows, item: Item, guard: SmallestGroup) -> bool:
    return any(_is_about(rows, i, guard) for i in item.expression.items())


def _row_hash(rows: Rows) -> exp.Expr:
    """A number that tells rows of the fact apart, small enough to add up without overflow."""
    primary = rows.model.entities.get(rows.model.primary or "")
    identity = bind(primary.expr, rows.alias) if primary is not None else exp.column(ident(rows.alias))
    return _modulo(_hash(identity), 2**40)


def _hash(value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="hash", expressions=[value])


def _modulo(value: exp.Expr, by: int) -> exp.Expr:
    return exp.Mod(this=value, expression=exp.Literal.number(by))


def _wrapped(total: exp.Expr) -> exp.Expr:
    return cast(_modulo(total, _WRAP), exp.DType.UBIGINT)


def _json(values: Sequence[exp.Expr]) -> exp.Expr:
    """A JSON list of the values as text: unambiguous, and NULL stays NULL."""
    texts = [cast(v.copy(), exp.DType.TEXT) for v in values]
    listed = exp.Anonymous(this="list_value", expressions=texts)
    return cast(exp.Anonymous(this="to_json", expressions=[listed]), exp.DType.TEXT)


__all__ = ["BUCKETS", "GroupProbe", "Probed", "printed", "probed", "withheld_condition"]
