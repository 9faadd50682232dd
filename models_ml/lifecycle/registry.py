"""MLflow as the registry of models. Approval is not decided here: an alias moves only on evidence of one."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from governance.disk import is_disk_full
from governance.errors import DiskFullError
from governance.json_types import JsonDict
from models_ml.errors import EvidenceMissingError, ModelNotFoundError, RegistryUnavailableError
from models_ml.lifecycle.artifacts import bundle_digest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as RegisteredVersion
    from mlflow.models.model import ModelInfo

CHAMPION = "champion"
TRAINER = "svc-trainer"
_SPEAKABLE = re.compile(r"[\w.\- ]+")  # in a filter of MLflow, which has no way to write a quote
PROMOTED_AT = "promoted_at"  # tag of a version: when it last became champion
PIP_REQUIREMENTS = ["xgboost-cpu==3.2.0", "numpy==2.4.6", "pandas==2.3.3", "duckdb==2.0.0", "mlflow==3.17.2"]


@dataclass(frozen=True)
class ModelVersion:
    """A registered version, what it was made from, and where its files are."""

    name: str
    version: str
    digest: str
    fingerprint: str
    release_id: str
    git_commit: str
    trained_by: str
    trained_through_week: int
    bundle: Path
    aliases: tuple[str, ...]
    metrics: dict[str, float]
    registered_at: datetime
    promoted_at: datetime | None = None  # when it last became champion

    def as_dict(self) -> JsonDict:
        return {
            **asdict(self),
            "bundle": str(self.bundle),
            "aliases": list(self.aliases),
            "registered_at": self.registered_at.isoformat(),
            "promoted_at": self.promoted_at and self.promoted_at.isoformat(),
        }


@dataclass(frozen=True)
class ApprovalEvidence:
    """A decision taken elsewhere: who approved exactly which artifact of which version, and its record's
    id."""

    model_name: str
    model_version: str
    artifact_digest: str
    approved_by: str
    decision_id: str
    decided_at: str


def client(tracking_uri: str) -> MlflowClient:
    """An MLflow client of the store; the folder of an SQLite store is made first. Sends no telemetry."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if tracking_uri.startswith("sqlite:///"):
        _ensure_database(Path(tracking_uri.removeprefix("sqlite:///")))
    import mlflow
    from mlflow import MlflowClient

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    return MlflowClient(tracking_uri, tracking_uri)


@contextmanager
def reaching_registry() -> Iterator[None]:
    """Raises RegistryUnavailableError in place of whatever MLflow says of a store that does not answer."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        if getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        if is_disk_full(error):
            raise DiskFullError(
                "The disk is full: the registry of models stopped.", hint="Free some space."
            ) from error
        raise RegistryUnavailableError(
            f"The registry of models does not answer: {str(error).splitlines()[0]}.",
            hint="Bring MLflow's store back and run it again; what is registered stays as it was.",
        ) from error


def exists(tracking_uri: str) -> bool:
    """False where nothing was ever registered: no address, or an SQLite store without its file."""
    path = tracking_uri.removeprefix("sqlite:///")
    return bool(tracking_uri) and (path == tracking_uri or Path(path).exists())


@reaching_registry()
def versions(tracking_uri: str, name: str) -> list[ModelVersion]:
    """All versions, newest first; empty where the model is unknown."""
    if not _SPEAKABLE.fullmatch(name):
        return []
    mlflow = client(tracking_uri)
    registered = mlflow.search_model_versions(f"name = '{name}'")
    aliases = _aliases(mlflow, name) if registered else {}
    return sorted((_plain(mlflow, v, aliases) for v in registered), key=lambda v: -int(v.version))


def get_version(tracking_uri: str, version: str, name: str) -> ModelVersion:
    """One version; raises ModelNotFoundError with the versions there are."""
    registered = versions(tracking_uri, name)
    for one in registered:
        if one.version == str(version):
            return one
    if not registered:
        raise ModelNotFoundError(f"There is no model {name!r}.", hint="`steelyard model list` shows them.")
    there = ", ".join(v.version for v in registered)
    raise ModelNotFoundError(f"Model {name!r} has no version {version!r}.", hint=f"Versions: {there}.")


def champion(tracking_uri: str, name: str) -> ModelVersion | None:
    """The version that may score, or None before the first approval."""
    return next((v for v in versions(tracking_uri, name) if CHAMPION in v.aliases), None)


@reaching_registry()
def move_champion(tracking_uri: str, evidence: ApprovalEvidence) -> ModelVersion:
    """Point `champion` at the approved version and remember the evidence with it.

    Raises EvidenceMissingError when the approval is of another artifact, by the one who trained it, or
    unnamed.
    """
    version = get_version(tracking_uri, evidence.model_version, evidence.model_name)
    for what, holds in {
        "names no approver": bool(evidence.approved_by.strip()),
        "names no recorded decision": bool(evidence.decision_id.strip()),
        "is of another artifact": evidence.artifact_digest == version.digest,
        "was given by its trainer": evidence.approved_by != version.trained_by,
    }.items():
        if not holds:
            raise EvidenceMissingError(
                f"{version.name} version {version.version} stays as it is: its approval {what}.",
                hint="Have an ml_reviewer who did not train it approve this version.",
            )
    if bundle_digest(version.bundle) != version.digest:
        raise EvidenceMissingError(
            f"{version.name} version {version.version}: its files changed after registration."
        )
    mlflow = client(tracking_uri)
    for key, value in asdict(evidence).items():
        mlflow.set_model_version_tag(version.name, version.version, f"approval.{key}", value)
    mlflow.set_model_version_tag(version.name, version.version, PROMOTED_AT, datetime.now(UTC).isoformat())
    mlflow.set_registered_model_alias(version.name, CHAMPION, version.version)
    return get_version(tracking_uri, version.version, version.name)


@reaching_registry()
def is_approved(tracking_uri: str, version: ModelVersion) -> bool:
    """True where the version carries the evidence of an approval of exactly its digest."""
    tags = client(tracking_uri).get_model_version(version.name, version.version).tags
    return tags.get("approval.artifact_digest") == version.digest and bool(tags.get("approval.decision_id"))


@reaching_registry()
def register(
    tracking_uri: str,
    artifact_root: Path,
    bundle: Path,
    *,
    tags: dict[str, str],
    metrics: dict[str, float],
    params: JsonDict,
    documents: dict[str, str],
    log_model: Callable[[Path], ModelInfo],
    name: str,
) -> ModelVersion:
    """Log a run with its metrics, parameters, documents and model, and register the model as a new version.

    A version of equal fingerprint and digest is that model already, registered by a training that was killed
    before its end: it is returned. A version is there with all its tags or not at all.
    """
    mlflow_client = client(tracking_uri)
    for registered_version in versions(tracking_uri, name):
        if (registered_version.fingerprint, registered_version.digest) == (
            tags["training_fingerprint"],
            tags["artifact_digest"],
        ):
            return registered_version
    import mlflow

    experiment_id = experiment_of(mlflow_client, artifact_root, name)
    with mlflow.start_run(experiment_id=experiment_id, tags=tags, run_name=f"{name} {tags['release_id']}"):
        mlflow.log_params({k: str(v) for k, v in params.items()})
        mlflow.log_metrics(metrics)
        for path, text in documents.items():
            mlflow.log_text(text, path)
        info = log_model(bundle)
    registered = mlflow.register_model(info.model_uri, name, tags={**tags, "metrics": json.dumps(metrics)})
    return get_version(tracking_uri, str(registered.version), name)


def experiment_of(mlflow_client: MlflowClient, artifact_root: Path, name: str) -> str:
    """The id of the model's experiment, made with its place for artifacts if there is none."""
    experiment = mlflow_client.get_experiment_by_name(name)
    artifact_root.mkdir(parents=True, exist_ok=True)
    if experiment:
        return str(experiment.experiment_id)
    return str(mlflow_client.create_experiment(name, artifact_location=artifact_root.resolve().as_uri()))


def _ensure_database(path: Path) -> None:
    """A new registry is made beside its place: MLflow cannot go on with one whose making was killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        part.with_name(part.name + "-journal").unlink(missing_ok=True)
        store_class: Callable[[str, str], SqlAlchemyStore] = SqlAlchemyStore  # MLflow leaves it untyped
        store_class(f"sqlite:///{part}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).engine.dispose()
        part.rename(path)


def _aliases(mlflow: MlflowClient, name: str) -> dict[str, tuple[str, ...]]:
    by_version: dict[str, tuple[str, ...]] = {}
    for alias, version in mlflow.get_registered_model(name).aliases.items():
        by_version[str(version)] = (*by_version.get(str(version), ()), alias)
    return by_version


def _plain(
    mlflow: MlflowClient, registered: RegisteredVersion, aliases: dict[str, tuple[str, ...]]
) -> ModelVersion:
    tags = registered.tags
    return ModelVersion(
        name=registered.name,
        version=str(registered.version),
        digest=tags.get("artifact_digest", ""),
        fingerprint=tags.get("training_fingerprint", ""),
        release_id=tags.get("release_id", ""),
        git_commit=tags.get("git_commit", ""),
        trained_by=tags.get("trained_by", ""),
        trained_through_week=int(tags.get("trained_through_week", 0)),
        bundle=_local(mlflow.get_model_version_download_uri(registered.name, registered.version))
        / "artifacts"
        / "bundle",
        aliases=aliases.get(str(registered.version), ()),
        metrics=json.loads(tags.get("metrics", "{}")),
        registered_at=datetime.fromtimestamp(registered.creation_timestamp / 1000, UTC),
        promoted_at=_moment(tags.get(PROMOTED_AT) or tags.get("approval.decided_at")),
    )


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(uri: str) -> Path:
    from urllib.parse import unquote, urlparse

    return Path(unquote(urlparse(uri).path) if uri.startswith("file:") else uri)
