"""After the decision: carried out, measured, or taken back by a compensating recommendation."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

from sqlalchemy import update

from governance.approvals.actions import UNDO
from governance.approvals.lifecycle import CARRIED_OUT, EXECUTION, STATES, State, can_become
from governance.approvals.limits import Limits, default_limits
from governance.approvals.recommendation import Recommendation
from governance.approvals.repository import find_recommendation, load, propose_recommendations
from governance.errors import ConflictError, InvalidDecisionError
from governance.identity.principal import Principal
from governance.json_types import JsonObject
from governance.policy.authorize import recommendation_scope, require
from governance.policy.engine import Policy
from governance.store import audit
from governance.store.engine import OpsStore
from governance.store.schema import recommendations


def transition(
    store: OpsStore,
    principal: Principal,
    recommendation_id: str,
    state: str,
    *,
    now: dt.datetime,
    outcome: JsonObject | None = None,
    request_id: str | None = None,
    policy: Policy | None = None,
) -> None:
    """Move an approved recommendation to executing, executed, failed or measured. Services only.

    `outcome` (document number, error, realised figures) goes into the audit. Raises ConflictError when the
    state does not lead there, so that two executors never run one decision twice.
    """
    if state not in EXECUTION:
        steps = [step for step in STATES if step in EXECUTION]
        raise InvalidDecisionError(f"No such step: {state!r}.", hint=f"steps: {', '.join(steps)}")
    policy_ids = require(principal, "measure" if state == State.MEASURED else "execute", policy=policy)
    table = recommendations
    with store.write() as transaction:
        record = load(transaction.conn, recommendation_id, recommendation_scope(principal, policy))
        if not can_become(record.state, state):
            raise ConflictError(
                f"Recommendation {recommendation_id!r} is {record.state}, not ready to be {state}."
            )
        transaction.conn.execute(
            update(table)
            .where(table.c.recommendation_id == recommendation_id)
            .values(state=state, updated_at=now)
        )
        transaction.touch(table, recommendation_id)
        audit.record(
            transaction,
            principal,
            f"recommendation.{state}",
            f"recommendation.{recommendation_id}",
            now=now,
            policy_ids=policy_ids,
            request_id=request_id,
            before={"state": record.state},
            after={"state": state, "outcome": dict(outcome or {})},
        )


def compensate(
    store: OpsStore,
    principal: Principal,
    recommendation_id: str,
    *,
    reason: str,
    now: dt.datetime,
    limits: Limits | None = None,
    policy: Policy | None = None,
    request_id: str | None = None,
) -> Recommendation:
    """Propose the opposite of an executed decision; somebody else decides on it.

    One compensation per decision: asking again returns nothing new but the first one. Raises ConflictError
    when it was not executed, InvalidDecisionError without a reason.
    """
    if not reason.strip():
        raise InvalidDecisionError("A rollback needs a reason.")
    policy_ids = require(principal, "roll_back", policy=policy)
    with store.read() as conn:
        done = load(conn, recommendation_id, recommendation_scope(principal, policy))
    if done.state not in CARRIED_OUT:
        raise ConflictError(
            f"Recommendation {recommendation_id!r} is {done.state}: there is nothing to take back."
        )
    new_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"compensates:{recommendation_id}"))
    level = (limits or default_limits()).at(done.banner, done.region)
    units = done.decided_quantity_units or done.quantity_units
    compensation = replace(
        done,
        expected_cash=_of_units(done, done.expected_cash, units),
        expected_margin=_of_units(done, done.expected_margin, units),
        at_stake=_of_units(done, done.at_stake, units),
        recommendation_id=new_id,
        action=f"{UNDO}{done.action}",
        compensates=recommendation_id,
        quantity_units=units,
        decided_quantity_units=None,
        reason=reason,
        state=State.IN_REVIEW,
        policy_route="category_manager"
        if done.policy_route in ("automatic", "planner")
        else done.policy_route,
        policy_reasons=["compensates an executed decision"],
        proposed_by=principal.actor,
        authors=sorted(principal.identities),
        created_at=now,
        updated_at=now,
        expires_at=now.astimezone(dt.UTC) + dt.timedelta(hours=level.expire_after_hours),
        escalate_at=now.astimezone(dt.UTC) + dt.timedelta(hours=level.escalate_after_hours),
    )
    propose_recommendations(
        store, [compensation.as_dict()], now=now, request_id=request_id, policy_ids=policy_ids
    )
    return find_recommendation(store, new_id)


def _of_units(done: Recommendation, amount: float | None, units: float) -> float | None:
    """What `amount`, which was that of the proposed units, is of the decided ones."""
    if amount is None or done.quantity_units <= 0:
        return amount
    return amount / done.quantity_units * units
