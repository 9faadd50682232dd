"""Releases: data plus the definitions it was built with, published whole or not at all.

`Release` is one immutable folder; `ReleaseStore` lists, publishes and rolls back; `check_content`
reads one against its seal; `build_release`
reuses what has not changed, fills the rest of a new folder with dbt, and hands it over only when every
one of its tests passed; `BuildState` says which was which.
"""

from governance.releases.build import build_release, project_fingerprint
from governance.releases.errors import (
    ReleaseBuildFailedError,
    ReleaseBusyError,
    ReleaseCorruptError,
    ReleaseError,
    ReleaseNotFoundError,
)
from governance.releases.layout import Release, check_content
from governance.releases.publish import ReleaseStore
from governance.releases.reuse import BuildState

__all__ = [
    "BuildState",
    "Release",
    "ReleaseBuildFailedError",
    "ReleaseBusyError",
    "ReleaseCorruptError",
    "ReleaseError",
    "ReleaseNotFoundError",
    "ReleaseStore",
    "build_release",
    "check_content",
    "project_fingerprint",
]
