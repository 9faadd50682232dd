"""The contributing entities of a group: the probe by which the caller reviews groups before they are shown.

The minimum size of a group is part of the SQL (`aggregate.threshold_condition`). What that threshold cannot
see is what groups disclose together: a total less the groups beside it, or one answer less another. For that
the compiler adds, to each aggregation under a threshold, a probe of the same rows. It counts, for the finest
groups that the query distinguishes, the contributing entities, with a linear sketch of their rows. Whoever
reviews the sketches names groups to suppress, and the query is compiled again without them.

    >>> from semantic import MinimumGroup, Restriction
    >>> sales = [("2024-01-30", "p1", 10, "c1"), ("2024-01-31", "p2", 20, "c2"), ("2024-02-01", "p3", 5)]
    >>> pairs = Restriction(minimum_group=MinimumGroup(2))
    >>> answer("net_sales", "product__department", sales=sales, under=pairs)
    GROCERY 30
    >>> probe("net_sales", "product__department", sales=sales, under=pairs)
    ["DRUG","true"] 1
    ["GROCERY","true"] 2
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..ast.bind import bind, ident
from ..ast.constructors import cast, coalesce
from ..definitions.restriction import MinimumGroup
from ..query.predicates import Predicate
from ..query.request import GroupByItem
from ..query.resolved import MetricInput, ResolvedQuery
from .fact_scan import FactScan
from .nodes import Column, Plan, ProbeRows, Select, Union
from .to_sql import to_sql

BUCKETS = 128
"""Numbers in a sketch. Groups that differ in the rows of k entities differ in at most k of them."""

ENTITY, WEIGHT, MATCHED = "entity__key", "entity__rows", "entity__matched"
BUCKET, ENTITIES, SUM = "bucket", "entities", "weight"
AMOUNT, LARGEST, TOTAL = "amount__", "largest", "total"
_WRAP = 2**64


@dataclass(frozen=True)
class GroupProbe:
    """SQL that answers one row per finest group: `cell` and `shown` (JSON lists), `entities`, `sketch`.

    `cell` holds the keys of the query, every attribute of the entity that it filters or computes by, and last
    whether the filters match; `shown` the keys of the answer's group that it belongs to, NULL where the
    filters leave it out. `sketch` lists {bucket, weight}: sums of row hashes modulo 2**64, so sketches of
    disjoint groups add up. Entities that are NULL are not counted. `largest` and `total` are lists, one place
    for each sum that the query shows: what the largest entity contributes, and all together.
    """

    name: str
    sql: str
    model: str
    dimensions: int


@dataclass(frozen=True)
class Cells:
    """The finest groups that a query distinguishes. `by_entity`: its filters by attributes of the entity."""

    keys: tuple[Column, ...]
    names: tuple[str, ...]
    matched: exp.Expr
    by_entity: tuple[Predicate, ...]


def cells(
    scan: FactScan,
    shown_keys: tuple[Column, ...],
    query: ResolvedQuery,
    metric_input: MetricInput,
    minimum_group: MinimumGroup,
) -> Cells:
    """The cells behind the shown keys: finer by every attribute that is filtered or computed by."""
    about = [
        p
        for p in (*metric_input.filters, *query.filters)
        if any(_is_about(scan, i, minimum_group) for i in p.items())
    ]
    computed = [i for i in query.items if i.kind == "computed" and _touches(scan, i, minimum_group)]
    finer = {i.name: i for p in (*about, *(c.expression for c in computed)) for i in p.items()}
    own = {k.name for k in shown_keys} - {c.name for c in computed}
    added = tuple(Column(n, scan.column(i)) for n, i in finer.items() if n not in own)
    by_entity = [scan.condition(p) for p in about]
    matched = exp.func("COALESCE", exp.and_(*by_entity) if by_entity else exp.true(), exp.false())
    keys = tuple({c.name: c for c in (*shown_keys, *added)}.values())
    names = tuple(k.name for k in keys if k.name not in {c.name for c in computed})
    return Cells(keys, names, matched, tuple(about))


def probe_rows(
    scan: FactScan,
    select: Select,
    query: ResolvedQuery,
    metric_input: MetricInput,
    minimum_group: MinimumGroup,
) -> ProbeRows:
    """The probe of one aggregation: its rows, before filters by attributes of the entity."""
    shown_keys = tuple(k for k in select.keys if k.name in {i.name for i in query.items})
    finest = cells(scan, shown_keys, query, metric_input, minimum_group)
    dropped = [scan.condition(p) for p in finest.by_entity]
    conditions = [w for w in select.where if w not in dropped]
    key = entity_key(scan, minimum_group)
    keys = (*finest.keys, Column(MATCHED, finest.matched), Column(ENTITY, key))
    amounts = _amounts_by_entity(select)
    values = (Column(WEIGHT, exp.Sum(this=row_hash(scan))), *amounts)
    where = (*conditions, is_not_null(key))
    body = Select(select.source, keys, values, tuple(scan.joins), where, grouped=True, eager=False)
    answer_keys = tuple(k.name for k in shown_keys)
    return ProbeRows(body, finest.names, answer_keys, scan.model.name, amounts=len(amounts))


def suppressed_condition(
    select: Select, query: ResolvedQuery, probe: ProbeRows, minimum_group: MinimumGroup
) -> tuple[exp.Expr, ...]:
    """The HAVING that leaves out what the caller suppresses."""
    texts = sorted(text for name, text in minimum_group.suppressed if name == probe.name)
    if not texts:
        return ()
    keys = [k.expr for k in select.keys if k.name in probe.answer_keys]
    listed = exp.In(this=_json(keys), expressions=[exp.Literal.string(t) for t in texts])
    return (exp.not_(listed),)


def probe_sql(probe: ProbeRows, ctes: Iterable[tuple[str, Select | Union]]) -> GroupProbe:
    """The probe as SQL, with whatever named subqueries its rows refer to."""
    rows = exp.Var(this=to_sql(Plan(probe.rows, (*ctes, *probe.ctes)), "duckdb"))
    source = exp.Subquery(this=rows, alias=exp.TableAlias(this=ident("probe_rows")))
    if not probe.by_bucket:
        source = _by_bucket(source, probe).subquery("by_bucket", copy=False)
    cell = _json([exp.column(ident(n)) for n in probe.cell] + [exp.column(ident(MATCHED))])
    answer_key = exp.Case().when(
        exp.column(ident(MATCHED)), _json([exp.column(ident(n)) for n in probe.answer_keys])
    )
    pair = exp.Anonymous(this="struct_pack", expressions=[
        exp.PropertyEQ(this=exp.to_identifier(n), expression=exp.column(n)) for n in (BUCKET, SUM)
    ])  # fmt: skip
    outer = exp.select(
        exp.alias_(cell, "cell"),
        exp.alias_(answer_key, "shown"),
        exp.alias_(cast(exp.Sum(this=exp.column(ENTITIES)), exp.DType.BIGINT), ENTITIES),
        exp.alias_(exp.Anonymous(this="list", expressions=[pair]), "sketch"),
        *(
            exp.alias_(exp.Anonymous(this="list_value", expressions=parts), name)
            for name, parts in _amounts(probe).items()
        ),
        copy=False,
    ).from_(source, copy=False)
    outer.set("group", _group_by(2))
    return GroupProbe(probe.name, outer.sql("duckdb"), probe.model, len(probe.cell))


def _by_bucket(by_entity: exp.Subquery, probe: ProbeRows) -> exp.Select:
    """Entities counted, and their rows weighed, by cell and bucket."""
    names = [*dict.fromkeys((*probe.cell, *probe.answer_keys)), MATCHED]
    select = exp.select(
        *[exp.column(ident(n)) for n in names],
        exp.alias_(bucket(exp.column(ident(ENTITY))), BUCKET),
        exp.alias_(exp.Count(this=exp.Star()), ENTITIES),
        exp.alias_(wrapped(exp.Sum(this=exp.column(ident(WEIGHT)))), SUM),
        *(
            exp.alias_(part, f"{name}{n}")
            for name, parts in _entities(probe).items()
            for n, part in enumerate(parts)
        ),
        copy=False,
    ).from_(by_entity, copy=False)
    select.set("group", _group_by(len(names) + 1))
    return select


def _entities(probe: ProbeRows) -> dict[str, list[exp.Expr]]:
    """Of each amount, the largest entity's and the sum, over entities."""
    columns = [exp.column(ident(f"{AMOUNT}{n}")) for n in range(probe.amounts)]
    return {
        LARGEST: [exp.Max(this=column) for column in columns],
        TOTAL: [exp.Sum(this=column.copy()) for column in columns],
    }


def _amounts(probe: ProbeRows) -> dict[str, list[exp.Expr]]:
    """The same over buckets, to be listed; nothing if the probe holds no amount."""
    if not probe.amounts:
        return {}
    places = range(probe.amounts)
    return {
        LARGEST: [exp.Max(this=exp.column(ident(f"{LARGEST}{n}"))) for n in places],
        TOTAL: [exp.Sum(this=exp.column(ident(f"{TOTAL}{n}"))) for n in places],
    }


def _group_by(columns: int) -> exp.Group:
    """The first so many columns, by their number."""
    return exp.Group(expressions=[exp.Literal.number(n + 1) for n in range(columns)])


def _is_about(scan: FactScan, item: GroupByItem, minimum_group: MinimumGroup) -> bool:
    """Whether an item tells something about the entity that is counted."""
    if scan.is_time(item) or item.is_metric_time:
        return False
    resolved = scan.builder.resolver.find(scan.model, item, scan.builder.restriction)
    return (
        any(step.entity == minimum_group.entity for step in resolved.steps)
        or resolved.definition.name == minimum_group.entity
    )


def _touches(scan: FactScan, item: GroupByItem, minimum_group: MinimumGroup) -> bool:
    return any(_is_about(scan, i, minimum_group) for i in item.expression.items())


def entity_key(scan: FactScan, minimum_group: MinimumGroup) -> exp.Expr:
    """The entity behind each row."""
    return bind(scan.model.entities[minimum_group.entity].expr, scan.alias)


def is_not_null(key: exp.Expr) -> exp.Expr:
    return exp.not_(key.copy().is_(exp.null()))


def _amounts_by_entity(select: Select) -> tuple[Column, ...]:
    """What one entity contributes to each sum or average that the query shows, whatever its sign."""
    displayed = [v.expr.this for v in select.values if isinstance(v.expr, exp.Sum | exp.Avg)]
    amounts = dict.fromkeys(value for value in displayed if not isinstance(value, exp.Literal))
    return tuple(
        Column(f"{AMOUNT}{n}", coalesce(_as_double(exp.Sum(this=value.copy())), exp.Literal.number(0)))
        for n, value in enumerate(amounts)
    )


def _as_double(total: exp.Expr) -> exp.Expr:
    return cast(exp.Abs(this=total), exp.DType.DOUBLE)


def bucket(key: exp.Expr) -> exp.Expr:
    """Which number of a sketch an entity adds to."""
    return _modulo(_hash(key), BUCKETS)


def row_hash(scan: FactScan) -> exp.Expr:
    """A number that tells rows of the fact apart, small enough to add up without overflow."""
    primary = scan.model.entities.get(scan.model.primary or "")
    identity = bind(primary.expr, scan.alias) if primary is not None else exp.column(ident(scan.alias))
    return _modulo(_hash(identity), 2**40)


def _hash(value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="hash", expressions=[value])


def _modulo(value: exp.Expr, by: int) -> exp.Expr:
    return exp.Mod(this=value, expression=exp.Literal.number(by))


def wrapped(total: exp.Expr) -> exp.Expr:
    return cast(_modulo(total, _WRAP), exp.DType.UBIGINT)


def _json(values: Sequence[exp.Expr]) -> exp.Expr:
    """A JSON list of the values as text: unambiguous, and NULL stays NULL."""
    texts = [cast(v.copy(), exp.DType.TEXT) for v in values]
    listed = exp.Anonymous(this="list_value", expressions=texts)
    return cast(exp.Anonymous(this="to_json", expressions=[listed]), exp.DType.TEXT)
