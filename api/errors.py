"""Errors of the composition root: settings, pipeline, servers."""

from semantic.errors import SteelyardError


class ApiError(SteelyardError):
    """Base of the family."""

    code = "api-error"


class SettingsInvalid(ApiError):
    """A setting is missing or contradicts another."""

    code = "settings-invalid"


class PipelineBusy(ApiError):
    """Another pipeline holds the lock."""

    code = "pipeline-busy"


class StepFailed(ApiError):
    """A pipeline step ended without a result; what came before it stays usable."""

    code = "step-failed"


class ServerFailed(ApiError):
    """A server could not be started or stopped answering."""

    code = "server-failed"


class BackupFailed(ApiError):
    """A backup could not be made, or one that is sound could not be put in place; nothing was changed."""

    code = "backup-failed"


class BackupInvalid(ApiError):
    """An archive is damaged, is not a backup, or does not fit this installation; nothing was restored."""

    code = "backup-invalid"


class StateNotEmpty(ApiError):
    """A backup would be restored over a state that is there."""

    code = "state-not-empty"


class DashboardsNotInstalled(ApiError):
    """Superset's own environment is missing."""

    code = "dashboards-not-installed"


class DashboardsFailed(ApiError):
    """Superset could not be brought to what the definitions say."""

    code = "dashboards-failed"


class TooManyRequests(ApiError):
    """An identity asks more often than it may; `retry_after_seconds` says when to come back."""

    code = "too-many-requests"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, hint=f"Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds
