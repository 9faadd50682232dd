"""Reviews of model versions: who judged which artifact, with what evidence. An alias is only its effect."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from governance import audit
from governance.errors import Conflict, InvalidDecision
from governance.identity.principal import Principal
from governance.policy.engine import Policy, Resource
from governance.restrict import require
from governance.store.engine import OpsStore
from governance.store.schema import model_reviews

DECISIONS = ("approve", "reject")


@dataclass(frozen=True)
class ModelReview:
    """One judgement. `evidence` holds at least `artifact_digest`: an artifact is approved, not a name."""

    review_id: str
    model_name: str
    model_version: str
    decision: str
    trained_by: str
    reviewed_by: str
    reason: str
    evidence: Mapping[str, Any]
    reviewed_at: dt.datetime


def review_model(
    store: OpsStore,
    principal: Principal,
    *,
    model_name: str,
    model_version: str,
    trained_by: str,
    decision: str,
    reason: str,
    evidence: Mapping[str, Any],
    now: dt.datetime,
    request_id: str | None = None,
    policy: Policy | None = None,
) -> ModelReview:
    """Record a judgement with its audit row. Raises Forbidden (author, service, role) or InvalidDecision."""
    if decision not in DECISIONS or not reason.strip() or not evidence.get("artifact_digest"):
        raise InvalidDecision("a review needs approve or reject, a reason, and the artifact's digest")
    policy_ids = _entitled(principal, "review_model", f"{model_name}/{model_version}", trained_by, policy)
    review = ModelReview(
        uuid.uuid4().hex,
        model_name,
        model_version,
        decision,
        trained_by,
        principal.user,
        reason,
        evidence,
        now,
    )
    row = vars(review) | {
        "on_behalf_of": principal.on_behalf_of,
        "policy_ids": list(policy_ids),
        "request_id": request_id,
        "evidence": dict(evidence),
    }
    with store.write() as transaction:
        transaction.conn.execute(insert(model_reviews).values(row))
        entry = audit.AuditEntry(
            actor=principal.actor,
            on_behalf_of=principal.on_behalf_of,
            role=principal.role,
            action=f"model.{decision}",
            object_id=f"model_version.{model_name}/{model_version}",
            reason=reason,
            policy_ids=policy_ids,
            request_id=request_id,
            after={"review_id": review.review_id, **evidence},
        )
        audit.append(transaction, entry, now=now)
    return review


def permit_promotion(
    store: OpsStore,
    principal: Principal,
    *,
    model_name: str,
    model_version: str,
    trained_by: str,
    artifact_digest: str,
    now: dt.datetime,
    action: str = "promote",
    request_id: str | None = None,
    policy: Policy | None = None,
) -> ModelReview:
    """The approval that lets this artifact score, with the promotion written to the audit.

    `action` is promote or rollback. Raises Forbidden, or Conflict where the newest review of the version is
    no approval of exactly this artifact.
    """
    policy_ids = _entitled(principal, "promote_model", f"{model_name}/{model_version}", trained_by, policy)
    review = latest_review(store, model_name, model_version)
    approved = review is not None and review.decision == "approve"
    if review is None or not approved or review.evidence.get("artifact_digest") != artifact_digest:
        raise Conflict(
            f"{model_name} version {model_version} has no current approval of this artifact",
            hint=f"`steelyard model approve {model_name} {model_version} --reason … --as ml_reviewer`",
        )
    with store.write() as transaction:
        entry = audit.AuditEntry(
            actor=principal.actor,
            on_behalf_of=principal.on_behalf_of,
            role=principal.role,
            action=f"model.{action}",
            object_id=f"model_version.{model_name}/{model_version}",
            policy_ids=policy_ids,
            request_id=request_id,
            after={"review_id": review.review_id, "artifact_digest": artifact_digest},
        )
        audit.append(transaction, entry, now=now)
    return review


def latest_review(store: OpsStore, model_name: str, model_version: str) -> ModelReview | None:
    """The newest judgement of a version, or None."""
    table = model_reviews
    query = (
        select(*(table.c[name] for name in ModelReview.__dataclass_fields__))
        .where(table.c.model_name == model_name, table.c.model_version == str(model_version))
        .order_by(table.c.reviewed_at.desc())
        .limit(1)
    )
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else ModelReview(**row)


def _entitled(
    principal: Principal, action: str, version: str, trained_by: str, policy: Policy | None
) -> tuple[str, ...]:
    own = {"is_own": trained_by in principal.identities}
    return require(principal, action, resource=Resource("ModelVersion", version, own), policy=policy)
