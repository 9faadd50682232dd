"""Reviews of model versions: who judged which artifact, with what evidence. An alias is only its effect."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from governance.errors import ConflictError, ForbiddenError, InvalidDecisionError
from governance.identity.principal import Principal
from governance.json_types import JsonObject
from governance.policy.authorize import require
from governance.policy.engine import Policy, Resource
from governance.store import audit
from governance.store.engine import OpsStore
from governance.store.schema import model_reviews

DECISIONS = ("approve", "reject")
APPROVAL_DAYS = 30  # an approval moves an alias for so long: later, the evidence must be looked at again


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
    evidence: JsonObject
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
    evidence: JsonObject,
    now: dt.datetime,
    request_id: str | None = None,
    policy: Policy | None = None,
) -> ModelReview:
    """Record a judgement with its audit row.

    Raises ForbiddenError (author, service, role) or InvalidDecisionError.
    """
    if decision not in DECISIONS or not reason.strip() or not evidence.get("artifact_digest"):
        raise InvalidDecisionError("A review needs approve or reject, a reason, and the artifact's digest.")
    version = f"{model_name}/{model_version}"
    with _audited_if_refused(
        store, principal, action=decision, version=version, evidence=evidence, now=now, request_id=request_id
    ):
        policy_ids = _entitled(principal, "review_model", version, trained_by, policy)
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
        transaction.touch(model_reviews, review.review_id)
        audit.record(
            transaction,
            principal,
            f"model.{decision}",
            f"model_version.{version}",
            now=now,
            reason=reason,
            policy_ids=policy_ids,
            request_id=request_id,
            after={"review_id": review.review_id, **evidence},
        )
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
    """The approval that lets this artifact score, with the promotion written to the audit in one transaction:
    no rejection comes between.

    `action` is promote or rollback. Raises ForbiddenError, or ConflictError if the newest review of the
    version is no approval of exactly this artifact, or too old. What is refused is audited too.
    """
    version, asked = f"{model_name}/{model_version}", {"artifact_digest": artifact_digest}
    with _audited_if_refused(
        store, principal, action=action, version=version, evidence=asked, now=now, request_id=request_id
    ):
        policy_ids = _entitled(principal, "promote_model", version, trained_by, policy)
        # The way back stays open: an old approval still lets its version return.
        latest = now if action == "promote" else None
        with store.write() as transaction:
            review = _approval(transaction.conn, model_name, model_version, artifact_digest, now=latest)
            audit.record(
                transaction,
                principal,
                f"model.{action}",
                f"model_version.{version}",
                now=now,
                policy_ids=policy_ids,
                request_id=request_id,
                after={"review_id": review.review_id, "artifact_digest": artifact_digest},
            )
    return review


def current_approval(
    store: OpsStore,
    model_name: str,
    model_version: str,
    artifact_digest: str,
    *,
    now: dt.datetime | None = None,
) -> ModelReview:
    """The newest review of the version, if it approves exactly this artifact; with `now` also if it is not
    older than `APPROVAL_DAYS`. Raises ConflictError saying which of these fails."""
    with store.read() as conn:
        return _approval(conn, model_name, model_version, artifact_digest, now=now)


def _approval(
    conn: Connection, model_name: str, model_version: str, artifact_digest: str, *, now: dt.datetime | None
) -> ModelReview:
    review = _latest(conn, model_name, model_version)
    why = None
    if review is None or review.decision != "approve":
        why = "has no approval" if review is None else "was rejected last"
    elif review.evidence.get("artifact_digest") != artifact_digest:
        why = "was approved with another artifact"
    elif now is not None and now - _utc(review.reviewed_at) > dt.timedelta(days=APPROVAL_DAYS):
        why = f"was approved more than {APPROVAL_DAYS} days ago: the evidence is stale"
    if review is None or why is not None:
        raise ConflictError(
            f"{model_name} version {model_version} has no current approval of this artifact: it {why}.",
            hint=f"`steelyard model approve {model_name} {model_version} --reason … --as ml_reviewer`",
        )
    return review


def record_refusal(
    store: OpsStore,
    *,
    actor: str,
    version: str,
    action: str,
    reason: str,
    evidence: JsonObject,
    now: dt.datetime,
    role: str | None = None,
    on_behalf_of: str | None = None,
    request_id: str | None = None,
) -> None:
    """Audit what was asked of a model version and refused; `version` is name/number."""
    entry = audit.AuditEntry(
        actor=actor,
        on_behalf_of=on_behalf_of,
        role=role,
        action="model.refuse",
        object_id=f"model_version.{version}",
        reason=f"{action}: {reason}",
        request_id=request_id,
        after=dict(evidence),
    )
    with store.write() as transaction:
        audit.append(transaction, entry, now=now)


@contextmanager
def _audited_if_refused(
    store: OpsStore,
    principal: Principal,
    *,
    action: str,
    version: str,
    evidence: JsonObject,
    now: dt.datetime,
    request_id: str | None,
) -> Iterator[None]:
    try:
        yield
    except (ForbiddenError, ConflictError) as refusal:
        record_refusal(
            store,
            actor=principal.actor,
            version=version,
            action=action,
            reason=refusal.message,
            evidence=evidence,
            now=now,
            role=principal.role,
            on_behalf_of=principal.on_behalf_of,
            request_id=request_id,
        )
        raise


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def latest_review(store: OpsStore, model_name: str, model_version: str) -> ModelReview | None:
    """The newest judgement of a version, or None."""
    with store.read() as conn:
        return _latest(conn, model_name, model_version)


def _latest(conn: Connection, model_name: str, model_version: str) -> ModelReview | None:
    table = model_reviews
    query = (
        select(*(table.c[name] for name in ModelReview.__dataclass_fields__))
        .where(table.c.model_name == model_name, table.c.model_version == str(model_version))
        .order_by(table.c.reviewed_at.desc(), table.c.decision.desc())  # of one moment, the rejection
        .limit(1)
    )
    row = conn.execute(query).mappings().first()
    return None if row is None else ModelReview(**row)


def _entitled(
    principal: Principal, action: str, version: str, trained_by: str, policy: Policy | None
) -> tuple[str, ...]:
    own = {"is_own": trained_by in principal.identities}
    return require(principal, action, resource=Resource("ModelVersion", version, own), policy=policy)
