"""What can go wrong with a release."""

from semantic.errors import SteelyardError


class ReleaseError(SteelyardError):
    """Base of the family."""

    code = "release-error"


class ReleaseNotFoundError(ReleaseError):
    """No release of that name, or none published yet."""

    code = "release-not-found"


class ReleaseCorruptError(ReleaseError):
    """The folder is incomplete or differs from what was sealed; it is never served."""

    code = "release-corrupt"


class ReleaseBuildFailedError(ReleaseError):
    """dbt reported a failed model or test; the last release keeps serving."""

    code = "release-build-failed"


class ReleaseBusyError(ReleaseError):
    """Another process is building a release in the same store; nothing was done."""

    code = "release-busy"
