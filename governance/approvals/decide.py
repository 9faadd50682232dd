"""One decision, in one transaction: state, decision row, audit row, idempotency. First one wins."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from dataclasses import asdict, dataclass

from sqlalchemy import insert, select, update

from governance.approvals.guardrails import guardrail_violation
from governance.approvals.lifecycle import OPEN, State
from governance.approvals.masking import sees_money
from governance.approvals.reasons import check_reason
from governance.approvals.recommendation import Recommendation
from governance.approvals.repository import load
from governance.approvals.routing import decision_route, money_at_stake
from governance.errors import ConflictError, ForbiddenError, InvalidDecisionError
from governance.identity.principal import Principal
from governance.json_types import JsonDict
from governance.policy.authorize import recommendation_scope
from governance.policy.engine import Policy, Resource, Verdict, default_policy
from governance.store import audit, idempotency
from governance.store.engine import OpsStore, Transaction
from governance.store.schema import decisions, recommendations

_STATE = {"approve": State.APPROVED, "override": State.OVERRIDDEN, "reject": State.REJECTED}
DECISIONS = tuple(_STATE)
_UNKNOWN_MONEY_CENTS = 10**15  # above every limit: who decides must be entitled to anything


@dataclass(frozen=True)
class Decision:
    """What was decided. `state` is the recommendation's state after it; in_review waits for a second."""

    decision_id: str
    recommendation_id: str
    decision: str
    state: str
    quantity_units: float | None
    decided_by: str
    on_behalf_of: str | None
    reason_code: str | None
    note: str | None
    policy_ids: tuple[str, ...]
    request_id: str | None
    decided_at: str

    def as_dict(self) -> JsonDict:
        """Field by field, ready for JSON."""
        return {**asdict(self), "policy_ids": list(self.policy_ids)}

    @classmethod
    def from_dict(cls, values: JsonDict) -> Decision:
        """From its stored form."""
        return cls(**{**values, "policy_ids": tuple(values["policy_ids"])})


def decide(
    store: OpsStore,
    principal: Principal,
    recommendation_id: str,
    decision: str,
    *,
    now: dt.datetime,
    quantity: float | None = None,
    reason_code: str | None = None,
    note: str | None = None,
    request_id: str | None = None,
    idempotency_key: str | None = None,
    policy: Policy | None = None,
) -> Decision:
    """`approve`, `override` (with the quantity, in units) or `reject`.

    Raises NotFoundError (also for what the principal may not see), ConflictError (already decided or
    expired), ForbiddenError (with the policies), InvalidDecisionError (reason or quantity),
    IdempotencyMismatchError. The same idempotency key and request give the first answer again and change
    nothing.
    """
    rules = policy or default_policy()
    _check(decision, quantity, reason_code, note)
    request = [recommendation_id, decision, quantity, reason_code, note]
    scope = recommendation_scope(principal, rules)
    with store.write() as transaction:
        first = idempotency.find(transaction, principal.user, idempotency_key, request)
        if first is not None:
            return Decision.from_dict(first)
        record = load(transaction.conn, recommendation_id, scope)
        if record.state not in OPEN:
            raise ConflictError(f"Recommendation {recommendation_id!r} is already {record.state}.")
        if record.expires_at is not None and record.expires_at <= now:
            raise ConflictError(f"Recommendation {recommendation_id!r} has expired.")
        deciders = _deciders(transaction, recommendation_id)
        verdict = _authorize(rules, principal, decision, record, deciders=deciders, quantity=quantity)
        route = decision_route(record, quantity)
        waits = decision != "reject" and route == "two_people" and not deciders
        _agree(decision, quantity, record, deciders)
        if decision != "reject" and (outside := guardrail_violation(record, quantity=quantity)):
            raise InvalidDecisionError(f"Outside policy: {outside}.", hint="reject it, or decide on less")
        decided = _decided_values(principal, record, decision, quantity)
        decided |= {
            "state": State.IN_REVIEW if waits else _STATE[decision],
            "policy_ids": list(verdict.policy_ids),
        }
        decided |= {"decided_at": now.astimezone(dt.UTC).isoformat()}
        decided |= {"reason_code": reason_code, "note": note, "request_id": request_id}
        _store(transaction, principal, record, decided, route=route, now=now)
        idempotency.keep(
            transaction, principal.user, idempotency_key, request=request, response=decided, now=now
        )
    return Decision.from_dict(decided)


def may_decide(
    principal: Principal, record: Recommendation, decision: str = "approve", *, policy: Policy | None = None
) -> bool:
    """Whether policy lets `principal` decide so: for showing, since `decide` asks again and knows more."""
    try:
        _authorize(policy or default_policy(), principal, decision, record, deciders={})
    except ForbiddenError:
        return False
    return True


def decisions_on(store: OpsStore, recommendation_id: str) -> list[JsonDict]:
    """Who decided what on a recommendation that the caller was let see, the oldest first."""
    query = select(decisions).where(decisions.c.recommendation_id == recommendation_id)
    with store.read() as conn:
        return [dict(row) for row in conn.execute(query.order_by(decisions.c.decided_at)).mappings()]


def _check(decision: str, quantity: float | None, reason_code: str | None, note: str | None) -> None:
    if decision not in _STATE:
        raise InvalidDecisionError(f"No decision {decision!r}.", hint=f"decisions: {', '.join(_STATE)}")
    check_reason(decision, reason_code, note)
    if decision == "override":
        if quantity is None or not math.isfinite(quantity) or quantity < 0:
            raise InvalidDecisionError("An override needs the quantity, in units, from zero.")
    elif quantity is not None:
        raise InvalidDecisionError(f"To {decision} takes no quantity.", hint="use override to change it")


def _authorize(
    rules: Policy,
    principal: Principal,
    decision: str,
    record: Recommendation,
    *,
    deciders: dict[str, float | None],
    quantity: float | None = None,
) -> Verdict:
    """Judged on the money of what is decided, not of what was proposed."""
    authors = {record.proposed_by, *(record.authors or ())}
    money = money_at_stake(record, quantity)
    route = decision_route(record, quantity)
    attributes = {
        "action": record.action,
        "route": route,
        "money_cents": _UNKNOWN_MONEY_CENTS if money is None else math.ceil(money * 100),
        "is_own": record.proposed_by in principal.identities,
        "is_author": bool(authors & principal.identities),
        "has_decided": bool(set(deciders) & principal.identities),
        "location_id": record.location_id,
        "from_location_id": record.from_location_id,
        "from_region": (record.details or {}).get("from_region"),
        "region": record.region,
        "banner": record.banner,
        "department": record.department,
    }
    verdict = rules.authorize(principal, decision, Resource("Proposal", record.recommendation_id, attributes))
    if not verdict.allowed:
        raise ForbiddenError(
            f"{principal.user!r} ({principal.role}) may not {decision} this recommendation.",
            hint=f"it is routed to: {route}" if sees_money(principal, rules) else "",
            policy_ids=verdict.policy_ids,
        )
    return verdict


def _deciders(transaction: Transaction, recommendation_id: str) -> dict[str, float | None]:
    """Who approved it so far (by every name), and for which quantity."""
    table = decisions
    query = select(table.c.decided_by, table.c.on_behalf_of, table.c.quantity_units)
    rows = transaction.conn.execute(query.where(table.c.recommendation_id == recommendation_id))
    return {name: row[2] for row in rows for name in row[:2] if name}


def _agree(
    decision: str, quantity: float | None, record: Recommendation, deciders: dict[str, float | None]
) -> None:
    """The second of two people approves what the first did, or rejects; they must agree on the quantity."""
    if not deciders or decision == "reject":
        return
    first = next(iter(deciders.values()))
    second = record.quantity_units if quantity is None else quantity
    if first != second:
        raise ConflictError(f"The first of two people decided on {first:g} units, not {second:g}.")


def _decided_values(
    principal: Principal,
    record: Recommendation,
    decision: str,
    quantity: float | None,
) -> JsonDict:
    units = None if decision == "reject" else record.quantity_units if quantity is None else quantity
    return {
        "decision_id": str(uuid.uuid4()),
        "recommendation_id": record.recommendation_id,
        "decision": decision,
        "quantity_units": units,
        "decided_by": principal.actor,
        "on_behalf_of": principal.on_behalf_of,
    }


def _store(
    transaction: Transaction,
    principal: Principal,
    record: Recommendation,
    decided: JsonDict,
    *,
    route: str,
    now: dt.datetime,
) -> None:
    row = {name: value for name, value in decided.items() if name != "state"}
    row |= {"role": principal.role, "decided_at": now}
    transaction.conn.execute(insert(decisions).values(row))
    table = recommendations
    moved = record.policy_route not in (None, route)
    moved_from, moved_to = ({"policy_route": one} if moved else {} for one in (record.policy_route, route))
    changed = transaction.conn.execute(
        update(table)
        .where(table.c.recommendation_id == record.recommendation_id, table.c.state == record.state)
        .values(
            state=decided["state"],
            decided_quantity_units=decided["quantity_units"],
            updated_at=now,
            **moved_to,
        )
    )
    if changed.rowcount != 1:
        raise ConflictError(f"Recommendation {record.recommendation_id!r} was decided at the same moment.")
    transaction.touch(decisions, row["decision_id"])
    transaction.touch(table, record.recommendation_id)
    audit.record(
        transaction,
        principal,
        f"recommendation.{decided['decision']}",
        f"recommendation.{record.recommendation_id}",
        now=now,
        reason=": ".join(part for part in (decided["reason_code"], decided["note"]) if part) or None,
        policy_ids=decided["policy_ids"],
        request_id=decided["request_id"],
        before={"state": record.state, "quantity_units": record.quantity_units} | moved_from,
        after={name: decided[name] for name in ("decision_id", "state", "quantity_units")} | moved_to,
    )
