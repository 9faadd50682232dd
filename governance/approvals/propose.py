"""Put recommendations forward: each is routed, and the automatic ones are approved on the spot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from governance.approvals.limits import Limits
from governance.approvals.routing import route
from governance.identity.principal import Principal
from governance.policy.engine import Policy
from governance.restrict import require
from governance.store.engine import OpsStore
from governance.store.recommendations import propose_recommendations
from governance.store.records import FIELDS, Recommendation


def propose(
    store: OpsStore,
    principal: Principal,
    rows: Iterable[Mapping[str, Any]],
    *,
    now: dt.datetime,
    model_state: str = "champion",
    authors: Iterable[str] = (),
    limits: Limits | None = None,
    policy: Policy | None = None,
    request_id: str | None = None,
) -> list[Recommendation]:
    """Route and store what is new; returns only that. Running it again changes nothing.

    `proposed_by` is the principal, whatever the rows say; `authors` are the people behind it (who trained the
    model, who set the run off): none of them may approve. Automatic ones become approved, the rest
    in_review. Keys that a recommendation does not have are ignored. Raises Forbidden.
    """
    policy_ids = require(principal, "propose", policy=policy)
    people = sorted({*authors, *principal.identities})
    prepared = []
    for row in rows:
        known = {name: value for name, value in row.items() if name in FIELDS}
        made = {"proposed_by": principal.actor, "authors": people, "created_at": now, "updated_at": now}
        base = Recommendation.from_row({"is_simulated": False, **known, **made, "state": "proposed"})
        prepared.append(_routed(base, model_state, limits, now).as_dict())
    return propose_recommendations(store, prepared, now=now, request_id=request_id, policy_ids=policy_ids)


def _routed(
    record: Recommendation, model_state: str, limits: Limits | None, now: dt.datetime
) -> Recommendation:
    way = route(record, model_state=model_state, limits=limits)
    latest = now + dt.timedelta(hours=way.expire_after_hours)
    return replace(
        record,
        policy_route=way.name,
        policy_reasons=list(way.reasons),
        state="approved" if way.name == "automatic" else "in_review",
        decided_quantity_units=record.quantity_units if way.name == "automatic" else None,
        expires_at=min(latest, record.expires_at) if record.expires_at else latest,
        escalate_at=now + dt.timedelta(hours=way.escalate_after_hours),
    )
