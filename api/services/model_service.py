"""The life of a model version: trained, reviewed, approved, promoted, rolled back; for REST and CLI alike.

The judgement is recorded by governance; moving MLflow's alias is its effect and happens afterwards, so that
an alias without a judgement cannot come from here.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from api.settings import Settings
from governance.approvals.model_registration import ModelRegistration, check_registration
from governance.approvals.model_review import (
    ModelReview,
    current_approval,
    latest_review,
    permit_promotion,
    record_refusal,
    review_model,
)
from governance.errors import ConflictError, NotFoundError
from governance.identity import Principal
from governance.store import OpsStore
from models_ml.lifecycle import registry
from models_ml.lifecycle.artifacts import bundle_digest
from models_ml.lifecycle.comparison import Comparison, compare_with_champion
from models_ml.lifecycle.promotion import promote
from models_ml.lifecycle.registry import ApprovalEvidence, ModelVersion
from models_ml.models import MODELS


@dataclass(frozen=True)
class ReviewedVersion:
    """A registered version and its newest review, None before the first."""

    version: ModelVersion
    review: ModelReview | None

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form; where the files are stays here."""
        fields = {name: value for name, value in self.version.as_dict().items() if name != "bundle"}
        review = self.review
        return fields | {"review": review and {"decision": review.decision, "by": review.reviewed_by}}


class ModelService:
    """Model versions of the registry at `settings.mlflow_uri`, judged in `store`."""

    def __init__(self, settings: Settings, store: OpsStore) -> None:
        self._uri = settings.mlflow_uri
        self._artifacts = settings.mlflow_artifacts
        self._store = store

    def versions(self, name: str | None = None) -> list[ReviewedVersion]:
        """Every version with its aliases, metrics and newest review, by model, newest first."""
        names = MODELS if name is None else (name,)
        return [self._describe(version) for one in names for version in registry.versions(self._uri, one)]

    def review(self, name: str, version: str | None = None) -> Comparison:
        """The version (the newest by default) beside the champion."""
        return compare_with_champion(self._uri, version or self._newest(name).version, name)

    def judge(
        self, principal: Principal, name: str, version: str, *, decision: str, reason: str, request_id: str
    ) -> ModelReview:
        """Approve or reject exactly the artifact that is registered now."""
        registered = registry.get_version(self._uri, version, name)
        trained_by = registered.trained_by
        if decision == "approve":
            trained_by = self._recorded(principal, registered, "approve", request_id).trained_by
        evidence = {
            "artifact_digest": registered.digest,
            "release_id": registered.release_id,
            "metrics": registered.metrics,
        }
        return review_model(
            self._store,
            principal,
            model_name=name,
            model_version=registered.version,
            trained_by=trained_by,
            decision=decision,
            reason=reason,
            evidence=evidence,
            now=datetime.now(UTC),
            request_id=request_id,
        )

    def promote(
        self,
        principal: Principal,
        name: str,
        version: str,
        *,
        action: str = "promote",
        request_id: str | None = None,
    ) -> ReviewedVersion:
        """Let an approved version score from now on."""
        registered = registry.get_version(self._uri, version, name)
        recorded = self._recorded(principal, registered, action, request_id)
        review = permit_promotion(
            self._store,
            principal,
            model_name=name,
            model_version=registered.version,
            trained_by=recorded.trained_by,
            artifact_digest=recorded.artifact_digest,
            now=datetime.now(UTC),
            action=action,
            request_id=request_id or str(uuid.uuid4()),
        )
        return self._describe(promote(self._uri, self._artifacts, _evidence(review, registered)))

    def roll_back(self, principal: Principal, name: str) -> ReviewedVersion:
        """Let the newest approved version before the champion score again.

        Raises NotFoundError if none is.
        """
        champion = registry.champion(self._uri, name)
        for version in registry.versions(self._uri, name):
            older = champion is not None and int(version.version) < int(champion.version)
            if older and not self._why_not(version):
                return self.promote(principal, name, version.version, action="rollback")
        raise NotFoundError(f"{name} has no earlier approved version to roll back to.")

    def _recorded(
        self, principal: Principal, version: ModelVersion, action: str, request_id: str | None
    ) -> ModelRegistration:
        """Our record of a version. Raises ConflictError if MLflow says otherwise; that is audited, too."""
        try:
            return check_registration(self._store, registration_of(version))
        except ConflictError as differs:
            record_refusal(
                self._store,
                actor=principal.actor,
                version=f"{version.name}/{version.version}",
                action=action,
                reason=differs.message,
                evidence={"artifact_digest": version.digest},
                now=datetime.now(UTC),
                role=principal.role,
                on_behalf_of=principal.on_behalf_of,
                request_id=request_id,
            )
            raise

    def _newest(self, name: str) -> ModelVersion:
        return next(iter(registry.versions(self._uri, name)), None) or registry.get_version(
            self._uri, "1", name
        )

    def approved(self, version: ModelVersion) -> bool:
        """Whether the recorded decision on the version approves exactly the artifact that it has now.

        If an alias is held without one, that is refused, and audited under the model's name.
        """
        why = self._why_not(version)
        if why and registry.CHAMPION in version.aliases:
            record_refusal(
                self._store,
                actor="unknown",  # whoever moved it did so in MLflow, past every decision
                version=f"{version.name}/{version.version}",
                action="alias champion",
                reason=why,
                evidence={"artifact_digest": version.digest},
                now=datetime.now(UTC),
            )
        return not why

    def _why_not(self, version: ModelVersion) -> str:
        try:
            current_approval(self._store, version.name, version.version, version.digest)
        except ConflictError as missing:
            return missing.message
        if bundle_digest(version.bundle) != version.digest:
            return f"{version.name} version {version.version}: its files changed after the approval"
        return ""

    def _describe(self, version: ModelVersion) -> ReviewedVersion:
        return ReviewedVersion(version, latest_review(self._store, version.name, version.version))


def registration_of(version: ModelVersion) -> ModelRegistration:
    """What MLflow says of a version, in the form of our own record."""
    return ModelRegistration(
        model_name=version.name,
        model_version=version.version,
        trained_by=version.trained_by,
        artifact_digest=version.digest,
        release_id=version.release_id,
        code_version=version.git_commit,
        fingerprint=version.fingerprint,
    )


def _evidence(review: ModelReview, version: ModelVersion) -> ApprovalEvidence:
    return ApprovalEvidence(
        model_name=version.name,
        model_version=version.version,
        artifact_digest=str(review.evidence["artifact_digest"]),
        approved_by=review.reviewed_by,
        decision_id=review.review_id,
        decided_at=review.reviewed_at.isoformat(),
    )
