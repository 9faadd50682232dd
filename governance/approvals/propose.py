"""Put recommendations forward: each is routed, and the automatic ones are approved on the spot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from governance.approvals.guardrails import guardrail_violation
from governance.approvals.lifecycle import State
from governance.approvals.limits import Limits
from governance.approvals.recommendation import FIELDS, Recommendation
from governance.approvals.repository import propose_recommendations
from governance.approvals.routing import automatic_rule, route
from governance.identity.principal import Principal
from governance.json_types import JsonObject
from governance.policy.authorize import require
from governance.policy.engine import Policy
from governance.store import audit
from governance.store.engine import OpsStore


def propose(
    store: OpsStore,
    principal: Principal,
    rows: Iterable[JsonObject],
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
    in_review; an audit row of its own says which rule and limits approved. A row's own `model_state` goes
    before that of the whole. Other keys that a recommendation does
    not have are ignored. What lies outside the bounds of its
    action is refused: it is not stored, and an audit row says why. Raises ForbiddenError.
    """
    policy_ids = require(principal, "propose", policy=policy)
    people = sorted({*authors, *principal.identities})
    prepared, refused, automatic_rules = [], [], {}
    for row in rows:
        given = {name: value for name, value in row.items() if name in FIELDS}
        provenance = {"proposed_by": principal.actor, "authors": people, "created_at": now, "updated_at": now}
        base = Recommendation.from_row(
            {"is_simulated": False, **given, **provenance, "state": State.PROPOSED}
        )
        if outside := guardrail_violation(base, limits=limits):
            refused.append(_refusal(base, outside, policy_ids, request_id))
        else:
            state = str(row.get("model_state") or model_state)
            routed = _routed(base, state, limits, now)
            prepared.append(routed.as_dict())
            if routed.policy_route == "automatic":
                automatic_rules[routed.recommendation_id] = automatic_rule(routed, limits=limits)
    if refused:
        with store.write() as transaction:
            audit.append_many(transaction, refused, now=now)
    return propose_recommendations(
        store, prepared, now=now, request_id=request_id, policy_ids=policy_ids, rules=automatic_rules
    )


def _refusal(
    record: Recommendation, outside: str, policy_ids: tuple[str, ...], request_id: str | None
) -> audit.AuditEntry:
    return audit.AuditEntry(
        actor=record.proposed_by,
        action="recommendation.refuse",
        object_id=f"recommendation.{record.recommendation_id}",
        reason=f"outside policy: {outside}",
        policy_ids=policy_ids,
        request_id=request_id,
        after={"action": record.action, "product_id": record.product_id, "location_id": record.location_id},
    )


def _routed(
    record: Recommendation, model_state: str, limits: Limits | None, now: dt.datetime
) -> Recommendation:
    way = route(record, model_state=model_state, limits=limits)
    now = now.astimezone(dt.UTC)  # hours are real ones: those of a wall clock skip and repeat
    latest = now + dt.timedelta(hours=way.expire_after_hours)
    return replace(
        record,
        policy_route=way.name,
        policy_reasons=list(way.reasons),
        state=State.APPROVED if way.name == "automatic" else State.IN_REVIEW,
        decided_quantity_units=record.quantity_units if way.name == "automatic" else None,
        expires_at=min(latest, record.expires_at) if record.expires_at else latest,
        escalate_at=now + dt.timedelta(hours=way.escalate_after_hours),
    )
