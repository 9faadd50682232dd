"""Who trained which model from what, in our own record: MLflow's tags are compared with it, not believed.

The record is an entry of the audit, sealed when the version was registered. Of several entries for a version
the first counts.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, fields

from sqlalchemy import select

from governance.errors import AuditBrokenError, ConflictError
from governance.store import audit
from governance.store.chain import FIELDS, seal_of
from governance.store.engine import OpsStore
from governance.store.schema import audit_log

ACTION = "model.register"
_LABELS = {
    "trained_by": "who trained it",
    "artifact_digest": "its artifact",
    "release_id": "the data release",
    "code_version": "the code version",
    "fingerprint": "the fingerprint of its training",
}


@dataclass(frozen=True)
class ModelRegistration:
    """A registered version: the SHA-256 of its artifact, the release of its data, the commit of its code."""

    model_name: str
    model_version: str
    trained_by: str
    artifact_digest: str
    release_id: str
    code_version: str
    fingerprint: str


def record_registration(store: OpsStore, registration: ModelRegistration, *, now: dt.datetime) -> bool:
    """Seal the record of a version into the audit. False, and nothing written, if it has one already."""
    if find_registration(store, registration.model_name, registration.model_version) is not None:
        return False
    entry = audit.AuditEntry(
        registration.trained_by, ACTION, _object_id(registration), after=asdict(registration)
    )
    with store.write() as transaction:
        audit.append(transaction, entry, now=now)
    return True


def find_registration(store: OpsStore, model_name: str, model_version: str) -> ModelRegistration | None:
    """The record of a version, or None. Raises AuditBrokenError if no key of ours sealed it."""
    columns = [audit_log.c[name] for name in FIELDS]
    object_id = f"model_version.{model_name}/{model_version}"
    query = select(*columns).where(audit_log.c.object_id == object_id, audit_log.c.action == ACTION)
    with store.read() as conn:
        row = conn.execute(query.order_by(audit_log.c.seq).limit(1)).mappings().first()
    if row is None:
        return None
    key = store.keys.find(row["key_id"]) if store.keys and row["key_id"] else None
    if (store.keys is not None and key is None) or seal_of(row, key) != row["hash"]:
        raise AuditBrokenError(
            f"Audit row {row['seq']}, the record of {object_id}, is not sealed by a key of ours.",
            hint="`steelyard audit verify`; the version is not reviewed or promoted until it holds",
        )
    recorded = json.loads(row["after"])
    return ModelRegistration(**{field.name: recorded[field.name] for field in fields(ModelRegistration)})


def check_registration(store: OpsStore, claimed: ModelRegistration) -> ModelRegistration:
    """What our record says of a version that MLflow describes as `claimed`.

    Raises ConflictError naming each difference, or if there is no record.
    """
    recorded = find_registration(store, claimed.model_name, claimed.model_version)
    version = f"{claimed.model_name} version {claimed.model_version}"
    if recorded is None:
        raise ConflictError(
            f"{version}: there is no record of who trained it.",
            hint="it was registered past the pipeline, or by Steelyard 0.1.0: `steelyard model train` "
            "takes it up if its training has not changed, and records it",
        )
    wrong = [
        f"{label} is {theirs!r} in MLflow and {ours!r} in our record"
        for name, label in _LABELS.items()
        if (theirs := getattr(claimed, name)) != (ours := getattr(recorded, name))
    ]
    if wrong:
        raise ConflictError(
            f"{version}: {'; '.join(wrong)}.",
            hint="somebody changed MLflow's store: find out who, or train a new version",
        )
    return recorded


def _object_id(registration: ModelRegistration) -> str:
    return f"model_version.{registration.model_name}/{registration.model_version}"
