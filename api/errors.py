"""Errors of the composition root: settings, pipeline, servers."""

from semantic.errors import SteelyardError


class ApiError(SteelyardError):
    """Base of the family."""

    code = "api-error"


class SettingsInvalidError(ApiError):
    """A setting is missing or contradicts another."""

    code = "settings-invalid"


class PipelineBusyError(ApiError):
    """Another pipeline holds the lock."""

    code = "pipeline-busy"


class StepFailedError(ApiError):
    """A pipeline step ended without a result; what came before it stays usable."""

    code = "step-failed"


class StepWaitsError(ApiError):
    """A pipeline step has nothing to work on yet; the sentence says what it waits for. No failure."""

    code = "step-waits"


class ServerFailedError(ApiError):
    """A server could not be started or stopped answering."""

    code = "server-failed"


class NoSuchCustomerError(ApiError):
    """Nothing is held of the customer who is to be exported or erased."""

    code = "no-such-customer"


class BackupFailedError(ApiError):
    """A backup could not be made, or one that is sound could not be put in place; nothing was changed."""

    code = "backup-failed"


class BackupInvalidError(ApiError):
    """An archive is damaged, is not a backup, or does not fit this installation; nothing was restored."""

    code = "backup-invalid"


class StateNotEmptyError(ApiError):
    """A backup would be restored over a state that is there."""

    code = "state-not-empty"


class DashboardsNotInstalledError(ApiError):
    """Superset's own environment is missing."""

    code = "dashboards-not-installed"


class DashboardsFailedError(ApiError):
    """Superset could not be brought to what the definitions say."""

    code = "dashboards-failed"


class TooManyRequestsError(ApiError):
    """An identity asks more often than it may; `retry_after_seconds` says when to come back."""

    code = "too-many-requests"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, hint=f"Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds
