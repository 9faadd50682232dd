"""Recommendations in the store: propose, list, find, expire. Deciding on them is `governance.approvals`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, true, type_coerce, update

from governance.approvals.lifecycle import OPEN, State
from governance.approvals.masking import MASKED, sees_money, visible_part, without_money
from governance.approvals.ordering import order_for
from governance.approvals.recommendation import NAMES, Recommendation
from governance.errors import ForbiddenError, NotFoundError
from governance.identity.principal import Principal
from governance.json_types import JsonObject
from governance.policy.authorize import recommendation_scope
from governance.store import audit
from governance.store.engine import OpsStore, Transaction
from governance.store.first_names import PresentJson
from governance.store.pages import Page
from governance.store.schema import recommendations

_FILTERS = (
    "state",
    "region",
    "department",
    "action",
    "location_id",
    "product_id",
    "policy_route",
    "category",
    "supplier_id",
    "from_location_id",
    "subject_id",
)
_RECORDED = (
    *("action", "product_id", "location_id", "quantity_units", "state", "policy_route", "release_id"),
    *("model_name", "model_version", "expected_margin", "expected_cash", "confidence"),
    *("from_location_id", "subject_id"),
)
_BATCH = 500
_JSON = ("details", "drivers")
AS_RECORD = select(
    *(
        type_coerce(recommendations.c[name], PresentJson) if name in _JSON else recommendations.c[name]
        for name in NAMES
    )
)
"""Every field, in the record's own order: rows for `records`."""


def propose_recommendations(
    store: OpsStore,
    rows: Iterable[JsonObject],
    *,
    now: dt.datetime,
    request_id: str | None = None,
    policy_ids: Sequence[str] = (),
    rules: Mapping[str, JsonObject] | None = None,
) -> list[Recommendation]:
    """Insert what is new by `recommendation_id`; returns only that, so a re-run proposes and returns nothing.

    An open recommendation for the same action and subject (product and location if it names none) is
    superseded by a newer one: it expires, with a pointer to its successor. Each change leaves an audit row.
    `state`, `created_at`, `updated_at` and `is_simulated` (false) may be left out of `rows`. `rules` says, by
    id, which rule and limits approved what nobody decides on: an audit row of its own.
    """
    wanted = {row["recommendation_id"]: _complete(row, now) for row in rows}
    with store.write() as transaction:
        existing = _existing(transaction, list(wanted))
        fresh = [record for key, record in wanted.items() if key not in existing]
        for record in fresh:
            _supersede(transaction, record, now, request_id)
        if fresh:
            transaction.conn.execute(insert(recommendations), [r.as_dict() for r in fresh])
            transaction.touch(recommendations, *(record.recommendation_id for record in fresh))
        entries = [_proposed(record, request_id, policy_ids) for record in fresh]
        approved = [record for record in fresh if record.recommendation_id in (rules or {})]
        entries += [_by_policy(one, (rules or {})[one.recommendation_id], request_id) for one in approved]
        audit.append_many(transaction, entries, now=now)
    return fresh


def records(rows: Iterable[Sequence[Any]]) -> list[Recommendation]:
    """What `AS_RECORD` selects, as records."""
    return [Recommendation(*row) for row in rows]


def list_recommendations(
    store: OpsStore,
    *,
    reader: Principal | None = None,
    cursor: str | None = None,
    limit: int = 50,
    **filters: str | Collection[str] | None,
) -> Page[Recommendation]:
    """One page of what `reader` may see, as they see it (`masking`). None is the operator and services.

    In the order of `order_for`. `filters`: state, region, department, action, location_id, product_id,
    policy_route, category, supplier_id, from_location_id, subject_id; a value or several. Raises
    ForbiddenError if a filter asks for what is masked, InvalidCursorError on another list's cursor.
    """
    shows_money = sees_money(reader)
    _check_filters(filters, reader, shows_money=shows_money)
    order = order_for(shows_money=shows_money)
    bound_to = ["recommendations", order.name, reader.reader_key if reader else (), _plain(filters)]
    query = AS_RECORD.where(_within(reader), *_conditions(filters))
    if cursor is not None:
        query = query.where(order.after(store.cursors.open(cursor, order.types, bound_to)))
    query = query.order_by(*order.by).limit(limit + 1)
    with store.read_page() as conn:
        rows = records(conn.execute(query).all())
    page = tuple(row if shows_money else without_money(row) for row in rows[:limit])
    return Page(page, store.cursors.seal(order.key(page[-1]), bound_to) if len(rows) > limit else None)


def find_recommendation(
    store: OpsStore,
    recommendation_id: str,
    *,
    reader: Principal | None = None,
) -> Recommendation:
    """One recommendation, as `reader` sees it; None is the operator and services.

    Raises NotFoundError when it does not exist or the reader may not see it: no difference.
    """
    scope = None if reader is None else recommendation_scope(reader)
    with store.read() as conn:
        return visible_part(load(conn, recommendation_id, scope), reader)


def expire_due(store: OpsStore, *, now: dt.datetime, request_id: str | None = None) -> list[str]:
    """Expire every open recommendation whose `expires_at` has passed; returns their ids."""
    table = recommendations
    with store.write() as transaction:
        due = AS_RECORD.where(table.c.state.in_(OPEN), table.c.expires_at <= now)
        expired = records(transaction.conn.execute(due).all())
        for record in expired:
            _expire(transaction, record, now=now, request_id=request_id, reason="past its expiry")
    return [record.recommendation_id for record in expired]


def withdraw_recommendations(
    store: OpsStore, keys: Sequence[str], *, reason: str, now: dt.datetime, request_id: str | None = None
) -> list[str]:
    """Expire those of `keys` that are still open, because nobody needs them any more; returns their ids."""
    table = recommendations
    with store.write() as transaction:
        rows: list[Row[Any]] = []
        for start in range(0, len(keys), _BATCH):
            chunk = table.c.recommendation_id.in_(keys[start : start + _BATCH])
            rows += transaction.conn.execute(AS_RECORD.where(chunk, table.c.state.in_(OPEN))).all()
        for record in records(rows):
            _expire(transaction, record, now=now, request_id=request_id, reason=reason)
    return [row.recommendation_id for row in rows]


def load(conn: Connection, recommendation_id: str, scope: ColumnElement[bool] | None) -> Recommendation:
    """As `find_recommendation`, on an open connection."""
    query = AS_RECORD.where(
        recommendations.c.recommendation_id == recommendation_id, true() if scope is None else scope
    )
    row = conn.execute(query).first()
    if row is None:
        raise NotFoundError(
            f"Recommendation {recommendation_id!r} does not exist.",
            hint="`steelyard recommendation list`, or GET /v1/recommendations, shows the open ones",
        )
    return records([row])[0]


def _complete(row: JsonObject, now: dt.datetime) -> Recommendation:
    defaults = {"state": State.PROPOSED, "created_at": now, "updated_at": now, "is_simulated": False}
    return Recommendation.from_row({**defaults, **row})


def _existing(transaction: Transaction, keys: Sequence[str]) -> set[str]:
    column = recommendations.c.recommendation_id
    existing: set[str] = set()
    for start in range(0, len(keys), _BATCH):
        chunk = keys[start : start + _BATCH]
        existing.update(transaction.conn.execute(select(column).where(column.in_(chunk))).scalars())
    return existing


def _supersede(
    transaction: Transaction, record: Recommendation, now: dt.datetime, request_id: str | None
) -> None:
    table = recommendations
    same_item = and_(table.c.product_id == record.product_id, table.c.location_id == record.location_id)
    about = same_item if record.subject_id is None else table.c.subject_id == record.subject_id
    stale = AS_RECORD.where(table.c.action == record.action, about, table.c.state.in_(OPEN))
    for old in records(transaction.conn.execute(stale).all()):
        _expire(
            transaction,
            old,
            now=now,
            request_id=request_id,
            reason="superseded",
            superseded_by=record.recommendation_id,
        )


def _expire(
    transaction: Transaction,
    record: Recommendation,
    *,
    now: dt.datetime,
    request_id: str | None,
    reason: str,
    superseded_by: str | None = None,
) -> None:
    transaction.conn.execute(
        update(recommendations)
        .where(recommendations.c.recommendation_id == record.recommendation_id)
        .values(state=State.EXPIRED, superseded_by=superseded_by, updated_at=now)
    )
    transaction.touch(recommendations, record.recommendation_id)
    entry = audit.AuditEntry(
        actor="service:expiry",
        action="recommendation.expire",
        object_id=f"recommendation.{record.recommendation_id}",
        reason=reason,
        request_id=request_id,
        before={"state": record.state},
        after={"state": State.EXPIRED, "superseded_by": superseded_by},
    )
    audit.append(transaction, entry, now=now)


def _proposed(record: Recommendation, request_id: str | None, policy_ids: Sequence[str]) -> audit.AuditEntry:
    return audit.AuditEntry(
        actor=record.proposed_by,
        action="recommendation.propose",
        object_id=f"recommendation.{record.recommendation_id}",
        reason=record.reason,
        policy_ids=policy_ids,
        request_id=request_id,
        after={name: getattr(record, name) for name in _RECORDED},
    )


def _by_policy(record: Recommendation, rule: JsonObject, request_id: str | None) -> audit.AuditEntry:
    return audit.AuditEntry(
        actor="service:policy",
        action="recommendation.approve_by_policy",
        object_id=f"recommendation.{record.recommendation_id}",
        reason="; ".join(record.policy_reasons or ()) or None,
        request_id=request_id,
        before={"state": State.PROPOSED},
        after={
            "state": record.state,
            "quantity_units": record.decided_quantity_units,
            "policy_route": record.policy_route,
            **rule,
        },
    )


def _conditions(filters: Mapping[str, str | Collection[str] | None]) -> list[ColumnElement[bool]]:
    unknown = set(filters) - set(_FILTERS)
    if unknown:
        raise TypeError(f"no such filter: {sorted(unknown)}")
    conditions: list[ColumnElement[bool]] = []
    for name, value in filters.items():
        if value is not None:
            values = [value] if isinstance(value, str) else sorted(value)
            conditions.append(recommendations.c[name].in_(values))
    return conditions


def _check_filters(filters: Iterable[str], reader: Principal | None, *, shows_money: bool) -> None:
    """A filter on a masked field would tell its value by what is left out."""
    masked = [name for name in filters if name in MASKED]
    if masked and not shows_money:
        raise ForbiddenError(f"{reader.user if reader else ''!r} may not filter by {', '.join(masked)}.")


def _within(reader: Principal | None) -> ColumnElement[bool]:
    return true() if reader is None else recommendation_scope(reader)


def _plain(filters: Mapping[str, str | Collection[str] | None]) -> dict[str, list[str]]:
    """Filters in one spelling, so that equal ones are equal."""
    return {
        name: [value] if isinstance(value, str) else sorted(value)
        for name, value in filters.items()
        if value is not None
    }
