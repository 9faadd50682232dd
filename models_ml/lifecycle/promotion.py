"""Promotion: moves the champion alias on evidence and keeps the copy that scores while the registry is
down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from models_ml.lifecycle.champion import save_receipt
from models_ml.lifecycle.registry import (
    ApprovalEvidence,
    ModelVersion,
    get_version,
    move_champion,
)


def promote(tracking_uri: str, artifact_root: Path, evidence: ApprovalEvidence) -> ModelVersion:
    """Make the approved version champion. Raises EvidenceMissingError as `move_champion` does; nothing
    moves then."""
    version = move_champion(tracking_uri, evidence)
    save_receipt(artifact_root, version)
    return version


def evidence_for(
    tracking_uri: str,
    version: str,
    *,
    approved_by: str,
    decision_id: str,
    decided_at: datetime | None = None,
    name: str,
) -> ApprovalEvidence:
    """Evidence of a recorded decision on the version as it is registered now."""
    registered = get_version(tracking_uri, version, name)
    at = (decided_at or datetime.now(UTC)).isoformat()
    return ApprovalEvidence(name, registered.version, registered.digest, approved_by, decision_id, at)
