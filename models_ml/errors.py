"""Errors of the models: evidence, registry, data that does not suffice."""

from semantic.errors import SteelyardError


class ModelError(SteelyardError):
    """A model cannot be trained, found or used as asked."""

    code = "model-error"


class NotEnoughHistoryError(ModelError):
    """The release holds too few complete weeks, or no series that sells often enough."""

    code = "not-enough-history"


class EvidenceMissingError(ModelError):
    """An alias was to move without a valid approval of exactly this version's artifact."""

    code = "evidence-missing"


class ModelNotFoundError(ModelError):
    """No such registered model, version or alias."""

    code = "model-not-found"


class RegistryUnavailableError(ModelError):
    """MLflow's registry does not answer; what it held before is as it was."""

    code = "register-unavailable"


class ArtifactChangedError(ModelError):
    """The artifact on disk is not the one whose digest was recorded."""

    code = "artifact-changed"


class LeakageError(ModelError):
    """A feature reads what was recorded after the origin that it is meant for."""

    code = "leakage"
