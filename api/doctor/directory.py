"""Whether the people of the directory can see anything of the data that are published."""

from __future__ import annotations

from collections.abc import Iterator

from api.auth.sign_in import directory_of
from api.doctor.finding import Finding, Level
from api.services.metric_service import MetricService
from api.services.reach import reach_mismatches
from api.settings import Settings
from governance.releases import ReleaseCorruptError, ReleaseNotFoundError, ReleaseStore

_HINT = "Write the data's own names into the directory (STEELYARD_DIRECTORY), or `*` for all of them."


def check_directory(settings: Settings) -> Iterator[Finding]:
    """Regions, banners, stores and departments of each person exist in the published data."""
    people = directory_of(settings)
    metrics = MetricService(ReleaseStore(settings.var_dir), settings)
    try:
        wrong = [
            Finding("directory", Level.WARNING, mismatch.sentence(name), _HINT)
            for name in sorted(people.users)
            for mismatch in reach_mismatches(metrics, people.user(name))
        ]
    except (ReleaseNotFoundError, ReleaseCorruptError):
        return  # `check_release` has said so
    finally:
        metrics.close()
    yield from wrong
    if not wrong:
        yield Finding("directory", Level.OK, f"{len(people.users)} people, all with places in the data")
